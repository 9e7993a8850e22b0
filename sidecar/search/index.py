"""Search in step with the store: reads each tenant's change feed behind the stamp that the file has reached.

A search first catches up with what is committed, so that whoever stores something finds it. Nothing else drives the
index: no task runs while nobody searches.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from sidecar import limits
from sidecar.errors import UNREADABLE, CursorExpiredError, UnavailableError
from sidecar.feed.log import SINCE_NOW, ChangeLog
from sidecar.models.conversations import Conversation
from sidecar.repositories import conversations as talks
from sidecar.repositories import messages, workspace_sessions
from sidecar.repositories.base import Repository
from sidecar.repositories.changes import Changes
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.indexes import ID_BYTES, Index
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Reading
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.search.file import Hit, IndexFile, Wanted, is_refusal
from sidecar.search.text import Entry, of_conversation, of_message, of_session

T = TypeVar("T")
log = logging.getLogger(__name__)
RecordKey = tuple[str, str]  # kind and id
# What is indexed, and the index of the store that names all of it.
_INDEXES: Final[Mapping[type[Repository[Any]], Index[Any]]] = {
    WorkspaceSessions: workspace_sessions.BY_USER,
    Conversations: talks.BY_USER,
    Messages: messages.BY_CONVERSATION,
}
KINDS = tuple(repository.kind for repository in _INDEXES)


class Search:
    """The index of one store.

    Args:
        database: Whose records are found.
        path: The file beside it.
    """

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="search")
        self._turn = asyncio.Lock()
        self._file: IndexFile | None = None
        self._has_looked = False

    async def find(self, tenant: TenantKeys, wanted: Wanted, *, limit: int, offset: int) -> list[Hit]:
        """Return hits among what is committed now, the best first.

        Raises:
            UnavailableError: The disk is full, or can not be written, and the index is behind.
            LimitExceededError: It takes too long.
        """
        try:
            return await self._find(tenant, wanted, limit=limit, offset=offset)
        except sqlite3.DatabaseError as error:
            if is_refusal(error):
                raise UnavailableError(f"The search index {self._path} can not be kept: {error}.") from error
            await self.rebuild()  # damaged while it was open: it is made anew, once
            return await self._find(tenant, wanted, limit=limit, offset=offset)

    async def rebuild(self) -> None:
        """Forget the index; the next search of each tenant reads its records."""
        async with self._turn:
            await self._in_thread(lambda file: file.rebuild())

    async def close(self) -> None:
        """Close the file, whatever is done with it."""
        if self._file is not None:
            self._file.stop()
        async with self._turn:
            if self._file is not None:
                await self._in_thread(lambda file: file.close())
            self._threads.shutdown()

    async def _find(self, tenant: TenantKeys, wanted: Wanted, *, limit: int, offset: int) -> list[Hit]:
        async with self._turn:
            if not self._has_looked:
                await self._forget_gone()
            await self._catch_up(tenant)
            return await self._in_thread(lambda file: file.find(wanted, limit=limit, offset=offset))

    async def _forget_gone(self) -> None:
        """Forget the tenants that were deleted before this program was started."""
        known, keyspace = await self._in_thread(lambda file: file.tenants()), self._database.keyspace
        for tenant in map(keyspace.tenant, known):
            if await self._database.read(partial(Tenants(tenant).find, identifier=tenant.tenant_id)) is None:
                await self._forget(tenant)
        self._has_looked = True

    async def _forget(self, tenant: TenantKeys) -> None:
        await self._in_thread(lambda file: file.forget(tenant.tenant_id))

    async def _catch_up(self, tenant: TenantKeys) -> None:
        log = ChangeLog(self._database, Changes(tenant))
        while True:
            stamp = await self._in_thread(lambda file: file.stamp(tenant.tenant_id))
            try:
                known = await self._read_all(tenant, log) if stamp is None else await log.position(log.cursor(stamp))
                await self._follow(tenant, log, known)
            except CursorExpiredError:  # it was behind for longer than changes are kept, or the store was put back
                await self._forget(tenant)
            else:
                return

    async def _follow(self, tenant: TenantKeys, log: ChangeLog, stamp: bytes) -> None:
        """Index what has changed between a stamp and now."""
        head = await log.position(SINCE_NOW)
        while stamp < head:
            changes, stamp = await log.changes_of(KINDS, stamp)
            await self._take(tenant, dict.fromkeys((each.kind, each.id) for each in changes), stamp)

    async def _take(self, tenant: TenantKeys, keys: Iterable[RecordKey], stamp: bytes | None = None) -> None:
        """Index records as they are now, some at a time; note the stamp, if there is one, with the last."""
        left = list(keys)
        while True:
            found = await self._database.read(partial(_read_some, tenant=tenant, keys=left), background=True)
            left = left[found.looked_at :]
            await self._in_thread(partial(_write, tenant, found, None if left else stamp))
            if not left:
                return

    async def _read_all(self, tenant: TenantKeys, log: ChangeLog) -> bytes:
        """Index every record of a tenant; return the stamp from which on its feed is read.

        What an attempt that was not finished has left is forgotten first: no feed tells of its records that have gone.
        """
        await self._forget(tenant)
        stamp = await log.position(SINCE_NOW)  # before the records: what changes meanwhile is read once more
        for kind, index in _INDEXES.items():
            repository = kind(tenant)
            begin, end = repository.spaces[index.name].range()
            going_on: bytes | None = begin
            while going_on is not None:
                ids, going_on = await self._database.read(
                    partial(_ids, repository, index, (going_on, end)), background=True
                )
                await self._take(tenant, [(repository.kind, each) for each in ids])
        await self._take(tenant, (), stamp)
        return stamp

    async def _in_thread(self, call: Callable[[IndexFile], T]) -> T:
        def run() -> T:
            if self._file is None:
                self._file = IndexFile(self._path, self._database.engine.epoch, self._database.clock)
            return call(self._file)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


class _Found(NamedTuple):
    """What is to be written of some records: their entries, and those that are not there; ``looked_at`` counts both."""

    looked_at: int
    entries: list[Entry]
    gone: list[RecordKey]


def _ids(
    repository: Repository[Any], index: Index[Any], between: tuple[bytes, bytes], tr: Reading
) -> tuple[list[str], bytes | None]:
    """Return the ids of some records, which are not read, and the key from which on there are more."""
    rows = tr.kv.get_range(*between, limit=limits.search_page_ids_max)
    ids = [str(UUID(bytes=key[-ID_BYTES:])) for key in repository.named_keys(index, rows)]
    return ids, rows[-1][0] + b"\x00" if len(rows) == limits.search_page_ids_max else None


def _write(tenant: TenantKeys, found: _Found, stamp: bytes | None, file: IndexFile) -> None:
    file.write(tenant.tenant_id, found.entries, found.gone, stamp)


def _read_some(tr: Reading, tenant: TenantKeys, keys: Sequence[RecordKey]) -> _Found:
    """Return the entries of the first few records, until they are many, or much text."""
    conversation_of = cache(partial(Conversations(tenant).find, tr))  # a batch's messages have few
    entries: list[Entry] = []
    gone: list[RecordKey] = []
    chars = 0
    for kind, identifier in keys[: limits.search_batch_records_max]:
        try:
            entry = _entry(tr, tenant, (kind, identifier), conversation_of)
        except UNREADABLE as error:  # nobody else should have to search without an answer
            log.warning("The record %s of %s is not found by searches: %s", identifier, kind, error.message)
            entry = None
        if entry is None:
            gone.append((kind, identifier))
            continue
        entries.append(entry)
        chars += len(entry.title) + len(entry.body)
        if chars >= limits.search_batch_chars_max:
            break
    return _Found(len(entries) + len(gone), entries, gone)


def _entry(
    tr: Reading, tenant: TenantKeys, key: RecordKey, conversation_of: Callable[[str], Conversation | None]
) -> Entry | None:
    kind, identifier = key
    if kind == "sessions":
        sessions = WorkspaceSessions(tenant)
        session = sessions.find(tr, identifier)
        return None if session is None else of_session(session, sessions.memory(tr, session))
    if kind == "conversations":
        conversation = conversation_of(identifier)
        return None if conversation is None else of_conversation(conversation)
    message = Messages(tenant).find(tr, identifier)
    holder = None if message is None else conversation_of(message.conversation_id)
    return None if message is None or holder is None else of_message(message, holder)
