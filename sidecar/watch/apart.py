"""Small files read by a process of its own, for comparisons that read many.

Called by ``reading.py``. In one process reading, walking and writing take turns at the interpreter's lock, so a first
index takes the sum of their times; reading is half of it (measured: 1.75 s instead of 1.25 for 52,000 files).
"""

import logging
import os
import select
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.watch import reading_process
from sidecar.watch.hasher import Hasher, Job, Reading, StoppedError
from sidecar.watch.plan import Look
from sidecar.watch.reading_process import COUNT, LENGTH, RECORD
from sidecar.watch.scanner import Seen

log = logging.getLogger(__name__)

IS_POSSIBLE: Final = hasattr(os, "readv") and hasattr(select, "poll") and bool(sys.executable)
_STAMP_BYTES: Final = RECORD.size - 32


class ReadingProcess:
    """A process that reads groups of small files, one after the other; some may wait.

    Whatever a pipe holds, neither side waits for the other for ever: answers are taken while a question is written. To
    users who have many pipes Linux gives such as hold one page.

    Args:
        top: The folder that paths are relative to, a slash behind.
        stop: Ends all waiting.

    Attributes:
        blocks_read: See ``reading_process.blocks_read``.
    """

    def __init__(self, top: bytes, stop: threading.Event) -> None:
        self.blocks_read = 0
        self._top = top
        self._stop = stop
        self._answers = bytearray()  # what has come of them
        self._process = subprocess.Popen(  # noqa: S603 - a file of ours
            [sys.executable, "-I", "-S", reading_process.__file__, str(limits.hash_here_bytes_max)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the daemon, which ends it
            bufsize=0,
        )
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        assert self._process.stdout is not None  # noqa: S101 - the same
        self._question_end, self._answer_end = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._question_end, False)

    def ask(self, group: Sequence[Seen]) -> None:
        """Have a group read.

        Raises:
            OSError: The process has ended.
            StoppedError: It was stopped.
        """
        paths = b"".join([self._top + seen.path + b"\0" for seen in group])
        self._exchange(memoryview(LENGTH.pack(len(paths)) + paths), 0)

    def answer(self, group: Sequence[Seen]) -> list[FileEntry | None]:
        """Wait for the group that was asked for first; None for each file that is not as it was seen.

        Raises:
            OSError: The process has ended.
            StoppedError: It was stopped.
        """
        end = LENGTH.size + len(group) * RECORD.size
        self._exchange(memoryview(b""), end + COUNT.size)
        frame = bytes(self._answers[: end + COUNT.size])
        del self._answers[: end + COUNT.size]
        self.blocks_read = COUNT.unpack_from(frame, end)[0]
        places = range(LENGTH.size, end, RECORD.size)
        return [_entry(seen, frame[at : at + RECORD.size]) for seen, at in zip(group, places, strict=True)]

    def _exchange(self, question: memoryview, size: int) -> None:
        """Write a question whole, and read until so many bytes of answers are there."""
        poll = select.poll()
        poll.register(self._answer_end, select.POLLIN)
        poll.register(self._question_end, select.POLLOUT if question else 0)
        while question or len(self._answers) < size:
            ready = [descriptor for descriptor, _ in poll.poll(limits.reader_stop_look_ms)]
            if self._stop.is_set():
                raise StoppedError
            if self._answer_end in ready:
                self._read()
            if question and self._question_end in ready:
                question = question[os.write(self._question_end, question) :]
                poll.modify(self._question_end, select.POLLOUT if question else 0)

    def _read(self) -> None:
        data = os.read(self._answer_end, limits.hash_here_bytes_max)
        if not data:
            raise BrokenPipeError
        self._answers += data

    def close(self) -> None:
        """End the process; idempotent."""
        self._process.kill()
        self._process.communicate()


class Apart:
    """The groups of one comparison that a process of its own reads, from the first one on; after a failure none.

    Args:
        hasher: Reads what the process could not.
        job: What the readings share.
    """

    def __init__(self, hasher: Hasher, job: Job) -> None:
        self._hasher = hasher
        self._job = job
        self._process: ReadingProcess | None = None
        self._has_failed = not IS_POSSIBLE
        self._waiting: deque[tuple[Sequence[Look], int]] = deque()

    @property
    def blocks_read(self) -> int:
        """How many blocks the disk has read for the process so far."""
        return 0 if self._process is None else self._process.blocks_read

    def __len__(self) -> int:
        return len(self._waiting)

    def is_possible(self) -> bool:
        """Tell whether to ask: on battery the two processes would not be paced as one."""
        self._hasher.pace.spent(0.0)  # looks now and then whether it still is so
        return not self._has_failed and not self._hasher.pace.is_slow

    def ask(self, looks: Sequence[Look]) -> None:
        """Have a group read.

        Raises:
            StoppedError: The job was stopped.
        """
        self._waiting.append((looks, self._hasher.clock.now_ms()))
        try:
            if self._process is None:
                self._process = ReadingProcess(self._job.top, self._job.stop)
            self._process.ask([look.seen for look in looks])
        except OSError as error:
            self._fail(error)

    def answer(self) -> tuple[Sequence[Look], list[Reading]]:
        """Wait for the group that was asked for first.

        Raises:
            StoppedError: The job was stopped.
        """
        looks, now_ms = self._waiting.popleft()
        group = [look.seen for look in looks]
        entries: Sequence[FileEntry | None] = [None] * len(group)
        try:
            if self._process is not None:
                entries = self._process.answer(group)
        except OSError as error:
            self._fail(error)
        return looks, self._hasher.readings_of(self._job, group, entries, now_ms)

    def close(self) -> None:
        """End the process; idempotent."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _fail(self, error: OSError) -> None:
        log.warning("The process that reads files has ended; they are read without it.", exc_info=error)
        self._has_failed = True
        self.close()


def _entry(seen: Seen, record: bytes) -> FileEntry | None:
    if seen.kind != "file" or record[:_STAMP_BYTES] != seen.stamp[:_STAMP_BYTES]:
        return None
    size, mtime_ns, ctime_ns, inode, checksum = RECORD.unpack(record)
    return FileEntry(seen.path, "", size, mtime_ns, inode, checksum, "file", False, ctime_ns)
