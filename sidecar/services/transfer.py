"""Export and import: a user's or a tenant's sessions, conversations and settings as JSON Lines, one record a line.

The first line names the form; then each line is ``{"kind": …, "record": …}`` with the record as the API serves it. An
import keeps ids, times and versions: what is not there is made as it was, what is there is replaced, what is there and
the same is left alone, so that an import may be repeated. Both ends hold a few records in memory.
"""

import asyncio
import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from pydantic import Field, ValidationError
from pydantic_core import from_json

from sidecar import __version__, limits
from sidecar.errors import InvalidError, LimitExceededError
from sidecar.models.base import Record, Value, invalid, milliseconds, timestamp
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.workspace_sessions import SessionSummary, WorkspaceSession
from sidecar.repositories import conversations, messages, settings
from sidecar.repositories import workspace_sessions as sessions
from sidecar.repositories.base import Repository
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.indexes import ID_BYTES, Index
from sidecar.repositories.keys import TenantKeys, id_element
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.store.tuples import Items

Kind = Literal["sessions", "conversations", "messages", "settings"]
MODELS: Final[dict[Kind, type[Record]]] = {
    "sessions": WorkspaceSession,
    "conversations": Conversation,
    "messages": Message,
    "settings": Setting,
}


class Heading(Value):
    """The first line."""

    sidecar_export: Literal[1]
    version: str = __version__


HEADING: Final = Heading(sidecar_export=1)


class Line(Value):
    """Any other line."""

    kind: Kind
    record: dict[str, Any]


class Imported(Value):
    """How many records of each kind of an import are stored; how many replaced another, how many were the same."""

    stored: dict[str, int] = Field(default_factory=dict)
    replaced: dict[str, int] = Field(default_factory=dict)
    unchanged: dict[str, int] = Field(default_factory=dict)


class Scope(NamedTuple):
    """Whose records: one user's, or with None everybody's in the tenant.

    Attributes:
        reads_all: That user may read what belongs to others; what is imported may name it.
    """

    tenant: TenantKeys
    user_id: str | None
    reads_all: bool = False

    def may_read(self, owner_id: str | None) -> bool:
        """Tell whether a record may name what belongs to ``owner_id``."""
        return self.reads_all or self.user_id in (None, owner_id)


class _Sent(NamedTuple):
    """A line of an import as it came, and its number."""

    number: int
    text: bytes


class _Found(Enum):
    """What was there under the name of a record of an import."""

    NOTHING = auto()
    SAME = auto()
    OTHER = auto()


class _Numbered(NamedTuple):
    """A record of an import, and the number of its line."""

    number: int
    kind: Kind
    record: Record


class Transfer:
    """Reads and writes records in batches.

    Args:
        database: Where they are kept.
        real: Returns the path of a folder without links.
    """

    def __init__(self, database: Database, real: Callable[[str], Awaitable[str]]) -> None:
        self._database = database
        self._real = real

    async def lines(self, scope: Scope) -> AsyncIterator[bytes]:
        """Yield the lines of an export, several at a time; each conversation's messages come behind it."""
        tenant, below = scope.tenant, () if scope.user_id is None else (id_element(scope.user_id),)
        yield HEADING.to_json() + b"\n"
        async for chunk in self._rows(_Places(WorkspaceSessions(tenant), sessions.BY_USER, [below])):
            yield _text("sessions", chunk)
        async for chunk in self._rows(_Places(Conversations(tenant), conversations.BY_USER, [below])):
            yield _text("conversations", chunk)
            holders = [(UUID(bytes=each.entry[-ID_BYTES:]),) for each in chunk]
            async for said in self._rows(_Places(Messages(tenant), messages.BY_CONVERSATION, holders)):
                yield _text("messages", said)
        async for chunk in self._rows(_Places(Settings(tenant), settings.BY_USER, [below])):
            yield _text("settings", chunk)

    async def _rows(self, places: "_Places") -> AsyncIterator[list["_Row"]]:
        left = [places.repository.spaces[places.named_by.name].range(each) for each in places.below]
        while left:
            rows, left = await self._database.read(partial(_first_rows, places, left), background=True)
            if rows:
                yield rows

    async def take(self, scope: Scope, lines: AsyncIterator[bytes]) -> Imported:
        """Store what an export's lines hold, and return how much.

        Raises:
            InvalidError: A line is none of an export, or not theirs to store. Most of what came before it is stored.
            UnavailableError: The file system of a session's folder does not answer.
        """
        found: Counter[tuple[Kind, _Found]] = Counter()
        async for batch in _batches(lines):
            found.update(await self._store(scope, batch))
        return Imported(
            stored={kind: sum(found[kind, each] for each in _Found) for kind in MODELS},
            replaced={kind: found[kind, _Found.OTHER] for kind in MODELS},
            unchanged={kind: found[kind, _Found.SAME] for kind in MODELS},
        )

    async def _store(self, scope: Scope, batch: Sequence[_Sent]) -> list[tuple[Kind, _Found]]:
        sent = await asyncio.to_thread(lambda: [_record(scope, *each) for each in batch])
        records = [await self._in_real_folder(each) for each in sent]

        def body(tr: Writing) -> list[tuple[Kind, _Found]]:
            return [(each.kind, _put_line(tr, scope, each)) for each in records]

        return await self._database.transact(body, background=True)

    async def _in_real_folder(self, line: _Numbered) -> _Numbered:
        """Return a record with the path of its folder, if it has one, as that is without links here."""
        if not isinstance(line.record, SessionSummary):
            return line
        real = await self._real(line.record.workspace_path)
        return line._replace(record=line.record.model_copy(update={"workspace_path": real}))


