"""Reads files and says what they hold: large ones in two threads, very large ones in one more.

Called by ``reading.py``. A file counts as read only when its stat was the same before and after: otherwise the checksum
would belong to no version of it.
"""

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from sidecar import limits
from sidecar.clock import Clock
from sidecar.models.files import FileEntry, FileKind
from sidecar.repositories.file_entries import stamp, stored_ns
from sidecar.watch.power import Pace
from sidecar.watch.scanner import SHORTAGES, Seen, kind_of

_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.ENODEV})
_REPLACED = frozenset({errno.ELOOP, errno.EINVAL})  # a link took the file's place, or the other way round

# As far as the system has them; without O_NONBLOCK a FIFO in the file's place would hold us.
_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):
    _FLAGS |= getattr(os, _name, 0)


class StoppedError(Exception):
    """Whoever asked no longer wants the answer."""


class Reading(NamedTuple):
    """What reading a file gave.

    Attributes:
        entry: The file as it is, without an id; None when it has vanished or kept changing.
        is_racy: It was written so shortly before that another change may hide behind the same mtime: look again.
        is_unstable: It kept changing while it was read: look again.
    """

    entry: FileEntry | None
    is_racy: bool = False
    is_unstable: bool = False


class Job:
    """What the readings of one comparison share.

    Args:
        root: Absolute.
        stop: Ends the reading between two blocks.

    Attributes:
        top: The root with a slash behind.
        bytes_read: So far.
    """

    def __init__(self, root: bytes, stop: threading.Event) -> None:
        self.root = root
        self.top = os.path.join(root, b"")
        self.stop = stop
        self.bytes_read = 0
        self._lock = threading.Lock()

    def count(self, size: int) -> None:
        """Add to the bytes that have been read."""
        with self._lock:  # two threads: `+=` alone would lose some
            self.bytes_read += size


