"""Range reads and selectors over a transaction's segments, step by step as FoundationDB's client takes them.

Used where that matters: own writes together with a limit, a selector with an offset, or unreadable keys. A *spot* is a
selector on its way to its place: as long as what it passes is known, it moves and counts; at the first unknown segment
something is fetched, and it moves on. Source: FoundationDB's documented behaviour and the recorded traces, which hold
the order of these steps by the errors (1036) and the conflicts that they lead to.
"""

from dataclasses import dataclass

from sidecar.store.embedded.environment import Snapshot
from sidecar.store.embedded.segments import FAR, Kind, Segment, Segments
from sidecar.store.embedded.selectors import FIRST, LAST, Rows, RowsRead, base
from sidecar.store.engine import KeySelector

_SKIP_STEPS = 100  # segments that one request may span beyond its own
_NOTHING = RowsRead([])
# Stand-ins for FoundationDB's own keys, which selectors count although they are never shown: there are always enough.
_OWN_KEYS = tuple(LAST + b"\x02" + number.to_bytes(4, "big") for number in range(64))


@dataclass(slots=True)
class _Spot:
    """The ``offset``-th key at or above ``key``, and the segment it stands in."""

    key: bytes
    offset: int
    segment: Segment
    settled: int  # the offset that was left when it last stopped, before it fell off an end

    @property
    def plain(self) -> bool:
        return self.offset == 1


@dataclass(slots=True)
class _Request:
    """What is asked of the store: two selectors and how many rows beyond the limit are needed to count."""

    begin: tuple[bytes, int]
    end: tuple[bytes, int]
    extra: int


