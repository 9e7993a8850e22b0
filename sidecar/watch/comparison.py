"""One comparison of the disk with the index, from the walk to the last commit. Synchronous: runs in a worker thread.

The walk and the merge go on while files are hashed and while batches are being committed; each backlog is bounded.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.repositories.file_entries import Entries
from sidecar.watch.aside import Aside
from sidecar.watch.findings import Findings, Tally
from sidecar.watch.hasher import Hasher, Job, Reading, StoppedError
from sidecar.watch.ignore import Folders
from sidecar.watch.index_store import Index, PagedCursor
from sidecar.watch.links import Links
from sidecar.watch.plan import Doubt, Gone, IndexCursor, Look, Moves, Put, merge
from sidecar.watch.reading import Done, Readings
from sidecar.watch.scanner import SHORTAGES, Kept, Run, Walk
from sidecar.watch.scopes import Scope

_ENTRY_BYTES = 1_200  # of a file's record, index entries and change, without its path (measured)
_PATH_COPIES = 6  # the path stands in each of them


class RootLostError(Exception):
    """The root is no longer the folder that it was: nothing may be concluded from what is not there."""


class _Batch:
    def __init__(self) -> None:
        self.puts: list[Put] = []
        self.gone: list[FileEntry] = []
        self.size = 0

    def add(self, item: Put | Gone) -> None:
        if isinstance(item, Put):
            self.puts.append(item)
        else:
            self.gone.append(item.entry)
        self.size += _ENTRY_BYTES + _PATH_COPIES * len(item.entry.path)

    def is_full(self) -> bool:
        files = len(self.puts) + len(self.gone)
        return files >= limits.scan_batch_files_max or self.size >= limits.scan_batch_bytes_max


class Place(NamedTuple):
    """Where a comparison works.

    Attributes:
        root: Absolute.
        identity: The root's device and inode when its watching began.
        files: The workspace's index.
        hasher: The workspace's own.
        moves: The workspace's memory of what has gone.
        links: The workspace's memory of files with several names.
        enter: Told each folder before it is listed.
        aside: Reads large files while the comparison ends without them; None: it waits for them.
    """

    root: bytes
    identity: tuple[int, int]
    files: Index
    hasher: Hasher
    moves: Moves
    links: Links
    enter: Callable[[bytes], None]
    aside: Aside | None = None


def identity_of(root: bytes) -> tuple[int, int] | None:
    """Return a folder's device and inode; None when it is not there, or can't be listed.

    Raises:
        OSError: The process is short of something, so nothing can be said.
    """
    try:
        with os.scandir(root):
            status = os.stat(root)
    except OSError as error:
        if error.errno in SHORTAGES:
            raise
        return None
    return status.st_dev, status.st_ino


class Comparison:
    """Makes the index of some folders equal to the disk.

    Args:
        place: Where.
        folders: The rules, as they are now.
        tally: Counts what is done.
        stop: Ends it as soon as possible with ``StoppedError``.
        doubt_since_ns: Files with an mtime from then on are read although their stat is unchanged.
    """

    def __init__(
        self, place: Place, folders: Folders, tally: Tally, stop: threading.Event, *, doubt_since_ns: int | None = None
    ) -> None:
        self._place = place
        self._folders = folders
        self._tally = tally
        self._stop = stop
        self._doubt_since_ns = doubt_since_ns
        self._job = Job(place.root, stop)
        self._readings = Readings(place.hasher, self._job, tally)
        self._batch = _Batch()
        self._writing: deque[tuple[int, Future[None]]] = deque()
        self._hold = False
        self._sees_all = False
        self.findings = Findings()

    def run(self, scopes: Iterable[Scope]) -> Findings:
        """Compare the folders one after the other; what it found is durable when this returns.

        Raises:
            RootLostError: The root has gone, or is another folder than before.
            StoppedError: It was stopped.
        """
        self._check_root()
        self.findings.scopes = scopes = tuple(scopes)
        self._sees_all = any(scope.recursive and not scope.path for scope in scopes)
        # Where the index is empty nothing can have moved, so the first scan need not hold anything back.
        self._hold = len(self._place.files.page(b"", None, 1)) > 0
        try:
            for scope in scopes:
                self._compare(scope)
            for done in self._readings.finish():
                self._take(*done)
            for item in self._place.moves.finish():
                self._put(item)
            self._write_batch()
        except BaseException:
            self._place.moves.forget()
            raise
        finally:
            self._settle()
        self._seek_names()
        return self.findings

    def done(self) -> int:
        """Return how much it has done, in files and bytes: as long as that rises, its file system answers."""
        return self._tally.files_seen + self._tally.files_indexed + self._job.bytes_read

    def _compare(self, scope: Scope) -> None:
        walk = Walk(
            self._place.root,
            warn=self.findings.warn,
            enter=self._place.enter,
            descend=lambda path: scope.recursive or path.startswith(tuple(scope.inside)),
            give_way=self._place.hasher.give_way,
        )
        folder = self._folders.find(scope.path) if scope.path or scope.only is not None else None
        if scope.only is not None:
            paths = sorted(scope.only)
            for path, known in zip(paths, self._place.files.named(paths), strict=True):
                name = path[len(scope.path) :]
                self._merge(scope, walk.one(folder, name) if folder else (), known)
        elif folder is not None:
            self._merge(scope, walk.files(lambda _present: folder, scope.path), self._cursor(scope.path))
        else:
            found = () if scope.path else walk.files(self._folders.ignore.top, b"")
            self._merge(scope, found, self._cursor(scope.path))

    def _cursor(self, path: bytes) -> PagedCursor:
        return PagedCursor(self._place.files.page, path)

    def _merge(self, scope: Scope, found: Iterable[Run | Kept], known: IndexCursor) -> None:
        for step in merge(self._counted(found), known, Doubt(self._doubt_since_ns, scope.doubts)):
            if isinstance(step, Gone):
                self._place.links.drop(step.entry.inode, step.entry.path)
                for item in self._place.moves.gone(step.entry):
                    self._put(item)
            else:
                for done in self._read(step):
                    self._take(*done)

    def _read(self, look: Look) -> Sequence[Done]:
        aside = self._place.aside
        if aside is None or not aside.wants(look.seen):
            return self._readings.add(look)
        reading = aside.take(look.seen)
        return () if reading is None else ((look, reading),)

    def _counted(self, found: Iterable[Run | Kept]) -> Iterator[Run | Kept]:
        for item in found:
            if isinstance(item, Run):
                for at, status in enumerate(item.statuses):
                    if status.st_nlink > 1:
                        self._place.links.note(status.st_ino, item.paths[at])
                    else:
                        self._place.links.note_single(status.st_ino)
                self._tally.files_seen += len(item)
            if self._stop.is_set():
                raise StoppedError
            yield item

    def _take(self, look: Look, reading: Reading) -> None:
        if reading.is_racy:
            self.findings.racy.append(look.seen.path)
        if reading.is_unstable:
            self.findings.unstable.append(look.seen.path)
            return
        for item in self._steps(look, reading.entry):
            self._put(item)

    def _steps(self, look: Look, entry: FileEntry | None) -> Sequence[Put | Gone]:
        """Return what follows from what reading a file gave; None when it has vanished."""
        known = look.entry
        if entry is None:
            return () if known is None or known.is_deleted else self._place.moves.gone(known)
        if look.seen.links > 1 and not self._sees_all:
            self._place.links.seek(entry, look.seen.links, is_new=known is None or known.is_deleted)
        if known is None:
            return self._place.moves.come(entry, hold=self._hold)
        entry = entry._replace(id=known.id)
        if entry == known:
            return ()
        if look.seen.links > 1:
            self.findings.linked += self._place.links.others(entry.inode, entry.path)
        return (Put(entry),)

    def _seek_names(self) -> None:
        links, clock = self._place.links, self._place.hasher.clock
        began = clock.monotonic()
        if links.is_due(began):
            self.findings.linked += links.find(self._pages())
            links.rest(clock.monotonic(), clock.monotonic() - began)
        self.findings.seek_after = links.seconds_left(clock.monotonic())

    def _pages(self) -> Iterator[Entries]:
        """Yield the whole index."""
        entries = self._place.files.page(b"", None, limits.index_page_entries_max)
        while entries:
            if self._stop.is_set():
                raise StoppedError
            yield entries
            entries = self._place.files.page(b"", entries.paths[-1], limits.index_page_entries_max)

    def _put(self, item: Put | Gone) -> None:
        self._batch.add(item)
        if self._batch.is_full():
            self._write_batch()

    def _write_batch(self) -> None:
        batch, self._batch = self._batch, _Batch()
        if not batch.puts and not batch.gone:
            return
        if self._stop.is_set():
            raise StoppedError  # who has waited for its end may have left it alone, and begun another
        if batch.gone:
            self._check_root()  # it may have vanished during the walk, and with it every file
        while len(self._writing) >= limits.scan_writes_waiting_max:
            self._take_written()
        self._writing.append((len(batch.puts), self._place.files.write(batch.puts, batch.gone)))

    def _take_written(self) -> None:
        files, future = self._writing.popleft()
        future.result()
        self._tally.files_indexed += files

    def _settle(self) -> None:
        """Wait for the commits under way, whatever else happened; the first that failed is raised."""
        self._readings.close()
        failure: Exception | None = None
        while self._writing:
            try:
                self._take_written()
            except Exception as error:  # noqa: BLE001 - raised below, when none is under way any more
                failure = failure or error
        if failure is not None:
            raise failure

    def _check_root(self) -> None:
        if identity_of(self._place.root) != self._place.identity:
            raise RootLostError
