"""What a walk asks of the store when it comes upon the unknown, as large as FoundationDB's client would ask for it.

Used by ``walk`` alone. A request spans what is known only in pieces, and counts beyond a limit what the transaction
itself has cleared; what it has looked at is known from then on.
"""

from dataclasses import dataclass

from sidecar import limits
from sidecar.store.embedded.environment import Snapshot
from sidecar.store.embedded.segments import FAR, Kind, Segment, Segments
from sidecar.store.embedded.selectors import FIRST, LAST
from sidecar.store.embedded.spots import Course, Spot
from sidecar.store.embedded.ways import Way

# Stand-ins for FoundationDB's own keys, which selectors count although they are never shown: there are always enough.
_OWN_KEYS = tuple(LAST + b"\x02" + number.to_bytes(4, "big") for number in range(64))


@dataclass(slots=True)
class _Run:
    """Segments passed one after another, as long as each is unknown, a row, or a single cleared key."""

    segment: Segment
    near: bytes  # where the stretch that is looked at began
    cleared: int = 0

    def passes(self, segments: Segments, way: Way) -> bool:
        """Pass the present segment, or tell that it can't be."""
        segment = self.segment
        if segment.unreadable or segment.kind is Kind.EMPTY:
            begin, end = (self.near, segment.end) if way.is_up else (segment.begin, self.near)
            if segment.unreadable or begin + b"\x00" != end:
                return False
            self.cleared += 1
        else:
            self.near = way.far_side(segment)
        self.segment = way.next(segments, segment)
        return True


class Fetching:
    """The requests of one read.

    Args:
        snapshot: What is stored.
        segments: The transaction's key space; what is fetched becomes known in it.
    """

    __slots__ = ("_requests", "_segments", "_snapshot")

    def __init__(self, snapshot: Snapshot, segments: Segments) -> None:
        self._snapshot = snapshot
        self._segments = segments
        self._requests = 0

    def fetch(self, course: Course, segment: Segment, wanted: int) -> None:
        """Read on from an unknown segment; each further request of a read spans more cleared keys.

        Args:
            course: Its near spot is moved up to the segment, if it has come to its place.
            wanted: Rows; 0 without a limit.
        """
        way, near = course.way, course.near
        clears_max = 1 << min(self._requests, limits.store_clears_doubled_max) if self._requests else 0
        self._requests += 1
        to, extra = self._far_end(way, course.far, segment, clears_max)
        if near.plain:
            near.key = way.later(near.key, way.near_side(segment))
            since = (near.key, 1)
        elif way.lag(near.offset) < 0:
            since = (near.key, 1)
            extra -= way.lag(near.offset)
        else:
            clears = self._count(way.back(), segment, clears_max)
            since = (near.key, near.offset - way.step * clears)
            extra += clears
        to = (way.later(to[0], since[0]), to[1])
        limit = max(wanted + extra, 1 + way.lag(since[1])) if wanted else 0
        if way.is_up:
            self._look(since, to, limit, reverse=False)
        else:
            self._look(to, since, limit, reverse=True)

    def _far_end(self, way: Way, far: Spot, segment: Segment, clears_max: int) -> tuple[tuple[bytes, int], int]:
        """Return the selector that a request reaches to, and how many rows beyond the limit are needed to count."""
        stop, clears = segment, 0
        if way.is_before(segment.begin, far.segment.begin):
            stop, clears = self._skip(way, segment, far.segment, clears_max)
        to, lag = (way.far_side(stop), 1), way.lag(far.offset)
        if stop == far.segment:
            to = (far.key, 1)
            if lag < 0:
                clears += self._count(way, stop, clears_max - clears)
                to = (far.key, far.offset + way.step * clears)
        return to, max(0, lag) + clears

    def _skip(self, way: Way, segment: Segment, stop: Segment, clears_max: int) -> tuple[Segment, int]:
        """Return the last unknown segment before ``stop`` that one request spans, and the cleared keys between."""
        run = _Run(segment, way.near_side(segment))
        for _ in range(clears_max + limits.store_skipped_segments_max):
            if run.segment == stop or not run.passes(self._segments, way):
                break
        segment = run.segment
        while segment.unreadable or segment.kind is not Kind.UNKNOWN:
            segment = way.back().next(self._segments, segment)
        return segment, min(run.cleared, clears_max)

    def _count(self, way: Way, segment: Segment, most: int) -> int:
        """Return how many single cleared keys lie between a segment and the next longer known stretch."""
        run = _Run(segment, way.near_side(segment))
        while run.cleared < most and way.is_before(way.far_side(run.segment), way.edge):
            if not run.passes(self._segments, way):
                break
        return run.cleared

    def _look(self, begin: tuple[bytes, int], end: tuple[bytes, int], limit: int, *, reverse: bool) -> None:
        """Read between two selectors, and remember which stretch is known by it."""
        low, high = self._stored_place(*begin), self._stored_place(*end)
        keys = self._stored_keys(low, high, limit, reverse=reverse) if low < high else []
        more = bool(limit) and len(keys) >= limit
        known_from = begin[0] if begin[1] <= 1 and not (reverse and more) else FAR
        known_to = end[0] if end[1] >= 1 and (reverse or not more) else FIRST
        if low == FIRST and low < high and not (reverse and more):
            known_from = FIRST
        if keys:
            first, last = min(keys[0], keys[-1]), max(keys[0], keys[-1])
            known_from, known_to = min(known_from, first), max(known_to, last + b"\x00")
        self._segments.looked_at(known_from, min(known_to, FAR))

    def _stored_place(self, key: bytes, offset: int) -> bytes:
        """Return where a selector stands in the store, FoundationDB's own keys counted."""
        if offset == 1:
            return key
        if offset > 1:
            keys = self._snapshot.keys(key, LAST, offset)
            return keys[-1] if len(keys) == offset else _OWN_KEYS[min(offset - len(keys), len(_OWN_KEYS)) - 1]
        keys = self._snapshot.keys(FIRST, min(key, LAST), 1 - offset, reverse=True)
        return keys[-1] if len(keys) == 1 - offset else FIRST

    def _stored_keys(self, low: bytes, high: bytes, limit: int, *, reverse: bool) -> list[bytes]:
        own = [key for key in _OWN_KEYS if key < high]
        if not reverse:
            keys = self._snapshot.keys(low, min(high, LAST), limit) + own
            return keys[:limit] if limit else keys
        keys = own[::-1]
        if not limit or len(keys) < limit:
            rest = limit - len(keys) if limit else 0
            keys += self._snapshot.keys(low, min(high, LAST), rest, reverse=True)
        return keys[:limit] if limit else keys
