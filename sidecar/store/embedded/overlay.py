"""The snapshot as a transaction with writes sees it: stored rows under its own writes."""

from sidecar.errors import TransactionError
from sidecar.store.embedded.environment import Snapshot
from sidecar.store.embedded.selectors import Rows
from sidecar.store.embedded.write_map import MISSING, Stack, WriteMap


class Overlay:
    """A transaction's view. Reading what depends on its own versionstamp raises 1036, as soon as it is come upon."""

    __slots__ = ("_snapshot", "_writes")

    def __init__(self, snapshot: Snapshot, writes: WriteMap) -> None:
        self._snapshot = snapshot
        self._writes = writes

    def get(self, key: bytes) -> tuple[bytes | None, bool]:
        """Return a value, and whether it depends on what is stored."""
        if self._writes.is_unreadable(key):
            raise TransactionError(1036)
        entry = self._writes.entry(key)
        if entry is MISSING:
            return self._snapshot.get(key), True
        if isinstance(entry, Stack):
            return (entry.outcome(None), False) if entry.independent else (entry.outcome(self._snapshot.get(key)), True)
        return entry, False

    def rows(self, begin: bytes, end: bytes, limit: int, *, reverse: bool = False) -> Rows:
        """Return the rows from ``begin`` to before ``end``, or from before ``end`` down; ``limit`` 0 is none."""
        rows: Rows = []
        low, high = begin, end
        while low < high and (not limit or len(rows) < limit):
            rest = limit - len(rows) if limit else 0
            if reverse:
                high = self._step_down(low, high, rest, rows)
            else:
                low = self._step_up(low, high, rest, rows)
        return rows

    def _step_up(self, low: bytes, high: bytes, rest: int, rows: Rows) -> bytes:
        """Add the rows of the next stretch that is all of one kind; return where it ends."""
        writes = self._writes
        if low in writes.points:
            self._add_point(low, rows)
            return low + b"\x00"
        if low in writes.unreadable:
            raise TransactionError(1036)
        point = writes.next_point(low)
        stops = [high, point, writes.unreadable.next_begin(low)]
        cleared = writes.cleared.around(low)
        if cleared is not None:
            return min(stop for stop in [*stops, cleared[1]] if stop is not None)
        stop = min(stop for stop in [*stops, writes.cleared.next_begin(low)] if stop is not None)
        rows += self._snapshot.rows(low, stop, rest)
        return stop

    def _step_down(self, low: bytes, high: bytes, rest: int, rows: Rows) -> bytes:
        """Add the rows of the last stretch before ``high`` that is all of one kind; return where it begins."""
        writes = self._writes
        point = writes.previous_point(high)
        if point is not None and point + b"\x00" == high:
            self._add_point(point, rows)
            return point
        if writes.unreadable.before(high) is not None:
            raise TransactionError(1036)
        after_point = None if point is None else point + b"\x00"
        stops = [low, after_point, writes.unreadable.previous_end(high)]
        cleared = writes.cleared.before(high)
        if cleared is not None:
            return max(stop for stop in [*stops, cleared[0]] if stop is not None)
        stop = max(stop for stop in [*stops, writes.cleared.previous_end(high)] if stop is not None)
        rows += self._snapshot.rows(stop, high, rest, reverse=True)
        return stop

    def _add_point(self, key: bytes, rows: Rows) -> None:
        value, _ = self.get(key)
        if value is not None:
            rows.append((key, value))
