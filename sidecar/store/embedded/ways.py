"""The two ways to walk through keys, so that what holds for one need not be written again for the other.

Going up, a walk is near at ``begin`` and far at ``end``; going down it is the other way round. A segment is half open
in both, which is the one thing that is not the same seen in a mirror: ``Walk`` says where that matters.
"""

from typing import Final, NamedTuple

from sidecar.store.embedded.segments import Segment, Segments
from sidecar.store.embedded.selectors import FIRST, LAST


class Way(NamedTuple):
    """One of the two.

    Attributes:
        is_up: Towards larger keys.
        step: What a key's number grows by, one key further.
        start: Where there is nothing before.
        edge: Where there is nothing beyond.
    """

    is_up: bool
    step: int
    start: bytes
    edge: bytes

    def lag(self, offset: int) -> int:
        """Return how many keys a selector's place lies behind the key that it counts from; ahead of it: below 0."""
        return self.step * (1 - offset)

    def back(self) -> "Way":
        """Return the other way."""
        return DOWN if self.is_up else UP

    def is_before(self, key: bytes, other: bytes) -> bool:
        """Tell whether a walk comes to ``key`` first."""
        return key < other if self.is_up else key > other

    def later(self, key: bytes, other: bytes) -> bytes:
        """Return the one of two keys that a walk comes to last."""
        return max(key, other) if self.is_up else min(key, other)

    def near_side(self, segment: Segment) -> bytes:
        """Return where a walk enters a segment."""
        return segment.begin if self.is_up else segment.end

    def far_side(self, segment: Segment) -> bytes:
        """Return where it leaves it."""
        return segment.end if self.is_up else segment.begin

    def next(self, segments: Segments, segment: Segment) -> Segment:
        """Return the segment that a walk comes to next."""
        return segments.after(segment) if self.is_up else segments.before(segment)


UP: Final = Way(is_up=True, step=1, start=FIRST, edge=LAST)
DOWN: Final = Way(is_up=False, step=-1, start=LAST, edge=FIRST)
