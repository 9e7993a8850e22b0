"""Transactions: the port's methods on the binding's, with plain bytes and our errors at the edge."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sidecar.errors import TransactionError
from sidecar.store.engine import AtomicOp, KeySelector
from sidecar.store.foundationdb.opened import Opened
from sidecar.store.foundationdb.watches import FoundationWatch, numbered

Rows = list[tuple[bytes, bytes]]

_STAMP_HOLE = b"\x00" * 10
_NO_COMMIT_VERSION = 2021


class FoundationTransaction:
    """A transaction; the port says what its methods do.

    Args:
        fdb: The binding.
        database: The binding's.
        timeout_ms: From now on, or from a ``reset``: then every use raises 1031.
        opened: What closing the engine cancels: this transaction, as long as its commit has not begun, and its watches.

    Attributes:
        has_written: Whether there is something to commit.
    """

    __slots__ = ("__weakref__", "_error_class", "_fdb", "_native", "_opened", "_stamp", "_timeout_ms", "has_written")

    def __init__(self, fdb: Any, database: Any, timeout_ms: int, opened: Opened) -> None:  # noqa: ANN401 -- the binding has no types
        self._fdb = fdb
        self._opened = opened
        self._error_class: type[Exception] = fdb.FDBError
        self._timeout_ms = timeout_ms
        self._native = database.create_transaction()
        self._native.options.set_timeout(timeout_ms)
        self._stamp: Any = None
        self.has_written = False
        opened.add(self)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except self._error_class as error:
            raise numbered(error) from error

    def _reader(self, *, snapshot: bool) -> Any:  # noqa: ANN401 -- the same
        return self._native.snapshot if snapshot else self._native

    def _writer(self) -> Any:  # noqa: ANN401 -- the same
        self.has_written = True
        return self._native

    def _selector(self, place: bytes | KeySelector) -> Any:  # noqa: ANN401 -- the same
        if isinstance(place, KeySelector):
            return self._fdb.KeySelector(place.key, place.or_equal, place.offset)
        return self._fdb.KeySelector.first_greater_or_equal(place)

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        """Return the value of ``key``, or None when it is absent."""
        with self._translating():
            value: bytes | None = self._reader(snapshot=snapshot).get(key).value  # waits; wait() gives the future back
            return value

    def get_many(self, keys: Sequence[bytes], *, snapshot: bool = False) -> list[bytes | None]:
        """Return the values of ``keys``, in their order; all reads are begun before the first is waited for."""
        with self._translating():
            reader = self._reader(snapshot=snapshot)
            return [pending.value for pending in [reader.get(key) for key in keys]]

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:
        """Return the key that ``selector`` resolves to."""
        with self._translating():
            return bytes(self._reader(snapshot=snapshot).get_key(self._selector(selector)).value)

    def get_range(
        self,
        begin: bytes | KeySelector,
        end: bytes | KeySelector,
        *,
        limit: int = 0,
        reverse: bool = False,
        snapshot: bool = False,
    ) -> Rows:
        """Return the rows from ``begin`` (included) to ``end`` (excluded)."""
        mode = self._fdb.StreamingMode.exact if limit else self._fdb.StreamingMode.want_all
        with self._translating():
            rows = self._reader(snapshot=snapshot).get_range(
                self._selector(begin), self._selector(end), limit=limit, reverse=reverse, streaming_mode=mode
            )
            return [(bytes(row.key), bytes(row.value)) for row in rows]

    def read_version(self) -> int:
        """Return the version of the snapshot that this transaction reads."""
        with self._translating():
            return int(self._native.get_read_version().wait())

    def set(self, key: bytes, value: bytes) -> None:
        """Write ``value`` under ``key``."""
        self._writer().set(key, value)

    def clear(self, key: bytes) -> None:
        """Remove ``key``."""
        self._writer().clear(key)

    def clear_range(self, begin: bytes, end: bytes) -> None:
        """Remove every key from ``begin`` (included) to ``end`` (excluded)."""
        self._writer().clear_range(begin, end)

    def atomic(self, op: AtomicOp, key: bytes, param: bytes) -> None:
        """Apply ``op`` to the value under ``key`` at the commit."""
        getattr(self._writer(), op.value)(key, param)

    def versionstamped_key(self, before: bytes, after: bytes, value: bytes) -> None:
        """Write ``value`` under ``before`` + the versionstamp + ``after``."""
        self._writer().set_versionstamped_key(before + _STAMP_HOLE + after + struct.pack("<L", len(before)), value)

    def versionstamped_value(self, key: bytes, before: bytes, after: bytes) -> None:
        """Write ``before`` + the versionstamp + ``after`` under ``key``."""
        self._writer().set_versionstamped_value(key, before + _STAMP_HOLE + after + struct.pack("<L", len(before)))

    def add_read_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Commit only if nobody else wrote into the range since the read version."""
        with self._translating():
            self._native.add_read_conflict_range(begin, end)

    def add_read_conflict_key(self, key: bytes) -> None:
        """Commit only if nobody else wrote ``key`` since the read version."""
        with self._translating():
            self._native.add_read_conflict_key(key)

    def add_write_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Make readers of the range conflict with this commit."""
        with self._translating():
            self._writer().add_write_conflict_range(begin, end)

    def add_write_conflict_key(self, key: bytes) -> None:
        """Make readers of ``key`` conflict with this commit."""
        with self._translating():
            self._writer().add_write_conflict_key(key)

    def no_write_conflict(self) -> None:
        """Let the next mutation add no write conflict range."""
        with self._translating():
            self._native.options.set_next_write_no_write_conflict_range()

    def size_bytes(self) -> int:
        """Return the size that the commit is measured by, as FoundationDB estimates it."""
        with self._translating():
            return int(self._native.get_approximate_size().wait())

    def commit(self) -> None:
        """Commit, blocking; durable when it returns."""
        with self._translating():
            stamp = self._native.get_versionstamp()
            self._opened.spare(self)
            self._native.commit().wait()
            self._stamp = stamp

    def versionstamp(self) -> bytes:
        """Return the versionstamp of the last commit."""
        if self._stamp is None:
            raise TransactionError(_NO_COMMIT_VERSION)
        with self._translating():
            return bytes(self._stamp.value)

    def on_error(self, error: int) -> None:
        """Prepare for another try after ``error``, or raise it."""
        with self._translating():
            self._native.on_error(error).wait()
        self._begin_anew()

    def reset(self) -> None:
        """Forget everything, as if just begun."""
        self._native.reset()
        self._native.options.set_timeout(self._timeout_ms)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._stamp = None
        self.has_written = False
        self._opened.add(self)

    def cancel(self) -> None:
        """Give up."""
        self._native.cancel()

    def watch(self, key: bytes) -> FoundationWatch:
        """Watch ``key`` from the value that this transaction sees in it, from the commit on."""
        with self._translating():
            watch = FoundationWatch(self._native.watch(key), self._error_class)
        self._opened.add(watch)
        return watch


class FoundationReader:
    """A transaction of which all reads are snapshot reads: nothing is committed, so nothing can conflict."""

    __slots__ = ("_tr",)

    def __init__(self, tr: FoundationTransaction) -> None:
        self._tr = tr

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:  # noqa: ARG002 -- the port's signature
        """Return the value of ``key``, or None when it is absent."""
        return self._tr.get(key, snapshot=True)

    def get_many(self, keys: Sequence[bytes], *, snapshot: bool = False) -> list[bytes | None]:  # noqa: ARG002 -- the same
        """Return the values of ``keys``, in their order."""
        return self._tr.get_many(keys, snapshot=True)

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:  # noqa: ARG002 -- the same
        """Return the key that ``selector`` resolves to."""
        return self._tr.get_key(selector, snapshot=True)

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
        return self._tr.get_range(begin, end, limit=limit, reverse=reverse, snapshot=True)
