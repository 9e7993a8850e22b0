"""Who wrote what lately: decides whether what a transaction read has been written by another since.

Owned by the writer thread alone. Every commit is one *entry*; entries stay for some seconds. A question about one key
is a look-up in a dictionary. A question about a range goes to blocks of entries (1, 2, 4, … entries, aligned), whose
sorted keys are merged when first asked for and kept: its cost is logarithmic in the number of commits and of keys.
Old entries leave when the next commit comes, so that an idle store does no work; what the idle window holds is
bounded by ``limits``.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sidecar import limits
from sidecar.store.embedded.ranges import RangeSet


class Entry(NamedTuple):
    """What one commit wrote."""

    version: int
    order: int
    at_seconds: float
    keys: Sequence[bytes]
    ranges: Sequence[tuple[bytes, bytes]]


class _Block(NamedTuple):
    keys: list[bytes]
    ranges: RangeSet


class ConflictWindow:
    """The writes of the last seconds, by key and by range.

    Args:
        version: The version that the store is at; transactions that read an older one are too old.
    """

    def __init__(self, version: int) -> None:
        self.floor = version
        self._entries: deque[Entry] = deque()
        self._versions: deque[int] = deque()
        self._first = 0  # the number of the oldest entry kept; numbers only grow
        self._last_writer: dict[bytes, int] = {}
        self._last_range_writer = -1
        self._blocks: dict[tuple[int, int], _Block] = {}
        self._keys_count = 0

    def __len__(self) -> int:
        return len(self._entries)

    def footprint(self) -> int:
        """Return how many keys, ranges and blocks are held."""
        return self._keys_count + len(self._last_writer) + len(self._blocks)

    def too_old(self, read_version: int) -> bool:
        """Tell whether writes after ``read_version`` may have left the window."""
        return read_version < self.floor

    def conflicts(self, read_version: int, keys: Iterable[bytes], ranges: Iterable[tuple[bytes, bytes]]) -> bool:
        """Tell whether one of the keys or ranges was written by a commit after ``read_version``."""
        after = self._first + bisect_right(self._versions, read_version)
        end = self._first + len(self._entries)
        if after == end:
            return False
        last_writer = self._last_writer
        for key in keys:
            if last_writer.get(key, -1) >= after:
                return True
        blocks: list[_Block] | None = None
        if self._last_range_writer >= after:
            blocks = self._cover(after, end)
            if any(key in block.ranges for key in keys for block in blocks):
                return True
        for begin, stop in ranges:
            blocks = blocks or self._cover(after, end)
            if any(_touches(block, begin, stop) for block in blocks):
                return True
        return False

    def last(self) -> Entry | None:
        """Return the newest entry."""
        return self._entries[-1] if self._entries else None

    def append(self, entry: Entry) -> None:
        """Remember a commit; its version is not below that of the one before."""
        number = self._first + len(self._entries)
        self._entries.append(entry)
        self._versions.append(entry.version)
        self._keys_count += len(entry.keys) + len(entry.ranges)
        self._last_writer.update(dict.fromkeys(entry.keys, number))
        if entry.ranges:
            self._last_range_writer = number

    def expire(self, now_seconds: float) -> None:
        """Drop the entries that are older than the window, and the oldest ones when there are too many."""
        oldest = now_seconds - limits.store_read_window_seconds
        while self._entries and (
            self._entries[0].at_seconds < oldest
            or len(self._entries) > limits.store_window_commits_max
            or self._keys_count > limits.store_window_keys_max
        ):
            self._drop_first()

    def forget(self, version: int) -> None:
        """Drop everything: whoever read before ``version`` is too old. For a batch whose outcome is unknown."""
        self._entries.clear()
        self._versions.clear()
        self._last_writer.clear()
        self._blocks.clear()
        self._last_range_writer = -1
        self._keys_count = 0
        self.floor = version

    def _drop_first(self) -> None:
        entry = self._entries.popleft()
        self._versions.popleft()
        number = self._first
        self._first += 1
        self.floor = max(self.floor, entry.version)
        self._keys_count -= len(entry.keys) + len(entry.ranges)
        for key in entry.keys:
            if self._last_writer.get(key) == number:
                del self._last_writer[key]
        level = 0
        while (number >> level) << level == number and level < limits.store_window_commits_max.bit_length():
            self._blocks.pop((level, number >> level), None)
            level += 1
        if not self._entries:
            self._blocks.clear()

    def _cover(self, start: int, end: int) -> list[_Block]:
        """Return the few largest aligned blocks that together hold the entries from ``start`` to ``end``."""
        blocks: list[_Block] = []
        while start < end:
            level = (start & -start).bit_length() - 1 if start else end.bit_length()
            while start + (1 << level) > end:
                level -= 1
            blocks.append(self._block(level, start >> level))
            start += 1 << level
        return blocks

    def _block(self, level: int, index: int) -> _Block:
        known = self._blocks.get((level, index))
        if known is not None:
            return known
        if level == 0:
            entry = self._entries[index - self._first]
            ranges = RangeSet()
            for begin, end in entry.ranges:
                ranges.add(begin, end)
            block = _Block(sorted(entry.keys), ranges)
        else:
            block = _merged(self._block(level - 1, 2 * index), self._block(level - 1, 2 * index + 1))
        self._blocks[level, index] = block
        return block


def _merged(left: _Block, right: _Block) -> _Block:
    ranges = left.ranges
    if right.ranges:
        ranges = RangeSet()
        for side in (left, right):
            for begin, end in side.ranges:
                ranges.add(begin, end)
    return _Block(sorted(left.keys + right.keys), ranges)  # sorted() merges two sorted runs in linear time


def _touches(block: _Block, begin: bytes, end: bytes) -> bool:
    index = bisect_left(block.keys, begin)
    return (index < len(block.keys) and block.keys[index] < end) or block.ranges.overlaps(begin, end)
