"""Search in step with the store: reads each tenant's change feed behind the stamp that the file has reached.

A search first catches up with what is committed, so that whoever stores something finds it. Nothing else drives the
index: no task runs while nobody searches.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sidecar import limits
from sidecar.errors import CursorExpiredError, UnavailableError
from sidecar.feed.log import SINCE_NOW, ChangeLog, Moment
from sidecar.models.changes import Change
from sidecar.repositories.base import Repository
from sidecar.repositories.changes import Changes
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.transactions import Database, Reading
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.search.file import Hit, IndexFile, Wanted, is_refusal
from sidecar.search.text import Entry, of_conversation, of_message, of_session

T = TypeVar("T")
KINDS = ("sessions", "conversations", "messages")


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

    async def find(self, tenant: TenantKeys, wanted: Wanted, *, limit: int, offset: int) -> list[Hit]:
        """Return hits among what is committed now, the best first.

        Raises:
            UnavailableError: The disk is full, or can not be written, and the index is behind.
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
        """Close the file."""
        async with self._turn:
            if self._file is not None:
                await self._in_thread(lambda file: file.close())
            self._threads.shutdown()

    async def _find(self, tenant: TenantKeys, wanted: Wanted, *, limit: int, offset: int) -> list[Hit]:
        async with self._turn:
            await self._catch_up(tenant)
            return await self._in_thread(lambda file: file.find(wanted, limit=limit, offset=offset))

    async def _catch_up(self, tenant: TenantKeys) -> None:
        log = ChangeLog(self._database, Changes(tenant))
        stamp = await self._in_thread(lambda file: file.stamp(tenant.tenant_id))
        try:
            if stamp is None:
                stamp = await self._read_all(tenant, log)
            while moments := await log.after(stamp):
                stamp = moments[-1].stamp
                await self._take(tenant, moments, stamp)
        except CursorExpiredError:  # it was behind for longer than changes are kept
            await self._in_thread(lambda file: file.forget(tenant.tenant_id))
            stamp = await self._read_all(tenant, log)

    async def _take(self, tenant: TenantKeys, moments: list[Moment], stamp: bytes) -> None:
        told = [each for moment in moments for each in moment.events if each.kind in KINDS]
        keys = dict.fromkeys((each.kind, Change.model_validate_json(each.json).id) for each in told)
        entries, gone = await self._database.read(_changed(tenant, list(keys)), background=True)
        await self._in_thread(lambda file: file.write(tenant.tenant_id, entries, gone, stamp))

    async def _read_all(self, tenant: TenantKeys, log: ChangeLog) -> bytes:
        """Index every record of a tenant; return the stamp from which on its feed is read."""
        stamp = await log.position(SINCE_NOW)  # before the records: what changes meanwhile is read once more
        repositories: tuple[Repository[Any], ...] = (WorkspaceSessions(tenant), Conversations(tenant), Messages(tenant))
        for repository in repositories:
            cursor: str | None = None
            while True:
                ids, cursor = await self._database.read(_ids(repository, cursor), background=True)
                keys = [(repository.kind, each) for each in ids]
                entries, gone = await self._database.read(_changed(tenant, keys), background=True)
                await self._in_thread(_writing(tenant.tenant_id, entries, gone))
                if cursor is None:
                    break
        await self._in_thread(lambda file: file.write(tenant.tenant_id, [], [], stamp))
        return stamp

    async def _in_thread(self, call: Callable[[IndexFile], T]) -> T:
        def run() -> T:
            if self._file is None:
                self._file = IndexFile(self._path, self._database.engine.epoch)
            return call(self._file)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


def _ids(repository: Repository[Any], cursor: str | None) -> Callable[[Reading], tuple[list[str], str | None]]:
    def read(tr: Reading) -> tuple[list[str], str | None]:
        page = repository.list_all(tr, cursor=cursor, limit=limits.search_batch_rows_max)
        return [each.id for each in page.items], page.next_cursor

    return read


def _changed(
    tenant: TenantKeys, keys: list[tuple[str, str]]
) -> Callable[[Reading], tuple[list[Entry], list[tuple[str, str]]]]:
    return lambda tr: _read_changed(tr, tenant, keys)


def _writing(tenant_id: str, entries: list[Entry], gone: list[tuple[str, str]]) -> Callable[[IndexFile], None]:
    return lambda file: file.write(tenant_id, entries, gone, None)


def _read_changed(
    tr: Reading, tenant: TenantKeys, keys: list[tuple[str, str]]
) -> tuple[list[Entry], list[tuple[str, str]]]:
    """Return the entries of records as they are now, and those of the records that are not there."""
    found: list[Entry] = []
    gone: list[tuple[str, str]] = []
    for kind, identifier in keys:
        entry = _entry(tr, tenant, kind, identifier)
        if entry is None:
            gone.append((kind, identifier))
        else:
            found.append(entry)
    return found, gone


def _entry(tr: Reading, tenant: TenantKeys, kind: str, identifier: str) -> Entry | None:
    if kind == "sessions":
        sessions = WorkspaceSessions(tenant)
        return None if sessions.find(tr, identifier) is None else of_session(sessions.get_by_id(tr, identifier))
    if kind == "conversations":
        conversation = Conversations(tenant).find(tr, identifier)
        return None if conversation is None else of_conversation(conversation)
    message = Messages(tenant).find(tr, identifier)
    holder = None if message is None else Conversations(tenant).find(tr, message.conversation_id)
    return None if message is None or holder is None else of_message(message, holder)
