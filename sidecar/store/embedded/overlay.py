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

    def rows(self, begin: bytes, end: bytes, *, reverse: bool = False) -> Rows:
        """Return all rows from ``begin`` to before ``end``; nothing among them may be unreadable."""
        merged: dict[bytes, bytes] = {}
        low = begin
        for cleared_begin, cleared_end in self._writes.cleared.within(begin, end):
            merged.update(self._snapshot.rows(low, cleared_begin, 0))
            low = cleared_end
        merged.update(self._snapshot.rows(low, end, 0))
        for key in self._writes.keys_between(begin, end):
            value, _ = self.get(key)
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
        return sorted(merged.items(), reverse=reverse)