class Hasher:
    """The hashing threads of a workspace: of two, one may lie on a file system that does not answer.

    Args:
        clock: Tells how old a file is.
        pace: How fast files are read.
        give_way: Called with each file; see ``turns``.

    Attributes:
        clock: The same.
        pace: The same.
        give_way: The same, for what else is done with many files.
    """

    def __init__(self, clock: Clock, pace: Pace | None = None, *, give_way: Callable[[], None] = lambda: None) -> None:
        self.clock = clock
        self.pace = pace or Pace(clock)
        self.give_way = give_way
        self._threads = ThreadPoolExecutor(limits.hash_threads_max, thread_name_prefix="hash")
        self._large = ThreadPoolExecutor(1, thread_name_prefix="hash-large")

    def submit(self, job: Job, group: Sequence[Seen]) -> "Future[list[Reading]]":
        """Read a group of files; raises ``StoppedError`` from the future when the job is stopped."""
        return self._threads.submit(self.read_here, job, group)

    def submit_large(self, job: Job, seen: Seen) -> "Future[list[Reading]]":
        """Read a file that may take long in a thread that the others do not need; the same otherwise."""
        return self._large.submit(self.read_here, job, [seen])

    def read_here(self, job: Job, group: Sequence[Seen]) -> list[Reading]:
        """Read a group of files in the calling thread.

        Raises:
            StoppedError: The job was stopped.
        """
        paced = len(group) >= limits.paced_files_min or sum(seen.size for seen in group) > limits.hash_read_bytes
        if paced:
            self.pace.rest(job.stop)
        began = self.clock.monotonic()
        readings = self._read_group(job, group)
        if paced:
            self.pace.spent(self.clock.monotonic() - began)
        return readings

    def _read_group(self, job: Job, group: Sequence[Seen]) -> list[Reading]:
        now_ms = self.clock.now_ms()
        entries = (
            _read_at_once(job.top + seen.path, seen) if seen.size <= limits.hash_read_bytes else None for seen in group
        )
        return self.readings_of(job, group, entries, now_ms)

    def readings_of(
        self, job: Job, group: Sequence[Seen], entries: Iterable[FileEntry | None], now_ms: int
    ) -> list[Reading]:
        """Return the readings of files that have been read once, and read those again that were not as they should be.

        Args:
            entries: What the files hold; None for what has to be read again.
            now_ms: A time before they were read, milliseconds since 1970.
        """
        readings: list[Reading] = []
        size = 0
        for seen, entry in zip(group, entries, strict=True):
            self.give_way()
            if entry is None:
                readings.append(read_file(job, seen.path, self.clock.now_ms))
            else:
                readings.append(Reading(entry, is_racy(entry.mtime_ns, now_ms)))
                size += entry.size
        job.count(size)
        return readings

    def close(self) -> None:
        """Let the threads end with what they do now."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._large.shutdown(wait=False, cancel_futures=True)


def _read_at_once(where: bytes, seen: Seen) -> FileEntry | None:
    """Read a small file by one look at it, with the walk's as the one before; None where anything is not as it was."""
    if seen.kind != "file":
        return None
    try:
        descriptor = os.open(where, _FLAGS)
    except OSError:
        return None
    try:
        content = os.read(descriptor, seen.size)
        status = os.fstat(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if len(content) != seen.size or stamp(status, "file") != seen.stamp:
        return None
    return _entry(seen.path, status, "file", hashlib.sha256(content).digest())


def is_racy(mtime_ns: int, now_ms: int) -> bool:
    """Tell whether a file is so young at a time that another change may hide behind the same mtime."""
    return abs(now_ms - mtime_ns // 1_000_000) <= limits.racy_window_ms


def read_file(job: Job, path: bytes, now_ms: Callable[[], int]) -> Reading:
    """Read one file below the job's root, again when it changes meanwhile."""
    where = os.path.join(job.root, path)
    for _ in range(limits.hash_attempts_max):
        if job.stop.is_set():
            raise StoppedError
        try:
            status = os.lstat(where)
        except OSError as error:
            return Reading(None, is_unstable=not _has_vanished(error))
        kind = kind_of(status.st_mode)
        if kind is None:
            return Reading(None)
        try:
            checksum = _link_checksum(where) if kind == "symlink" else _content_checksum(job, where, status)
        except OSError as error:
            if _has_vanished(error):
                return Reading(None)
            if error.errno in _REPLACED:
                continue
            return Reading(_entry(path, status, "unreadable", b""))
        if checksum is not None:
            entry = _entry(path, status, "symlink" if kind == "symlink" else "file", checksum)
            return Reading(entry, is_racy=is_racy(status.st_mtime_ns, now_ms()))
        if status.st_size > limits.hash_again_at_once_bytes_max:
            break
    return Reading(None, is_unstable=True)


def _has_vanished(error: OSError) -> bool:
    if error.errno in SHORTAGES:
        raise error
    return error.errno in _VANISHED


def _entry(path: bytes, status: os.stat_result, kind: FileKind, checksum: bytes) -> FileEntry:
    mtime_ns, ctime_ns = stored_ns(status.st_mtime_ns), stored_ns(status.st_ctime_ns)
    return FileEntry(path, "", status.st_size, mtime_ns, status.st_ino, checksum, kind, False, ctime_ns)


def _link_checksum(where: bytes) -> bytes:
    return hashlib.sha256(os.readlink(where)).digest()


def _content_checksum(job: Job, where: bytes, status: os.stat_result) -> bytes | None:
    """Return the checksum of the file that ``status`` describes; None when it is another, or changes meanwhile."""
    descriptor = os.open(where, _FLAGS)
    try:
        if _identity(os.fstat(descriptor)) != _identity(status):
            return None
        digest = hashlib.sha256()
        left = status.st_size
        while left:
            block = os.read(descriptor, min(left, limits.hash_read_bytes))
            if not block:
                return None
            digest.update(block)
            job.count(len(block))
            left -= len(block)
            if job.stop.is_set():
                raise StoppedError
            if _identity(os.fstat(descriptor)) != _identity(status):
                return None
        return digest.digest() if _identity(os.fstat(descriptor)) == _identity(status) else None
    finally:
        os.close(descriptor)


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
