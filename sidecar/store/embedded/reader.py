"""The read-only transaction of the embedded engine: one snapshot, no conflicts to note."""

from collections.abc import Sequence

from sidecar.errors import TransactionError
from sidecar.store.embedded.environment import Snapshot
from sidecar.store.embedded.selectors import LAST, Rows, find_key, find_rows, selector_of
from sidecar.store.engine import KeySelector


class EmbeddedReader:
    """One snapshot, read only."""

    __slots__ = ("snapshot",)

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:  # noqa: ARG002 -- the port's signature
        """Return the value of ``key``, or None when it is absent."""
        if key >= LAST:
            raise TransactionError(2004)
        return self.snapshot.get(key)

    def get_many(self, keys: Sequence[bytes], *, snapshot: bool = False) -> list[bytes | None]:  # noqa: ARG002 -- the same
        """Return the values of ``keys``, in their order."""
        if keys and max(keys) >= LAST:
            raise TransactionError(2004)
        return self.snapshot.get_many(keys)

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:  # noqa: ARG002 -- the same
        """Return the key that ``selector`` resolves to."""
        if selector.key > LAST:
            raise TransactionError(2004)
        return find_key(self.snapshot, selector)

    def get_range(
        self,
        begin: bytes | KeySelector,
        end: bytes | KeySelector,
        *,
        limit: int = 0,
        reverse: bool = False,
        snapshot: bool = False,  # noqa: ARG002 -- the same
    ) -> Rows:
        """Return the rows from ``begin`` (included) to ``end`` (excluded)."""
        if isinstance(begin, bytes) and isinstance(end, bytes):
            if begin > LAST or end > LAST:
                raise TransactionError(2004)
            return self.snapshot.rows(begin, end, limit, reverse=reverse)
        first, last = selector_of(begin), selector_of(end)
        if first.key > LAST or last.key > LAST:
            raise TransactionError(2004)
        return find_rows(self.snapshot, first, last, limit, reverse=reverse)