def _repositories(tenant: TenantKeys) -> dict[Kind, Repository[Any]]:
    return {
        "sessions": WorkspaceSessions(tenant),
        "conversations": Conversations(tenant),
        "messages": Messages(tenant),
        "settings": Settings(tenant),
    }


class _Row(NamedTuple):
    """A record of an export: the key of the entry that names it, and its JSON."""

    entry: bytes
    text: bytes


class _Places(NamedTuple):
    """Which records are exported: those that an index names below some tails."""

    repository: Repository[Any]
    named_by: Index[Any]
    below: Sequence[Items]


_Span = tuple[bytes, bytes]  # two keys of an index


def _first_rows(places: _Places, spans: Sequence[_Span], tr: Reading) -> tuple[list[_Row], list[_Span]]:
    """Return the first few records that are named between some keys, until they are many bytes, and what is left."""
    repository, index, _ = places
    found: list[_Row] = []
    size = 0
    for at, (begin, end) in enumerate(spans):
        left = limits.transfer_page_rows_max - len(found)
        for entry, text in repository.json_between(tr, index, (begin, end), limit=left):
            found.append(_Row(entry, text))
            size += len(text)
            if size >= limits.transfer_batch_bytes_max or len(found) == limits.transfer_page_rows_max:
                return found, [(entry + b"\x00", end), *spans[at + 1 :]]
    return found, []


def _text(kind: Kind, rows: Sequence[_Row]) -> bytes:
    return b"".join(b'{"kind":"%b","record":%b}\n' % (kind.encode(), each.text) for each in rows)


async def _batches(lines: AsyncIterator[bytes]) -> AsyncIterator[list[_Sent]]:
    """Yield the lines behind the heading, as many at a time as one transaction takes; blank ones are passed over.

    Raises:
        InvalidError: The first is no heading.
    """
    batch: list[_Sent] = []
    size = number = 0
    has_begun = False
    async for text in lines:
        number += 1
        if not text:
            continue
        if not has_begun:
            _checked(Heading, text.removeprefix(BOM_UTF8), number)
            has_begun = True
            continue
        if batch and (
            len(batch) == limits.transfer_page_rows_max or size + len(text) > limits.transfer_batch_bytes_max
        ):
            yield batch
            batch, size = [], 0
        batch.append(_Sent(number, text))
        size += len(text)
    if not has_begun:
        raise InvalidError("It is empty; an export begins with a heading.")
    yield batch


def _owner(tr: Reading, scope: Scope, record: Record) -> str | None:
    """Return whose a record is; None only of a message whose conversation is not there."""
    if isinstance(record, Message):
        return Conversations(scope.tenant).find_user(tr, record.conversation_id)
    return str(getattr(record, "user_id", ""))


def _checked(model: type[Value], text: bytes, number: int) -> Any:  # noqa: ANN401 - of the model
    try:
        return model.model_validate(from_json(text))
    except ValidationError as error:
        raise invalid(f"Line {number}", error) from None
    except ValueError:
        raise InvalidError(
            f"Line {number} is no whole JSON in UTF-8, as each line of an export is.",
            code="invalid_json",
            details={"line": number},
        ) from None


def _record(scope: Scope, number: int, text: bytes) -> _Numbered:
    """Return the record of a line as it is to be stored: in the caller's tenant, and theirs if they are no admin."""
    line: Line = _checked(Line, text, number)
    fields = line.record | {"tenant_id": scope.tenant.tenant_id}
    if scope.user_id is not None and "user_id" in fields:
        fields |= {"user_id": scope.user_id}
    try:
        record = MODELS[line.kind].model_validate(fields)
    except ValidationError as error:
        raise invalid(f"Line {number}", error) from None
    if record.version > limits.version_imported_max:
        raise InvalidError(
            f"Line {number}: version: may be {limits.version_imported_max} at most, so that the record can be changed.",
            details={"line": number},
        )
    if isinstance(record, SessionSummary) and "\0" in record.workspace_path:
        raise InvalidError(f"Line {number}: workspace_path: a path has no NUL in it.", details={"line": number})
    return _Numbered(number, line.kind, record)


