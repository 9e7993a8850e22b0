"""Range reads and selectors over a transaction's segments, step by step as FoundationDB's client takes them.

Used where that matters: own writes together with a limit, a selector with an offset, or unreadable keys. A *spot* is a
selector on its way to its place: as long as what it passes is known, it moves and counts; at the first unknown segment
something is fetched, and it moves on. Source: FoundationDB's documented behaviour and the recorded traces, which hold
the order of these steps by the errors (1036) and the conflicts that they lead to.
"""

from collections.abc import Callable
from functools import partial

from sidecar.store.embedded.environment import Snapshot
from sidecar.store.embedded.fetching import Fetching
from sidecar.store.embedded.segments import Kind, Segment, Segments
from sidecar.store.embedded.selectors import FIRST, LAST, Rows, RowsRead, base
from sidecar.store.embedded.spots import Course, Spot, Spots
from sidecar.store.embedded.ways import DOWN, UP
from sidecar.store.engine import KeySelector

_NOTHING = RowsRead([])


class Walk:
    """Reads of a transaction.

    Args:
        snapshot: What is stored.
        segments: The transaction's key space; what is fetched becomes known in it.
    """

    __slots__ = ("_segments", "_snapshot")

    def __init__(self, snapshot: Snapshot, segments: Segments) -> None:
        self._snapshot = snapshot
        self._segments = segments

    def find_key(self, selector: KeySelector) -> bytes:
        """Return the key that a selector names."""
        return self._find_key(base(selector), selector.offset)

    def find_rows(self, begin: KeySelector, end: KeySelector, limit: int, *, reverse: bool) -> RowsRead:
        """Return the rows between two selectors, or those before the first stretch that is not known yet."""
        spots = Spots(self._segments)
        low, high = spots.at(base(begin), begin.offset), spots.at(base(end), end.offset)
        return self._read(Course.between(low, high, DOWN if reverse else UP), spots, limit, whole=False)

    def _find_key(self, key: bytes, offset: int) -> bytes:
        spots = Spots(self._segments)
        if offset > 0:
            read = self._read(Course.between(spots.at(key, offset), spots.at(LAST, 1), UP), spots, 1, whole=True)
            if read.past_begin:
                return FIRST
            return LAST if read.past_end or not read.rows else read.rows[0][0]
        read = self._read(Course.between(spots.at(FIRST, 1), spots.at(key, offset + 1), DOWN), spots, 1, whole=True)
        if read.past_end:
            return LAST
        return FIRST if read.past_begin or not read.rows else read.rows[0][0]

    def _read(self, course: Course, spots: Spots, limit: int, *, whole: bool) -> RowsRead:
        """Read one way, if it can not be told at once what that comes to."""
        way, begin, end, near, far = course
        spots.settle_both(course)
        if course.is_inverted():
            return _NOTHING
        if (begin.plain and begin.key == LAST) or (end.plain and end.key == FIRST):
            return spots.ended([])
        if not far.plain and begin.key > end.key:
            resolved = self._resolved(spots, far)
            if not way.is_before(near.key, resolved) and way.lag(near.offset) <= 0:
                return _NOTHING
            if resolved == way.start:
                return spots.ended([])
            spots.settle_both(course)
        gathering = _Gathering(course, spots, Fetching(self._snapshot, self._segments), self._segments)
        return gathering.run(limit, partial(self._resolved, spots), whole=whole)

    def _resolved(self, spots: Spots, spot: Spot) -> bytes:
        """Return the key of a spot by looking in the store, and note where it fell off."""
        key = self._find_key(spot.key, spot.offset)
        spots.past_begin |= key == FIRST
        spots.past_end |= key == LAST
        return key


class _Gathering:
    """The rows of one read, gathered segment by segment."""

    __slots__ = ("_beyond", "_course", "_fetching", "_limit", "_rows", "_segment", "_segments", "_spots")

    def __init__(self, course: Course, spots: Spots, fetching: Fetching, segments: Segments) -> None:
        self._course = course
        self._spots = spots
        self._fetching = fetching
        self._segments = segments
        self._segment = course.near.segment
        self._rows: Rows = []
        self._beyond = 0  # rows passed beyond the limit, to count
        self._limit = 0

    def run(self, limit: int, resolved: Callable[[Spot], bytes], *, whole: bool) -> RowsRead:
        """Gather up to ``limit`` rows.

        Args:
            resolved: Returns the key of a spot by looking in the store.
            whole: Go on when something unknown lies between; else what there is by then is returned.
        """
        self._limit = limit
        while (read := self._decided(resolved)) is None:
            segment = self._segment
            if segment.kind is Kind.UNKNOWN:
                if not whole and self._rows and self._counts_enough():
                    return self._gathered(is_early=True)
                self._fetch(segment)
                continue
            self._take(segment)
            if segment == self._course.far.segment and not self._course.way.is_up:
                return self._gathered()
            self._segment = self._course.way.next(self._segments, segment)
        return read

    def _decided(  # noqa: PLR0911 -- one decision table; its order is what the traces hold
        self, resolved: Callable[[Spot], bytes]
    ) -> RowsRead | None:
        """Return what the read came to if it ends before the present segment; else None."""
        way, begin, end, near, far = self._course
        spots, segment = self._spots, self._segment
        if not self._rows and self._course.is_inverted():
            return _NOTHING
        far_lag = way.lag(far.offset)
        if far_lag >= 0 and not way.is_before(way.start, far.key):
            return spots.ended([])
        have_met = begin.offset >= end.offset and begin.key >= end.key
        if have_met or (way.lag(near.offset) <= 0 and not way.is_before(near.key, way.edge)):
            if self._rows and not far.plain:
                far.key, far.offset = resolved(far), 1
            return self._gathered()
        counts_enough = self._beyond >= far_lag
        if (way.is_up or counts_enough) and segment.known and way.is_before(far.segment.begin, segment.begin):
            return self._gathered() if far.plain else spots.ended([])
        if counts_enough and self._is_full():
            return self._gathered()
        if way.is_up:
            is_far_key = near.offset > 0 and far.plain and far.key == segment.begin
            return self._gathered() if segment == far.segment and (segment.known or is_far_key) else None
        if near.plain and near.key == segment.begin:  # which lies above the key that the read ends before
            if counts_enough and segment == far.segment:
                return self._gathered()
            self._segment = self._segments.before(segment)
        return None

    def _is_full(self) -> bool:
        return bool(self._limit) and len(self._rows) >= self._limit

    def _counts_enough(self) -> bool:
        return self._beyond >= self._course.way.lag(self._course.far.offset)

    def _take(self, segment: Segment) -> None:
        """Add a row segment's row, or count it when it is one beyond the limit."""
        row = self._segments.row(segment) if segment.kind is Kind.ROW else None
        if row is None:
            return
        if self._is_full():
            self._beyond += 1
        else:
            self._rows.append(row)

    def _fetch(self, segment: Segment) -> None:
        wanted = max(1, self._limit - len(self._rows)) if self._limit else 0
        self._fetching.fetch(self._course, segment, wanted)
        self._spots.settle_both(self._course)
        self._segment = self._course.near.segment

    def _gathered(self, *, is_early: bool = False) -> RowsRead:
        rows, far, is_up = self._rows, self._course.far, self._course.way.is_up
        more = is_early or self._is_full()
        if far.plain and rows and (rows[-1][0] < far.key) is not is_up:
            rows, more = [row for row in rows if (row[0] < far.key) is is_up], False
        past_begin, past_end = self._spots.past_begin, self._spots.past_end
        return RowsRead(rows, more, past_begin and (is_up or not more), past_end and not (is_up and more))
