"""Spots: selectors on their way to their places, moved as far as what a transaction knows allows.

Used by ``walk`` and ``fetching``.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

from sidecar.store.embedded.segments import Kind, Segment, Segments
from sidecar.store.embedded.selectors import FIRST, LAST, Rows, RowsRead
from sidecar.store.embedded.ways import Way


@dataclass(slots=True)
class Spot:
    """The ``offset``-th key at or above ``key``, and the segment it stands in."""

    key: bytes
    offset: int
    segment: Segment
    settled: int  # the offset that was left when it last stopped, before it fell off an end

    @property
    def plain(self) -> bool:
        """Whether it has come to its place."""
        return self.offset == 1


class Course(NamedTuple):
    """The way between two spots.

    Attributes:
        near: The one that the walk sets out from.
        far: The other.
    """

    way: Way
    begin: Spot
    end: Spot
    near: Spot
    far: Spot

    @classmethod
    def between(cls, begin: Spot, end: Spot, way: Way) -> Self:
        """Return the course of a walk."""
        return cls(way, begin, end, begin, end) if way.is_up else cls(way, begin, end, end, begin)

    def is_inverted(self) -> bool:
        """Tell whether there is surely nothing between the two."""
        return self.begin.settled >= self.end.settled and self.begin.key >= self.end.key


class Spots:
    """The spots of one read, and which ends of the key space they have fallen off.

    Args:
        segments: The transaction's key space.
    """

    __slots__ = ("_segments", "past_begin", "past_end")

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self.past_begin = False
        self.past_end = False

    def at(self, key: bytes, offset: int) -> Spot:
        """Return a selector's spot, not moved yet."""
        return Spot(key, offset, self._segments.at(key), offset)

    def settle_both(self, course: Course) -> None:
        """Move the near one, then the far one."""
        self.settle(course.near)
        self.settle(course.far)

    def settle(self, spot: Spot) -> None:
        """Move a spot as far as what is known allows."""
        was_plain = spot.plain
        segment, key = self._counted(spot)
        if not was_plain:
            spot.settled = spot.offset
        spot.segment = segment
        if segment.known and not spot.plain:
            self._fall_off(spot)
            return
        while segment.known and segment.kind is Kind.EMPTY and segment.end < LAST:
            segment = self._segments.after(segment)
            key = segment.begin
        spot.segment, spot.key = segment, key

    def _counted(self, spot: Spot) -> tuple[Segment, bytes]:
        """Count rows until the offset is used up or something is not known; return where that is."""
        segments, key = self._segments, spot.key
        segment = segments.at(key)
        if spot.offset <= 0 and segment.begin == key and key != FIRST:
            segment = segments.before(segment)
        while spot.offset > 1 and segment.known and segment.end < LAST:
            spot.offset -= segment.kind is Kind.ROW
            segment = segments.after(segment)
            key = segment.begin
        while spot.offset < 1 and segment.known and segment.begin != FIRST:
            spot.offset += segment.kind is Kind.ROW
            if spot.offset == 1:
                return segment, segment.begin
            segment = segments.before(segment)
            key = segment.end
        return segment, key

    def _fall_off(self, spot: Spot) -> None:
        if spot.offset < 1:
            self.past_begin = True
            spot.key = FIRST
        else:
            self.past_end = True
            spot.key = LAST
        spot.offset = 1

    def ended(self, rows: Rows) -> RowsRead:
        """Return what a read came to that ends here."""
        return RowsRead(rows, past_begin=self.past_begin, past_end=self.past_end)
