"""Export and import: a user's or a tenant's sessions, conversations and settings as JSON Lines, one record a line.

The first line names the form; then each line is ``{"kind": …, "record": …}`` with the record as the API serves it. An
import keeps ids, times and versions: what is not there is made as it was, what is there is replaced, what is there and
the same is left alone, so that an import may be repeated. Both ends hold a few records in memory.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field, ValidationError
from pydantic_core import from_json

from sidecar import __version__, limits
from sidecar.errors import InvalidError, LimitExceededError
from sidecar.models.base import Record, Value, invalid
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.workspace_sessions import SessionSummary, WorkspaceSession
from sidecar.repositories.base import Repository
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions

Kind = Literal["sessions", "conversations", "messages", "settings"]
MODELS: Final[dict[Kind, type[Record]]] = {
    "sessions": WorkspaceSession,
    "conversations": Conversation,
    "messages": Message,
    "settings": Setting,
}


class Heading(Value):
    """The first line."""

    sidecar_export: Literal[1] = 1
    version: str = __version__


class Line(Value):
    """Any other line."""

    kind: Kind
    record: dict[str, Any]


class Imported(Value):
    """How many records of each kind an import has stored, and how many of them were there before."""

    stored: dict[str, int] = Field(default_factory=dict)
    replaced: dict[str, int] = Field(default_factory=dict)


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


class _Numbered(NamedTuple):
    """A record of an import, and the number of its line."""

    number: int
    kind: Kind
    record: Record


class Transfer:
    """Reads and writes records in batches.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(self, scope: Scope) -> AsyncIterator[bytes]:
        """Yield the lines of an export, several at a time."""
        yield Heading().to_json() + b"\n"
        for kind, repository in _repositories(scope.tenant).items():
            cursor: str | None = None
            while True:
                names, cursor = await self._database.read(partial(_names, scope, repository, cursor), background=True)
                while names:
                    texts = await self._database.read(partial(_texts, repository, names), background=True)
                    names = names[len(texts) :]
                    yield b"".join(b'{"kind":"%b","record":%b}\n' % (kind.encode(), each) for each in texts if each)
                if cursor is None:
                    break

    async def take(self, scope: Scope, lines: AsyncIterator[bytes]) -> Imported:
        """Store what an export's lines hold, and return how much.

        Raises:
            InvalidError: A line is none of an export, or not theirs to store. Most of what came before it is stored.
        """
        stored: dict[str, int] = dict.fromkeys(MODELS, 0)
        replaced: dict[str, int] = dict.fromkeys(MODELS, 0)
        batch: list[_Numbered] = []
        size = number = 0
        async for text in lines:
            number += 1
            if number == 1:
                _checked(Heading, text, number)
                continue
            batch.append(_record(scope, text, number))
            size += len(text)
            if len(batch) >= limits.transfer_page_rows_max or size >= limits.transfer_batch_bytes_max:
                await self._store(scope, batch, stored, replaced)
                batch, size = [], 0
        await self._store(scope, batch, stored, replaced)
        if number == 0:
            raise InvalidError("The body is empty; an export begins with a heading.")
        return Imported(stored=stored, replaced=replaced)

    async def _store(
        self, scope: Scope, batch: Sequence[_Numbered], stored: dict[str, int], replaced: dict[str, int]
    ) -> None:
        def body(tr: Writing) -> list[tuple[Kind, bool]]:
            return [(each.kind, _put_line(tr, scope, each)) for each in batch]

        for kind, was_there in await self._database.transact(body, background=True):
            stored[kind] += 1
            replaced[kind] += was_there


def _repositories(tenant: TenantKeys) -> dict[Kind, Repository[Any]]:
    return {
        "sessions": WorkspaceSessions(tenant),
        "conversations": Conversations(tenant),
        "messages": Messages(tenant),
        "settings": Settings(tenant),
    }


