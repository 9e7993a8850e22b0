"""The files of one comparison that have to be read: small ones at once, large ones by the hashing threads meanwhile.

Of a small file in the page cache a hand-over costs more than the file, and threads that give up the interpreter's lock
with every call cost half as much again (measured). Where the disk is waited for, two threads wait at a time. When there
are many, a process of its own reads them.
Called by ``comparison.py``, in its thread. Bounded: when the threads are far behind, who adds a file waits for them.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from sidecar import limits
from sidecar.watch.apart import Apart
from sidecar.watch.findings import Tally
from sidecar.watch.hasher import Hasher, Job, Reading
from sidecar.watch.plan import Look
from sidecar.watch.reading_process import blocks_read

Done = tuple[Look, Reading]
_COLD_FILE_BLOCKS = 4  # of 512 bytes; the smallest read from a disk has 8, and half of the files make it worth while


class _Group:
    """Files that are read together: a hand-over costs as much as a small file.

    Args:
        files_max: So many at once.
    """

    def __init__(self, files_max: int = limits.hash_group_files_max) -> None:
        self._files_max = files_max
        self.looks: list[Look] = []
        self.size = 0

    def add(self, look: Look) -> bool:
        """Append a file; True when the group has grown enough."""
        self.looks.append(look)
        self.size += look.seen.size
        return len(self.looks) >= self._files_max or self.size >= limits.hash_group_bytes_max


class Readings:
    """What is being read.

    Args:
        hasher: The workspace's own.
        job: What the readings share.
        tally: Counts what is done.
    """

    def __init__(self, hasher: Hasher, job: Job, tally: Tally) -> None:
        self._hasher = hasher
        self._job = job
        self._tally = tally
        self._small = _Group()
        self._large = _Group()
        self._under_way: deque[tuple[Sequence[Look], Future[list[Reading]]]] = deque()
        self._handed_over = 0  # groups of small files that go to the threads: the disk is waited for
        self._apart = Apart(hasher, job)
        self._small_files = 0

    def add(self, look: Look) -> Sequence[Done]:
        """Take a file to be read, and return those that have been."""
        if look.seen.size <= limits.hash_here_bytes_max:
            return self._read_small() if self._small.add(look) else ()
        if self._large.add(look):
            self._submit(self._large)
            self._large = _Group()
            return list(self._finished(limits.hash_groups_waiting_max))
        return ()

    def finish(self) -> Iterator[Done]:
        """Read what is left."""
        self._submit(self._large)
        yield from self._read_small()
        yield from self._answered(0)
        yield from self._finished(0)

    def close(self) -> None:
        """Drop what has not begun."""
        self._apart.close()
        for _, future in self._under_way:
            future.cancel()

    def _read_small(self) -> Sequence[Done]:
        group = self._small
        self._small_files += len(group.looks)
        goes_apart = self._small_files >= limits.reader_files_min and self._apart.is_possible()
        self._small = _Group(limits.reader_group_files_max) if goes_apart else _Group()
        if self._handed_over:
            self._handed_over -= 1
            self._submit(group)
            return list(self._finished(limits.hash_groups_waiting_max))
        blocks = self._blocks_read()
        if goes_apart:
            self._apart.ask(group.looks)
            done = list(self._answered(limits.reader_groups_waiting_max))
        else:
            done = self._counted(group.looks, self._hasher.read_here(self._job, [look.seen for look in group.looks]))
        if self._blocks_read() - blocks > _COLD_FILE_BLOCKS * len(group.looks):
            self._handed_over = limits.hash_groups_handed_over
        return done

    def _blocks_read(self) -> int:
        return blocks_read() + self._apart.blocks_read

    def _answered(self, waiting_max: int) -> Iterator[Done]:
        while len(self._apart) > waiting_max:
            yield from self._counted(*self._apart.answer())

    def _submit(self, group: _Group) -> None:
        if group.looks:
            future = self._hasher.submit(self._job, [look.seen for look in group.looks])
            self._under_way.append((group.looks, future))

    def _finished(self, waiting_max: int) -> Iterator[Done]:
        """Yield what has been read, and wait until at most so many groups are under way."""
        while self._under_way and (len(self._under_way) > waiting_max or self._under_way[0][1].done()):
            looks, future = self._under_way.popleft()
            yield from self._counted(looks, future.result())

    def _counted(self, looks: Sequence[Look], readings: Sequence[Reading]) -> list[Done]:
        self._tally.files_hashed += len(looks)
        self._tally.bytes_hashed = self._job.bytes_read
        return list(zip(looks, readings, strict=True))
