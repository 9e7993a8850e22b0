"""The key space as a transaction knows it: stretches that are rows, known to be empty, or not looked at yet.

FoundationDB's client keeps what a transaction has read beside what it has written, and walks both as one. Some answers
depend on that walk: which reads fail on the transaction's own versionstamps (1036), what a selector with an offset
counts, what a limited read conflicts on. So this engine walks the same way. What has been read needs no copy here:
the snapshot does not change, so it is enough to know *where* the transaction has looked.
"""

from enum import Enum
from typing import NamedTuple

from sidecar.errors import TransactionError
from sidecar.store.embedded.environment import Snapshot
from sidecar.store.embedded.ranges import RangeSet
from sidecar.store.embedded.selectors import FIRST, LAST
from sidecar.store.embedded.write_map import MISSING, Stack, WriteMap

FAR = LAST + b"\xff"  # FoundationDB's own keys lie between LAST and here: never shown, but counted by selectors


class Kind(Enum):
    """What a stretch is."""

    UNKNOWN = "unknown"
    EMPTY = "empty"
    ROW = "row"


class Segment(NamedTuple):
    """A stretch of one kind; a row's is ``[key, key + 0x00)``."""

    begin: bytes
    end: bytes
    seen: Kind
    unreadable: bool

    @property
    def kind(self) -> Kind:
        """What it is; raises 1036 where that depends on the transaction's own versionstamp."""
        if self.unreadable:
            raise TransactionError(1036)
        return self.seen

    @property
    def known(self) -> bool:
        """Whether it can be read, and without a look at the store."""
        return not self.unreadable and self.seen is not Kind.UNKNOWN


class Segments:
    """A transaction's key space.

    Args:
        snapshot: What is stored.
        writes: The transaction's own.
        looked: Where it has looked; the walk adds to it.
    """

    __slots__ = ("_looked", "_snapshot", "_writes")

    def __init__(self, snapshot: Snapshot, writes: WriteMap, looked: RangeSet) -> None:
        self._snapshot = snapshot
        self._writes = writes
        self._looked = looked

    def at(self, key: bytes) -> Segment:
        """Return the segment that holds ``key``."""
        return self._joined(self._written(key, below=False), self._stored(key))

    def before(self, segment: Segment) -> Segment:
        """Return the segment before one that does not begin the key space."""
        return self._joined(self._written(segment.begin, below=True), self._stored_before(segment.begin))

    def after(self, segment: Segment) -> Segment:
        """Return the segment after one that does not end the key space."""
        return self._joined(self._written(segment.end, below=False), self._stored_from(segment.end))

    def row(self, segment: Segment) -> tuple[bytes, bytes] | None:
        """Return the row of a segment of kind ROW; None when its operations leave nothing."""
        key = segment.begin
        entry = self._writes.points.get(key, MISSING)
        if entry is MISSING:
            value = self._snapshot.get(key)
        elif isinstance(entry, Stack):
            value = entry.outcome(None if entry.independent else self._snapshot.get(key))
        else:
            value = entry
        return None if value is None else (key, value)

    def looked_at(self, begin: bytes, end: bytes) -> None:
        """Remember that the transaction has read all of a range from the store."""
        self._looked.add(begin, end)

    def _joined(self, written: "_Written", stored: "_Stored") -> Segment:
        begin, end = max(written.begin, stored.begin), min(written.end, stored.end)
        kind = stored.kind
        if written.state is _State.CLEARED:
            kind = Kind.EMPTY
        elif written.state is _State.INDEPENDENT:
            kind = Kind.ROW
        elif written.state is _State.DEPENDENT and kind is not Kind.UNKNOWN:
            kind = Kind.ROW  # also when the operation leaves nothing: it is counted, and not shown
        return Segment(begin, end, kind, written.unreadable)

    def _written(self, key: bytes, *, below: bool) -> "_Written":
        """Return the stretch of the transaction's own writes that holds ``key``, or that ends with it."""
        writes = self._writes
        if not below and key in writes.points:
            return self._point(key)
        previous = writes.previous_point(key)
        if below and previous is not None and previous + b"\x00" == key:
            return self._point(previous)
        following = writes.next_point(key)
        begin = FIRST if previous is None else previous + b"\x00"
        end = FAR if following is None else following
        state, unreadable = _State.UNTOUCHED, False
        for ranges in (writes.cleared, writes.unreadable):
            inside = ranges.before(key) if below else ranges.around(key)
            if inside is not None:
                begin, end = max(begin, inside[0]), min(end, inside[1])
                unreadable = unreadable or ranges is writes.unreadable
                state = _State.CLEARED if ranges is writes.cleared else state
                continue
            low, high = ranges.previous_end(key), ranges.next_begin(key)
            begin = begin if low is None else max(begin, low)
            end = end if high is None else min(end, high)
        return _Written(begin, end, state, unreadable)

    def _point(self, key: bytes) -> "_Written":
        entry = self._writes.points[key]
        if entry is None:
            return _Written(key, key + b"\x00", _State.CLEARED, unreadable=False)
        dependent = isinstance(entry, Stack) and not entry.independent
        unreadable = isinstance(entry, Stack) and entry.unreadable
        return _Written(key, key + b"\x00", _State.DEPENDENT if dependent else _State.INDEPENDENT, unreadable)

    def _stored(self, key: bytes) -> "_Stored":
        """Return the stretch of what was read that holds ``key``."""
        above = self._stored_from(key)
        if above.kind is Kind.ROW:
            return above
        inside = self._looked.around(key)
        if inside is None:
            return above._replace(begin=self._looked.previous_end(key) or FIRST)
        previous = self._snapshot.rows(inside[0], key, 1, reverse=True)
        return above._replace(begin=previous[0][0] + b"\x00" if previous else inside[0])

    def _stored_from(self, key: bytes) -> "_Stored":
        """Return that stretch from ``key`` on."""
        inside = self._looked.around(key)
        if inside is None:
            return _Stored(key, self._looked.next_begin(key) or FAR, Kind.UNKNOWN)
        following = self._snapshot.rows(key, inside[1], 1)
        if not following:
            return _Stored(key, inside[1], Kind.EMPTY)
        first = following[0][0]
        return _Stored(key, key + b"\x00", Kind.ROW) if first == key else _Stored(key, first, Kind.EMPTY)

    def _stored_before(self, key: bytes) -> "_Stored":
        """Return the stretch of what was read that ends with ``key``."""
        inside = self._looked.before(key)
        if inside is None:
            return _Stored(self._looked.previous_end(key) or FIRST, key, Kind.UNKNOWN)
        previous = self._snapshot.rows(inside[0], key, 1, reverse=True)
        if not previous:
            return _Stored(inside[0], key, Kind.EMPTY)
        after = previous[0][0] + b"\x00"
        return _Stored(previous[0][0], key, Kind.ROW) if after == key else _Stored(after, key, Kind.EMPTY)


class _State(Enum):
    UNTOUCHED = "untouched"
    CLEARED = "cleared"
    INDEPENDENT = "independent"
    DEPENDENT = "dependent"


class _Written(NamedTuple):
    begin: bytes
    end: bytes
    state: _State
    unreadable: bool


class _Stored(NamedTuple):
    begin: bytes
    end: bytes
    kind: Kind
