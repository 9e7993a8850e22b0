"""The index of one workspace as a comparison's thread sees it: pages to read, batches to write.

Called by ``comparison.py`` in a worker thread. Reads there, because a hand-over to the event loop and back costs ten
times as much as a short page; hands what is to be written to the event loop.
"""

import asyncio
import concurrent.futures
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Protocol

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.repositories.files import Files
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.watch.plan import Put

Page = Callable[[bytes, FileEntry | None, int], list[FileEntry]]


class Index(Protocol):
    """Where a comparison reads and writes."""

    def page(self, under: bytes, after: FileEntry | None, limit: int) -> list[FileEntry]:
        """Return entries below a folder, in the index's order, behind ``after``."""

    def named(self, paths: Sequence[bytes]) -> "list[NamedCursor]":
        """Return for each path the cursor over its entry and those below it; the paths are short enough for keys."""

    def write(self, puts: Sequence[Put], gone: Sequence[FileEntry]) -> "concurrent.futures.Future[None]":
        """Begin to write a batch in one transaction; the future ends when it is durable."""


class WorkspaceIndex:
    """The index of a workspace in the store."""

    def __init__(self, database: Database, files: Files, workspace_path: str, loop: asyncio.AbstractEventLoop) -> None:
        self._database = database
        self._files = files
        self._sessions = WorkspaceSessions(files.tenant)
        self._workspace_path = workspace_path
        self._loop = loop

    def page(self, under: bytes, after: FileEntry | None, limit: int) -> list[FileEntry]:
        """Return entries below a folder, in the index's order, behind ``after``."""

        def body(tr: Reading) -> list[FileEntry]:
            return self._files.list_entries(tr, self._workspace_path, under=under, after=after, limit=limit)

        return self._database.read_here(body)

    def named(self, paths: Sequence[bytes]) -> "list[NamedCursor]":
        """Return for each path the cursor over its entry and those below it; the paths are short enough for keys."""

        def body(tr: Reading) -> list[tuple[FileEntry | None, bool]]:
            found = []
            for path in paths:
                first = self._files.list_entries(tr, self._workspace_path, under=path, limit=1)
                below = self._files.list_entries(tr, self._workspace_path, under=path + b"/", limit=1)
                found.append((first[0] if first and first[0].path == path else None, bool(below)))
            return found

        read = self._database.read_here(body)
        return [
            NamedCursor(entry, PagedCursor(self.page, path + b"/") if below else None)
            for path, (entry, below) in zip(paths, read, strict=True)
        ]

    def has_files(self) -> bool:
        """Tell whether any file is known that is not deleted."""
        cursor = PagedCursor(self.page, b"")
        while (entry := cursor.next()) is not None:
            if not entry.is_deleted:
                return True
        return False

    def write(self, puts: Sequence[Put], gone: Sequence[FileEntry]) -> "concurrent.futures.Future[None]":
        """Begin to write a batch in one transaction; the future ends when it is durable."""

        def body(tr: Writing) -> None:
            seen = [put.entry if put.origin is None else self._moved(tr, put) for put in puts]
            session = self._sessions.find_open(tr, self._workspace_path)
            self._files.put_entries(tr, self._workspace_path, seen, gone, session_id=session)

        return asyncio.run_coroutine_threadsafe(self._database.transact(body, background=True), self._loop)

    def _moved(self, tr: Writing, put: Put) -> FileEntry:
        """Return the entry to write: with its old id only while the record of that id is still at the old path."""
        record = self._files.find(tr, put.entry.id)
        if put.origin is not None and record is not None and record.raw_path == put.origin.path:
            return put.entry
        return put.entry._replace(id="")


class PagedCursor:
    """The entries below a folder, read in pages that grow while nothing is skipped; a ``plan.IndexCursor``.

    Args:
        page: Reads entries.
        under: The folder, a slash behind, or empty.
    """

    def __init__(self, page: Page, under: bytes) -> None:
        self._page = page
        self._under = under
        self._entries: list[FileEntry] = []
        self._at = 0
        self._limit = limits.index_page_entries_min
        self._is_last = False

    def next(self) -> FileEntry | None:
        """Return the next entry, or None at the end."""
        if self._at == len(self._entries):
            if self._is_last:
                return None
            self._read(self._entries[-1] if self._entries else None)
            if not self._entries:
                return None
        entry = self._entries[self._at]
        self._at += 1
        return entry

    def skip(self, prefix: bytes) -> FileEntry | None:
        """Return the next entry whose path does not begin with ``prefix``, or None at the end."""
        behind = prefix + b"\xff"  # no name of valid UTF-8 sorts behind it; others are passed over one by one
        self._at = max(self._at, bisect_left(self._entries, behind, key=attrgetter("path")))
        if self._at == len(self._entries) and not self._is_last:
            self._limit = limits.index_page_entries_min
            self._read(_position(behind))
        while (entry := self.next()) is not None and entry.path.startswith(prefix):
            pass
        return entry

    def _read(self, after: FileEntry | None) -> None:
        self._entries = self._page(self._under, after, self._limit)
        self._is_last = len(self._entries) < self._limit
        self._limit = min(self._limit * 4, limits.index_page_entries_max)
        self._at = 0


class NamedCursor:
    """The entry of one path, then those below it; a ``plan.IndexCursor``."""

    def __init__(self, entry: FileEntry | None, below: PagedCursor | None) -> None:
        self._entry = entry
        self._below = below

    def next(self) -> FileEntry | None:
        """Return the next entry, or None at the end."""
        entry, self._entry = self._entry, None
        return entry or (self._below.next() if self._below else None)

    def skip(self, prefix: bytes) -> FileEntry | None:
        """Return the next entry whose path does not begin with ``prefix``, or None at the end."""
        if self._entry is not None and not self._entry.path.startswith(prefix):
            return self.next()
        self._entry = None
        return self._below.skip(prefix) if self._below else None


def _position(path: bytes) -> FileEntry:
    """Return a place in the index's order; the reader looks at nothing but the path."""
    return FileEntry(path, "", 0, 0, 0, b"", "file", is_deleted=False)