def _put_line(tr: Writing, scope: Scope, line: _Numbered) -> _Found:
    """Store one record as it is, and tell what there was of its name; one that is the same is left alone.

    Raises:
        InvalidError: As ``_check``; the message names the line.
        LimitExceededError: It is too large; the same.
    """
    try:
        return _put(tr, scope, line.kind, line.record)
    except (InvalidError, LimitExceededError) as error:
        details = {**error.details, "line": line.number}
        raise type(error)(f"Line {line.number}: {error.message}", code=error.code, details=details) from None


def _put(tr: Writing, scope: Scope, kind: Kind, record: Record) -> _Found:
    repository = _repositories(scope.tenant)[kind]
    identifier = repository.identifier(record)
    old = repository.find(tr, identifier)
    _check(tr, scope, old, record)
    if old is None:
        repository.create(tr, _active_by(tr.now_ms, record))
        return _Found.NOTHING
    if _is_same(repository.find_json(tr, identifier) or b"", _with_own(record, old)):
        return _Found.SAME
    _replace(tr, repository, old, record)
    return _Found.OTHER


def _active_by(now_ms: int, record: Record) -> Record:
    """Return a record that was not active later than now: it would be before all others for as long."""
    if not isinstance(record, SessionSummary) or milliseconds(record.last_active_at) <= now_ms:
        return record
    return record.model_copy(update={"last_active_at": timestamp(now_ms)})


def _with_own(record: Record, old: Record) -> Record:
    """Return a record with what the one that is there has of its own, and an import does not change.

    A conversation's counts are its messages'; a session was active when it was changed here.
    """
    fields: tuple[str, ...] = ()
    if isinstance(old, Conversation):
        fields = "message_count", "token_count"
    elif isinstance(old, SessionSummary):
        fields = ("last_active_at",)
    return record.model_copy(update={name: getattr(old, name) for name in fields})


def _is_same(served: bytes, record: Record) -> bool:
    """Tell whether a record says what is served, as JSON does: `true` is not 1, and members have no order."""
    text = record.to_json()
    return served == text or _ordered(served) == _ordered(text)


def _ordered(text: bytes) -> str:
    return json.dumps(from_json(text), sort_keys=True)


def _check(tr: Reading, scope: Scope, old: Record | None, record: Record) -> None:
    """Refuse what an import of this scope may not store.

    Raises:
        InvalidError: The record belongs to somebody else, or would; its user is not there, or the conversation of a
            message; or it names, and did not before, what the user may not read.
    """
    owner = _owner(tr, scope, record)
    if owner is None:
        raise InvalidError(
            f"The message {record.id} is of a conversation that is not there.", details={"id": record.id}
        )
    if scope.user_id is None and tr.kv.get(Users(scope.tenant).key(owner)) is None:
        raise InvalidError(f"The record {record.id} belongs to a user who is not there.", details={"id": record.id})
    if scope.user_id is not None and {owner, _owner(tr, scope, old or record)} != {scope.user_id}:
        raise InvalidError(f"The record {record.id} is, or would be, another's.", details={"id": record.id})
    named_before = set(_named(old))
    for kind, identifier in _named(record):
        named = _repositories(scope.tenant)[kind].find_user(tr, identifier)
        if named is not None and (kind, identifier) not in named_before and not scope.may_read(named):
            raise InvalidError(
                f"The record {record.id} names {identifier}, which is another's.",
                details={"id": record.id, "named": identifier},
            )


def _named(record: Record | None) -> Iterator[tuple[Kind, str]]:
    """Yield the kinds and ids of the records that one names; some may not be there, or not yet."""
    if isinstance(record, SessionSummary):
        yield from (("sessions", each) for each in (record.parent_session_id, *record.related_sessions) if each)
        yield from (("conversations", each) for each in (record.conversation_id,) if each)
    elif isinstance(record, Conversation):
        yield from (("sessions", each) for each in (record.workspace_session_id,) if each)
        yield from (("conversations", each) for each in record.related_conversations)


def _replace(tr: Writing, repository: Repository[Any], old: Record, record: Record) -> None:
    """Give a record that is there the content of another; it keeps its own history: its age, and the next version."""
    own = set(Record.model_fields) | {"last_active_at"}
    fields = {name: getattr(record, name) for name in type(record).model_fields if name not in own}
    repository.update(tr, repository.identifier(old), fields)
