"""The reading half of a transaction: reads on a snapshot under own writes, and what they make the commit depend on.

``transaction`` adds the writing half. A class of its own to stand on, not one to hold: a read is a microsecond, and a
call more would be a tenth of it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sidecar.errors import TransactionError
from sidecar.store.embedded.environment import Snapshot
from sidecar.store.embedded.overlay import Overlay
from sidecar.store.embedded.ranges import RangeSet
from sidecar.store.embedded.segments import Segments
from sidecar.store.embedded.selectors import (
    LAST,
    Rows,
    base,
    find_key,
    key_span,
    rows_span,
    selector_of,
)
from sidecar.store.embedded.walk import Walk
from sidecar.store.embedded.watches import EmbeddedWatch, Watches
from sidecar.store.embedded.write_map import WriteMap
from sidecar.store.embedded.writer import Commit
from sidecar.store.engine import KeySelector


class Host(NamedTuple):
    """What transactions take from their engine."""

    acquire: Callable[[], Snapshot]
    release: Callable[[Snapshot], None]
    submit_and_wait: Callable[[Commit], None]
    activate: Callable[[list[EmbeddedWatch]], None]
    watches: Watches


class Reads:
    """What a transaction reads; the port says what its methods do.

    ``_barrier`` is the number that every use answers now (a deferred error of a mutation, 2017, 1025), or 0.
    """

    __slots__ = (
        "_barrier", "_failed_read", "_host", "_looked", "_looked_keys", "_read_keys", "_read_ranges", "_read_version",
        "_seen_keys", "_seen_ranges", "_snapshot", "_writes",
    )  # fmt: skip

    def __init__(self, host: Host) -> None:
        self._host = host
        self._snapshot: Snapshot | None = None
        self._forget()

    def _forget(self) -> None:
        self._barrier = 0
        self._failed_read: TransactionError | None = None
        self._read_version: int | None = None
        self._read_keys: list[bytes] = []
        self._read_ranges: Rows = []
        self._seen_keys: list[bytes] = []  # read without a conflict; these and `_read_keys` are known to a walk
        self._seen_ranges: Rows = []
        self._looked = RangeSet()
        self._looked_keys = 0  # how many of `_read_keys` are in it
        self._writes = WriteMap()

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        """Return the value of ``key``, or None when it is absent."""
        if self._barrier:
            raise TransactionError(self._barrier)
        if key >= LAST:
            raise TransactionError(2004)
        view = self._snapshot or self._open()
        if not self._writes:
            (self._seen_keys if snapshot else self._read_keys).append(key)
            return view.get(key)
        try:
            value, stored = Overlay(view, self._writes).get(key)
        except TransactionError as error:
            self._fail_read(error)
            raise
        if stored:
            (self._seen_keys if snapshot else self._read_keys).append(key)
        return value

    def get_many(self, keys: Sequence[bytes], *, snapshot: bool = False) -> list[bytes | None]:
        """Return the values of ``keys``, in their order."""
        return [self.get(key, snapshot=snapshot) for key in keys]

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:
        """Return the key that ``selector`` resolves to."""
        if self._barrier:
            raise TransactionError(self._barrier)
        if selector.key > LAST:
            raise TransactionError(2004)
        view = self._snapshot or self._open()
        try:
            key = self._walk(view).find_key(selector) if self._writes else find_key(view, selector)
        except TransactionError as error:
            self._fail_read(error)
            raise
        span = key_span(selector, key)
        if not self._writes:
            self._seen_ranges.append(span)
        if not snapshot:
            self._conflict_on(*span)
        return key

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
        if self._barrier:
            raise TransactionError(self._barrier)
        first, last = selector_of(begin), selector_of(end)
        if first.key > LAST or last.key > LAST:
            raise TransactionError(2004)
        low, high = base(first), base(last)
        if first.offset >= last.offset and low >= high:
            return []
        view = self._snapshot or self._open()
        try:
            if first.offset == last.offset == 1:
                rows = self._plain_rows(view, (low, high), limit, reverse=reverse)
                if rows is not None:
                    self._note_rows(rows, (low, high), limit, reverse=reverse, snapshot=snapshot)
                    return rows
            return self._rows_walked(view, first, last, limit, reverse=reverse, snapshot=snapshot)
        except TransactionError as error:
            self._fail_read(error)
            raise

    def _plain_rows(self, view: Snapshot, span: tuple[bytes, bytes], limit: int, *, reverse: bool) -> Rows | None:
        """Read between two keys by a short way that comes to what the walk would; None where it might not.

        The walk matters where a limit is counted over own writes, or where something is unreadable.
        """
        writes = self._writes
        if not writes or not writes.touches(*span):
            return view.rows(*span, limit, reverse=reverse)
        if limit or writes.unreadable_within(*span):
            return None
        return Overlay(view, writes).rows(*span, reverse=reverse)

    def _note_rows(self, rows: Rows, span: tuple[bytes, bytes], limit: int, *, reverse: bool, snapshot: bool) -> None:
        low, high = span
        if limit and len(rows) == limit:
            low, high = (rows[-1][0], high) if reverse else (low, rows[-1][0] + b"\x00")
        self._seen_ranges.append((low, high))
        if not snapshot:
            self._conflict_on(low, high)

    def _rows_walked(
        self, view: Snapshot, first: KeySelector, last: KeySelector, limit: int, *, reverse: bool, snapshot: bool
    ) -> Rows:
        """Read as FoundationDB's client does, which asks anew from the last row on when it comes upon the unknown."""
        rows: Rows = []
        walk = self._walk(view)
        while True:
            read = walk.find_rows(first, last, limit - len(rows) if limit else 0, reverse=reverse)
            if not snapshot:
                self._conflict_on(*rows_span(first, last, read, reverse=reverse))
            rows += read.rows
            if not read.more or not read.rows or len(rows) == limit:
                return rows
            if reverse:
                last = KeySelector.first_greater_or_equal(rows[-1][0])
            else:
                first = KeySelector.first_greater_than(rows[-1][0])
            if first.offset >= last.offset and base(first) >= base(last):
                return rows

    def _walk(self, view: Snapshot) -> Walk:
        looked = self._looked
        for key in (*self._read_keys[self._looked_keys :], *self._seen_keys):
            looked.add(key, key + b"\x00")
        self._looked_keys = len(self._read_keys)
        for begin, end in self._seen_ranges:
            looked.add(begin, end)
        self._seen_keys, self._seen_ranges = [], []
        return Walk(view, Segments(view, self._writes, looked))

    def read_version(self) -> int:
        """Return the version of the snapshot that this transaction reads."""
        if self._barrier:
            raise TransactionError(self._barrier)
        return (self._snapshot or self._open()).version

    def _open(self) -> Snapshot:
        if self._read_version is not None:  # it was ended under us: what was read can not be read on
            raise TransactionError(1007)
        snapshot = self._snapshot = self._host.acquire()
        self._read_version = snapshot.version
        return snapshot

    def _fail_read(self, error: TransactionError) -> None:
        """Keep the first failed read: a commit after it fails with the same error."""
        self._failed_read = self._failed_read or error

    def _conflict_on(self, begin: bytes, end: bytes) -> None:
        if begin >= end:
            return
        if self._writes:
            self._read_ranges += self._writes.depends_on_store(begin, end)
        else:
            self._read_ranges.append((begin, end))

    def _release(self) -> None:
        if self._snapshot is not None:
            self._host.release(self._snapshot)
            self._snapshot = None
