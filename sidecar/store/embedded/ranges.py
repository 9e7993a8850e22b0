"""Sets of key ranges, kept sorted and disjoint. A pure structure: knows no engine."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class RangeSet:
    """A set of keys made of half-open ranges ``[begin, end)``; neighbours that touch are one range."""

    __slots__ = ("begins", "ends")

    def __init__(self) -> None:
        self.begins: list[bytes] = []
        self.ends: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self.begins)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return zip(self.begins, self.ends, strict=True)

    def __contains__(self, key: bytes) -> bool:
        index = bisect_right(self.begins, key) - 1
        return index >= 0 and key < self.ends[index]

    def add(self, begin: bytes, end: bytes) -> None:
        """Add every key of the range; an empty one changes nothing."""
        if begin >= end:
            return
        first = bisect_left(self.ends, begin)
        last = bisect_right(self.begins, end)
        if first < last:
            begin = min(begin, self.begins[first])
            end = max(end, self.ends[last - 1])
        self.begins[first:last] = [begin]
        self.ends[first:last] = [end]

    def remove(self, begin: bytes, end: bytes) -> None:
        """Remove every key of the range."""
        first = bisect_right(self.ends, begin)
        last = bisect_left(self.begins, end)
        if begin >= end or first >= last:
            return
        rest = [(self.begins[first], begin), (end, self.ends[last - 1])]
        rest = [(low, high) for low, high in rest if low < high]
        self.begins[first:last] = [low for low, _ in rest]
        self.ends[first:last] = [high for _, high in rest]

    def overlaps(self, begin: bytes, end: bytes) -> bool:
        """Tell whether a key of the range is in the set."""
        index = bisect_right(self.ends, begin)
        return index < len(self.begins) and self.begins[index] < end

    def within(self, begin: bytes, end: bytes) -> list[tuple[bytes, bytes]]:
        """Return the parts of the set that lie in the range, in order."""
        first = bisect_right(self.ends, begin)
        last = bisect_left(self.begins, end)
        return [(max(self.begins[i], begin), min(self.ends[i], end)) for i in range(first, last)]

    def next_begin(self, key: bytes) -> bytes | None:
        """Return where the first range that begins at or after ``key`` begins."""
        index = bisect_left(self.begins, key)
        return self.begins[index] if index < len(self.begins) else None

    def previous_end(self, key: bytes) -> bytes | None:
        """Return where the last range that ends at or before ``key`` ends."""
        index = bisect_right(self.ends, key) - 1
        return self.ends[index] if index >= 0 else None

    def around(self, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the range that ``key`` lies in."""
        index = bisect_right(self.begins, key) - 1
        if index >= 0 and key < self.ends[index]:
            return self.begins[index], self.ends[index]
        return None

    def before(self, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the range that the keys just below ``key`` lie in."""
        index = bisect_left(self.begins, key) - 1
        if index >= 0 and key <= self.ends[index]:
            return self.begins[index], self.ends[index]
        return None