def _names(scope: Scope, repository: Repository[Any], cursor: str | None, tr: Reading) -> tuple[list[str], str | None]:
    page = repository.list_all(tr, cursor=cursor, limit=limits.transfer_page_rows_max)
    wanted = [each for each in page.items if scope.user_id in (None, _owner(tr, scope, each))]
    return [repository.identifier(each) for each in wanted], page.next_cursor


def _texts(repository: Repository[Any], names: Sequence[str], tr: Reading) -> list[bytes]:
    """Return the JSON of the first few records, empty for one that is gone, until they are many bytes."""
    found: list[bytes] = []
    size = 0
    for name in names:
        found.append(repository.find_json(tr, name) or b"")
        size += len(found[-1])
        if size >= limits.transfer_batch_bytes_max:
            break
    return found


def _owner(tr: Reading, scope: Scope, record: Record) -> str | None:
    if isinstance(record, Message):
        conversation = Conversations(scope.tenant).find(tr, record.conversation_id)
        return None if conversation is None else conversation.user_id
    return str(getattr(record, "user_id", "")) or None


def _checked(model: type[Value], text: bytes, number: int) -> Any:  # noqa: ANN401 - of the model
    try:
        return model.model_validate(from_json(text))
    except ValidationError as error:
        raise invalid(f"Line {number}", error) from None
    except ValueError:
        raise InvalidError(f"Line {number} is not JSON.", code="invalid_json") from None


def _record(scope: Scope, text: bytes, number: int) -> _Numbered:
    """Return the record of a line as it is to be stored: in the caller's tenant, and theirs if they are no admin."""
    line: Line = _checked(Line, text, number)
    fields = line.record | {"tenant_id": scope.tenant.tenant_id}
    if scope.user_id is not None and "user_id" in fields:
        fields |= {"user_id": scope.user_id}
    try:
        return _Numbered(number, line.kind, MODELS[line.kind].model_validate(fields))
    except ValidationError as error:
        raise invalid(f"Line {number}", error) from None


def _put_line(tr: Writing, scope: Scope, line: _Numbered) -> bool:
    """Store one record as it is, and tell whether there was one of its name; one that is the same is left alone.

    Raises:
        InvalidError: As ``_check``; the message names the line.
        LimitExceededError: It is too large; the same.
    """
    try:
        return _put(tr, scope, line.kind, line.record)
    except (InvalidError, LimitExceededError) as error:
        details = {**error.details, "line": line.number}
        raise type(error)(f"Line {line.number}: {error.message}", code=error.code, details=details) from None


def _put(tr: Writing, scope: Scope, kind: Kind, record: Record) -> bool:
    repository = _repositories(scope.tenant)[kind]
    identifier = repository.identifier(record)
    old = repository.find(tr, identifier)
    _check(tr, scope, old, record)
    if old is None:
        repository.create(tr, record)
    elif from_json(repository.find_json(tr, identifier) or b"null") != from_json(record.to_json()):
        _replace(tr, repository, old, record)
    return old is not None


def _check(tr: Reading, scope: Scope, old: Record | None, record: Record) -> None:
    """Refuse what an import of this scope may not store.

    Raises:
        InvalidError: The record belongs to somebody else, or would; it is a message of a conversation that is not
            there; or it names what the user may not read.
    """
    if isinstance(record, Message) and Conversations(scope.tenant).find(tr, record.conversation_id) is None:
        raise InvalidError(f"A message names the conversation {record.conversation_id}, which is not there.")
    owners = {_owner(tr, scope, each) for each in (old, record) if each is not None}
    if scope.user_id is not None and owners != {scope.user_id}:
        raise InvalidError(f"The record {record.id} is, or would be, another's.", details={"id": record.id})
    for kind, identifier in _named(record):
        found = _repositories(scope.tenant)[kind].find(tr, identifier)
        if found is not None and not scope.may_read(_owner(tr, scope, found)):
            raise InvalidError(
                f"The record {record.id} names {identifier}, which is another's.",
                details={"id": record.id, "named": identifier},
            )


def _named(record: Record) -> Iterator[tuple[Kind, str]]:
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
