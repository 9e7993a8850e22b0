"""The index of one workspace as a comparison's thread sees it: pages to read, batches to write.

Called by ``comparison.py`` in a worker thread. Reads there, because a hand-over to the event loop and back costs ten
times as much as a short page; hands what is to be written to the event loop.
"""

import asyncio
import concurrent.futures
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Protocol

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.repositories.file_entries import Entries
from sidecar.repositories.files import Files
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.watch.plan import Put
from sidecar.watch.scanner import Run

Page = Callable[[bytes, bytes | None, int], Entries]


class Index(Protocol):
    """Where a comparison reads and writes."""

    def page(self, under: bytes, after: bytes | None, limit: int) -> Entries:
        """Return entries below a folder, in the index's order, behind the path ``after``."""

    def named(self, paths: Sequence[bytes]) -> "list[PagedCursor]":
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

    def page(self, under: bytes, after: bytes | None, limit: int) -> Entries:
        """Return entries below a folder, in the index's order, behind the path ``after``."""

        def body(tr: Reading) -> Entries:
            return self._files.read_index(tr, self._workspace_path, under=under, after=after, limit=limit)

        return self._database.read_here(body)

    def named(self, paths: Sequence[bytes]) -> "list[PagedCursor]":
        """Return for each path the cursor over its entry and those below it; the paths are short enough for keys."""

        def body(tr: Reading) -> list[tuple[Entries, bool]]:
            def read(under: bytes, limit: int) -> Entries:
                return self._files.read_index(tr, self._workspace_path, under=under, limit=limit)

            found = []
            for path in paths:
                first = read(path, 1)
                if first.paths != [path]:
                    first = Entries.of(())
                found.append((first, bool(read(path + b"/", 1))))
            return found

        return [
            PagedCursor(self.page, path + b"/", first=first, is_last=not below)
            for path, (first, below) in zip(paths, self._database.read_here(body), strict=True)
        ]

    def has_files(self) -> bool:
        """Tell whether any file is known that is not deleted."""
        cursor = PagedCursor(self.page, b"")
        while cursor.path is not None:
            if not cursor.entry().is_deleted:
                return True
            cursor.step()
        return False

    def write(self, puts: Sequence[Put], gone: Sequence[FileEntry]) -> "concurrent.futures.Future[None]":
        """Begin to write a batch in one transaction; the future ends when it is durable."""
        seen = [put.entry for put in puts if put.origin is None]
        moved = [(put.entry, put.origin) for put in puts if put.origin is not None]

        def body(tr: Writing) -> None:
            session = self._sessions.find_open(tr, self._workspace_path)
            self._files.put_entries(tr, self._workspace_path, seen, gone, moved=moved, session_id=session)

        return asyncio.run_coroutine_threadsafe(self._database.transact(body, background=True), self._loop)


class PagedCursor:
    """The entries below a folder, read in pages that grow while nothing is skipped; a ``plan.IndexCursor``.

    Args:
        page: Reads entries.
        under: The folder, a slash behind, or empty.
        first: What stands in front of them, already read.
        is_last: Whether that is all.
    """

    def __init__(self, page: Page, under: bytes, *, first: Entries | None = None, is_last: bool = False) -> None:
        self._page = page
        self._under = under
        self._limit = limits.index_page_entries_min
        self._entries = first or Entries.of(())
        self._is_last = is_last
        self._at = 0
        self.path: bytes | None = None
        self._stand()

    def entry(self) -> FileEntry:
        """Return the entry."""
        return self._entries.entry(self._at)

    def stamp(self) -> bytes:
        """Return the entry's stamp."""
        return self._entries.stamps[self._at]

    def step(self) -> None:
        """Go on to the next entry."""
        self._at += 1
        self._stand()

    def step_over(self, run: Run) -> bool:
        """Go on behind a run of files, if just these come next, each with the stamp that it has in the index."""
        if self.path != run.paths[0]:
            return False
        if self._at + len(run) > len(self._entries) and not self._is_last:
            if len(run) > limits.index_page_entries_max:
                return False
            self._read_on()
        end = self._at + len(run)
        entries = self._entries
        if entries.paths[self._at : end] != run.paths or entries.stamps[self._at : end] != run.stamps:
            return False
        self._at = end
        self._stand()
        return True

    def skip(self, prefix: bytes) -> None:
        """Go on to the first entry whose path does not begin with ``prefix``."""
        if not self._is_below(prefix):
            return
        behind = prefix + b"\xff"  # no name of valid UTF-8 sorts behind it; others are passed over one by one
        self._at = max(self._at, bisect_left(self._entries.paths, behind))
        if self._at == len(self._entries) and not self._is_last:
            self._limit = limits.index_page_entries_min
            self._read(behind, self._limit)
        self._stand()
        while self._is_below(prefix):
            self.step()

    def _is_below(self, prefix: bytes) -> bool:
        return self.path is not None and self.path.startswith(prefix)

    def _stand(self) -> None:
        if self._at == len(self._entries) and not self._is_last:
            self._read(self._entries.paths[-1] if self._entries else None, self._limit)
        self.path = self._entries.paths[self._at] if self._at < len(self._entries) else None

    def _read_on(self) -> None:
        """Read the longest page behind the present one, and keep what is left of that."""
        before, at = self._entries, self._at
        self._read(before.paths[-1], limits.index_page_entries_max)
        self._entries = before.rest(at, self._entries)

    def _read(self, after: bytes | None, limit: int) -> None:
        self._entries = self._page(self._under, after, limit)
        self._is_last = len(self._entries) < limit
        self._limit = min(limit * 4, limits.index_page_entries_max)
        self._at = 0