class Walk:
    """One read of a transaction.

    Args:
        snapshot: What is stored.
        segments: The transaction's key space; what is fetched becomes known in it.
    """

    __slots__ = ("_past_begin", "_past_end", "_segments", "_snapshot")

    def __init__(self, snapshot: Snapshot, segments: Segments) -> None:
        self._snapshot = snapshot
        self._segments = segments
        self._past_begin = False
        self._past_end = False

    def find_key(self, selector: KeySelector) -> bytes:
        """Return the key that a selector names."""
        return self._find_key(base(selector), selector.offset)

    def find_rows(self, begin: KeySelector, end: KeySelector, limit: int, *, reverse: bool) -> RowsRead:
        """Return the rows between two selectors, or those before the first stretch that is not known yet."""
        self._past_begin = self._past_end = False
        low, high = self._spot(base(begin), begin.offset), self._spot(base(end), end.offset)
        return self._down(low, high, limit, whole=False) if reverse else self._up(low, high, limit, whole=False)

    def _find_key(self, key: bytes, offset: int) -> bytes:
        inner = Walk(self._snapshot, self._segments)
        if offset > 0:
            read = inner._up(inner._spot(key, offset), inner._spot(LAST, 1), 1, whole=True)
            if read.past_begin:
                return FIRST
            return LAST if read.past_end or not read.rows else read.rows[0][0]
        read = inner._down(inner._spot(FIRST, 1), inner._spot(key, offset + 1), 1, whole=True)
        if read.past_end:
            return LAST
        return FIRST if read.past_begin or not read.rows else read.rows[0][0]

    def _spot(self, key: bytes, offset: int) -> _Spot:
        return _Spot(key, offset, self._segments.at(key), offset)

    # --- moving spots

    def _settle(self, spot: _Spot) -> None:
        """Move a spot as far as what is known allows."""
        segments = self._segments
        exhausted = spot.plain
        segment = segments.at(spot.key)
        if spot.offset <= 0 and segment.begin == spot.key and spot.key != FIRST:
            segment = segments.before(segment)
        key = spot.key
        while spot.offset > 1 and segment.known and segment.end < LAST:
            spot.offset -= segment.kind is Kind.ROW
            segment = segments.after(segment)
            key = segment.begin
        while spot.offset < 1 and segment.known and segment.begin != FIRST:
            spot.offset += segment.kind is Kind.ROW
            if spot.offset == 1:
                key = segment.begin
                break
            segment = segments.before(segment)
            key = segment.end
        if not exhausted:
            spot.settled = spot.offset
        spot.segment = segment
        if segment.known and not spot.plain:
            self._fall_off(spot)
            return
        while segment.known and segment.kind is Kind.EMPTY and segment.end < LAST:
            segment = segments.after(segment)
            key = segment.begin
        spot.segment, spot.key = segment, key

    def _fall_off(self, spot: _Spot) -> None:
        if spot.offset < 1:
            self._past_begin = True
            spot.key = FIRST
        else:
            self._past_end = True
            spot.key = LAST
        spot.offset = 1

    def _resolve(self, spot: _Spot) -> bytes:
        """Return the key of a spot by looking in the store, and note where it fell off."""
        key = self._find_key(spot.key, spot.offset)
        self._past_begin |= key == FIRST
        self._past_end |= key == LAST
        return key

    def _ended(self, rows: Rows) -> RowsRead:
        return RowsRead(rows, past_begin=self._past_begin, past_end=self._past_end)

    @staticmethod
    def _inverted(begin: _Spot, end: _Spot) -> bool:
        return begin.settled >= end.settled and begin.key >= end.key

    # --- upwards

    def _up(self, begin: _Spot, end: _Spot, limit: int, *, whole: bool) -> RowsRead:
        self._settle(begin)
        self._settle(end)
        if self._inverted(begin, end):
            return _NOTHING
        if (begin.plain and begin.key == LAST) or (end.plain and end.key == FIRST):
            return self._ended([])
        if not end.plain and begin.key > end.key:
            resolved = self._resolve(end)
            if begin.key >= resolved and begin.offset > 0:
                return _NOTHING
            if resolved == FIRST:
                return self._ended([])
            self._settle(begin)
            self._settle(end)
        return self._gather_up(begin, end, limit, whole=whole)

    def _gather_up(  # noqa: C901 -- one decision table; its order is what the traces hold
        self, begin: _Spot, end: _Spot, limit: int, *, whole: bool
    ) -> RowsRead:
        rows: Rows = []
        beyond = requests = 0
        early = False
        segment = begin.segment
        while True:
            full = bool(limit) and len(rows) >= limit
            if not rows and self._inverted(begin, end):
                return _NOTHING
            if end.offset <= 1 and end.key == FIRST:
                return self._ended([])
            if (begin.offset >= end.offset and begin.key >= end.key) or (begin.offset >= 1 and begin.key >= LAST):
                if rows and not end.plain:
                    end.key, end.offset = self._resolve(end), 1
                break
            if segment.known and segment.begin > end.segment.begin:
                if end.plain:
                    break
                return self._ended([])
            if full and beyond >= 1 - end.offset:
                break
            at_begin_of_end = begin.offset > 0 and end.plain and end.key == segment.begin
            if segment == end.segment and (segment.known or at_begin_of_end):
                break
            if segment.kind is Kind.UNKNOWN:
                if not whole and rows and beyond >= 1 - end.offset:
                    early = True
                    break
                self._fetch_up(begin, end, segment, max(1, limit - len(rows)) if limit else 0, requests)
                requests += 1
                self._settle(begin)
                self._settle(end)
                segment = begin.segment
                continue
            beyond += self._take(segment, rows, full=full)
            segment = self._segments.after(segment)
        more = early or (bool(limit) and len(rows) >= limit)
        if end.plain and rows and rows[-1][0] >= end.key:
            rows, more = [row for row in rows if row[0] < end.key], False
        return RowsRead(rows, more, self._past_begin, self._past_end and not more)

    def _fetch_up(  # noqa: PLR0917 -- the state of one step
        self, begin: _Spot, end: _Spot, segment: Segment, wanted: int, requests: int
    ) -> None:
        clears_max = 1 << min(requests, 20) if requests else 0
        stop, clears = segment, 0
        if segment.begin < end.segment.begin:
            stop, clears = self._skip(segment, end.segment, clears_max, up=True)
        request = _Request((begin.key, 1), (stop.end, 1), max(0, 1 - end.offset))
        if stop == end.segment:
            request.end = (end.key, 1)
            if end.offset >= 1:
                clears += self._count(stop, clears_max - clears, up=True) if end.offset > 1 else 0
                request.end = (end.key, end.offset + (clears if end.offset > 1 else 0))
        request.extra += clears
        if begin.plain:
            begin.key = max(begin.key, segment.begin)
            request.begin = (begin.key, 1)
        elif begin.offset > 1:
            request.extra += begin.offset - 1
        else:
            clears = self._count(segment, clears_max, up=False)
            request.begin = (begin.key, begin.offset - clears)
            request.extra += clears
        request.end = (max(request.end[0], request.begin[0]), request.end[1])
        self._fetch(request, max(wanted + request.extra, 2 - request.begin[1]) if wanted else 0, reverse=False)

    # --- downwards

    def _down(self, begin: _Spot, end: _Spot, limit: int, *, whole: bool) -> RowsRead:
        self._settle(end)
        self._settle(begin)
        if self._inverted(begin, end):
            return _NOTHING
        if (begin.plain and begin.key == LAST) or (end.plain and end.key == FIRST):
            return self._ended([])
        if not begin.plain and begin.key > end.key:
            resolved = self._resolve(begin)
            if resolved >= end.key and end.offset <= 1:
                return _NOTHING
            if resolved == LAST:
                return self._ended([])
            self._settle(end)
            self._settle(begin)
        return self._gather_down(begin, end, limit, whole=whole)

    def _gather_down(  # noqa: C901, PLR0912 -- one decision table; its order is what the traces hold
        self, begin: _Spot, end: _Spot, limit: int, *, whole: bool
    ) -> RowsRead:
        rows: Rows = []
        beyond = requests = 0
        early = False
        segment = end.segment
        while True:
            full = bool(limit) and len(rows) >= limit
            if not rows and self._inverted(begin, end):
                return _NOTHING
            if begin.offset > 0 and begin.key >= LAST:
                return self._ended([])
            if (begin.offset >= end.offset and begin.key >= end.key) or (end.offset <= 1 and end.key == FIRST):
                if rows and not begin.plain:
                    begin.key, begin.offset = self._resolve(begin), 1
                break
            enough = beyond >= begin.offset - 1
            if enough and segment.known and segment.begin < begin.segment.begin:
                if begin.plain:
                    break
                return self._ended([])
            if full and enough:
                break
            if end.plain and end.key == segment.begin:
                if enough and segment == begin.segment:
                    break
                segment = self._segments.before(segment)
            if segment.kind is Kind.UNKNOWN:
                if not whole and rows and enough:
                    early = True
                    break
                self._fetch_down(begin, end, segment, max(1, limit - len(rows)) if limit else 0, requests)
                requests += 1
                self._settle(end)
                self._settle(begin)
                segment = end.segment
                continue
            beyond += self._take(segment, rows, full=full)
            if segment == begin.segment:
                break
            segment = self._segments.before(segment)
        more = early or (bool(limit) and len(rows) >= limit)
        if begin.plain and rows and rows[-1][0] < begin.key:
            rows, more = [row for row in rows if row[0] >= begin.key], False
        return RowsRead(rows, more, self._past_begin and not more, self._past_end)

    def _fetch_down(  # noqa: PLR0917 -- the same
        self, begin: _Spot, end: _Spot, segment: Segment, wanted: int, requests: int
    ) -> None:
        clears_max = 1 << min(requests, 20) if requests else 0
        stop, clears = segment, 0
        if segment.begin > begin.segment.begin:
            stop, clears = self._skip(segment, begin.segment, clears_max, up=False)
        request = _Request((stop.begin, 1), (end.key, 1), max(0, begin.offset - 1))
        if stop == begin.segment:
            request.begin = (begin.key, 1)
            if begin.offset <= 1:
                clears += self._count(stop, clears_max - clears, up=False) if begin.offset < 1 else 0
                request.begin = (begin.key, begin.offset - (clears if begin.offset < 1 else 0))
        request.extra += clears
        if end.plain:
            end.key = min(end.key, segment.end)
            request.end = (end.key, 1)
        elif end.offset < 1:
            request.extra += 1 - end.offset
        else:
            clears = self._count(segment, clears_max, up=True)
            request.end = (end.key, end.offset + clears)
            request.extra += clears
        request.begin = (min(request.begin[0], request.end[0]), request.begin[1])
        self._fetch(request, max(wanted + request.extra, request.end[1]) if wanted else 0, reverse=True)

    # --- both ways

    def _take(self, segment: Segment, rows: Rows, *, full: bool) -> int:
        """Add a row segment's row, or say that it is one beyond the limit."""
        if segment.kind is not Kind.ROW:
            return 0
        row = self._segments.row(segment)
        if row is None:
            return 0
        if full:
            return 1
        rows.append(row)
        return 0

    def _skip(self, segment: Segment, stop: Segment, clears_max: int, *, up: bool) -> tuple[Segment, int]:
        """Return the last unknown segment before ``stop`` that one request spans, and the cleared keys between."""
        steps, found = clears_max + _SKIP_STEPS, 0
        begin, end = segment.begin, segment.end
        while segment != stop and steps > 0:
            steps -= 1
            if segment.unreadable or segment.kind is Kind.EMPTY:
                if segment.unreadable or begin + b"\x00" != end:
                    break
                found += 1
            elif up:
                begin = end
            else:
                end = begin
            segment = self._next(segment, up=up)
            begin, end = (begin, segment.end) if up else (segment.begin, end)
        while segment.unreadable or segment.kind is not Kind.UNKNOWN:
            segment = self._next(segment, up=not up)
        return segment, min(found, clears_max)

    def _count(self, segment: Segment, most: int, *, up: bool) -> int:
        """Return how many single cleared keys lie between a segment and the next longer known stretch."""
        found = 0
        begin, end = segment.begin, segment.end
        while found < most and (end < LAST if up else begin > FIRST):
            if segment.unreadable or segment.kind is Kind.EMPTY:
                if segment.unreadable or begin + b"\x00" != end:
                    break
                found += 1
            elif up:
                begin = end
            else:
                end = begin
            segment = self._next(segment, up=up)
            begin, end = (begin, segment.end) if up else (segment.begin, end)
        return found

    def _next(self, segment: Segment, *, up: bool) -> Segment:
        return self._segments.after(segment) if up else self._segments.before(segment)

    def _fetch(self, request: _Request, limit: int, *, reverse: bool) -> None:
        """Read from the store, and remember which stretch is known by it."""
        low, high = self._stored_place(*request.begin), self._stored_place(*request.end)
        keys: list[bytes] = []
        if low < high:
            keys = self._stored_keys(low, high, limit, reverse=reverse)
        more = bool(limit) and len(keys) >= limit
        begin = request.begin[0] if request.begin[1] <= 1 and not (reverse and more) else FAR
        end = request.end[0] if request.end[1] >= 1 and (reverse or not more) else FIRST
        if low == FIRST and low < high and not (reverse and more):
            begin = FIRST
        if keys:
            first, last = min(keys[0], keys[-1]), max(keys[0], keys[-1])
            begin, end = min(begin, first), max(end, last + b"\x00")
        self._segments.looked_at(begin, min(end, FAR))

    def _stored_place(self, key: bytes, offset: int) -> bytes:
        """Return where a selector stands in the store, FoundationDB's own keys counted."""
        if offset == 1:
            return key
        if offset > 1:
            rows = self._snapshot.rows(key, LAST, offset)
            return rows[-1][0] if len(rows) == offset else _OWN_KEYS[min(offset - len(rows), len(_OWN_KEYS)) - 1]
        rows = self._snapshot.rows(FIRST, min(key, LAST), 1 - offset, reverse=True)
        return rows[-1][0] if len(rows) == 1 - offset else FIRST

    def _stored_keys(self, low: bytes, high: bytes, limit: int, *, reverse: bool) -> list[bytes]:
        own = [key for key in _OWN_KEYS if key < high]
        if not reverse:
            keys = [key for key, _ in self._snapshot.rows(low, min(high, LAST), limit)] + own
            return keys[:limit] if limit else keys
        keys = own[::-1]
        if not limit or len(keys) < limit:
            rest = limit - len(keys) if limit else 0
            keys += [key for key, _ in self._snapshot.rows(low, min(high, LAST), rest, reverse=True)]
        return keys[:limit] if limit else keys
