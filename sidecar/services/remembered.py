"""What was made of a few rows of the store, kept for as long as they are the same: callers, and sessions as served.

Two ways to know that: nothing at all was committed since (``recall``, which reads nothing), or the same rows are read
again and are the same (``confirm``). So it is never old, and needs nobody to tell it of changes.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from sidecar.repositories.transactions import Database, Reading

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Rows = Sequence[tuple[bytes, bytes | None]]


class _Kept(NamedTuple, Generic[V]):
    value: V
    rows: Rows
    version: int | None
    size: int


class Remembered(Generic[K, V]):
    """Values by key, the ones kept longest forgotten first.

    Args:
        database: Where the rows are.
        size_max: What all together may be; in the unit that ``keep`` is given.
    """

    def __init__(self, database: Database, *, size_max: int) -> None:
        self._database = database
        self._size_max = size_max
        self._size = 0
        self._lock = threading.Lock()  # a cluster's transactions run in threads
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()

    def recall(self, key: K) -> V | None:
        """Return what is kept, if nothing was committed to the store since it was read; else None."""
        kept = self._kept.get(key)
        if kept is None or kept.version is None or kept.version != self._database.engine.newest_version():
            return None
        return kept.value

    def confirm(self, tr: Reading, key: K, version: int | None) -> V | None:
        """Return what is kept, if the rows that it was made of are the same in ``tr``; else None.

        Args:
            version: The store's newest before ``tr`` began.
        """
        kept = self._kept.get(key)
        if kept is None or any(tr.kv.get(name) != row for name, row in kept.rows):
            return None
        with self._lock:
            if self._kept.get(key) is kept:
                self._kept[key] = kept._replace(version=version)
        return kept.value

    def keep(self, key: K, value: V, rows: Rows, *, version: int | None, size: int = 1) -> None:
        """Keep what was made of ``rows``.

        Args:
            version: The store's newest before they were read: they may be newer, never older.
        """
        with self._lock:
            before = self._kept.pop(key, None)
            self._size += size - (before.size if before else 0)
            self._kept[key] = _Kept(value, rows, version, size)
            while self._size > self._size_max:
                self._size -= self._kept.popitem(last=False)[1].size
