"""The change log of a tenant: rows in the order of the commits, read from a stamp on.

Rows are written by ``transactions.Writing.flush``; this module reads and trims them.
"""

from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from sidecar import limits
from sidecar.errors import UNREADABLE, CorruptStoreError
from sidecar.models.base import Value
from sidecar.models.changes import Change
from sidecar.repositories import codec, counters, keys
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.tuples import Versionstamp

STAMP_BYTES = 12
STAMP_FIRST = b"\x00" * STAMP_BYTES


class _Row(Value):
    at: int
    changes: list[Change]


_ROW = TypeAdapter(_Row)


class Row(NamedTuple):
    """One row of the log: its stamp (12 bytes, rising), when it was written (ms since 1970), what it tells."""

    stamp: bytes
    at_ms: int
    changes: list[Change]


class Changes:
    """The log of one tenant."""

    def __init__(self, tenant: keys.TenantKeys) -> None:
        self._rows = tenant.space(keys.CHANGES)
        self._floor_key = tenant.space(keys.CHANGES_FLOOR).raw
        self.head_key = tenant.space(keys.CHANGES_HEAD).raw
        self.count_key = tenant.space(keys.CHANGES_COUNT).raw

    def head(self, tr: Reading) -> bytes:
        """Return the stamp of the newest row; ``STAMP_FIRST`` when there is none."""
        begin, end = self._rows.range()
        rows = tr.kv.get_range(begin, end, limit=1, reverse=True, snapshot=True)
        return self.stamp(rows[0][0]) if rows else self.floor(tr)

    def newest_at_ms(self, tr: Reading) -> int | None:
        """Return when the newest row that can be read was written (ms since 1970), or None when there is none."""
        begin, end = self._rows.range()
        while rows := tr.kv.get_range(begin, end, limit=1, reverse=True, snapshot=True):
            try:
                return self.row(*rows[0]).at_ms
            except UNREADABLE:  # the doctor tells of it
                end = rows[0][0]
        return None

    def floor(self, tr: Reading) -> bytes:
        """Return the stamp up to which rows have been trimmed."""
        return tr.kv.get(self._floor_key, snapshot=True) or STAMP_FIRST

    def continues(self, tr: Reading, stamp: bytes) -> bool:
        """Tell whether all rows behind a stamp are here: it is a row's, or all up to it have been trimmed, no more.

        One that is neither was given out by a store that has since been put back to an earlier state.
        """
        return stamp == self.floor(tr) or tr.kv.get(self._key(stamp), snapshot=True) is not None

    def after(
        self,
        tr: Reading,
        stamp: bytes,
        *,
        limit: int = limits.changes_page_rows_max,
        bytes_max: int | None = None,
    ) -> list[Row]:
        """Return at most ``limit`` rows behind ``stamp``, oldest first; none only when there are none.

        Args:
            bytes_max: So much of them, and no more than the last row over it; by default what one message tells,
                because the next poll would decode the others again.
        """
        rows = self._behind(tr, stamp, limit)
        most = limits.changes_message_bytes_max if bytes_max is None else bytes_max
        sizes = accumulate((len(value) for _, value in rows), initial=0)
        told = takewhile(lambda each: each[1] < most, zip(rows, sizes, strict=False))
        return [self.row(key, value) for (key, value), _ in told]

    def stored(self, tr: Reading, begin: bytes, *, limit: int) -> list[tuple[bytes, bytes]]:
        """Return rows as they are stored, from a key on (empty for the first); ``row`` reads each."""
        first, end = self._rows.range()
        return tr.kv.get_range(max(first, begin), end, limit=limit, snapshot=True)

    def of_kinds(
        self, tr: Reading, kinds: Sequence[str], stamp: bytes, *, limit: int = limits.changes_skim_rows_max
    ) -> tuple[list[Change], bytes]:
        """Return what the next ``limit`` rows behind ``stamp`` tell of some kinds, and the stamp of the last of them.

        The stamp is the given one when there are no more rows.
        A row that tells of other kinds alone is not decoded: a scan writes thousands of changes.
        """
        marks = [b'"kind":"%b"' % each.encode() for each in kinds]
        rows = self._behind(tr, stamp, limit)
        told = [self.row(key, value) for key, value in rows if any(mark in value for mark in marks)]
        changes = [change for row in told for change in row.changes if change.kind in kinds]
        return changes, self.stamp(rows[-1][0]) if rows else stamp

    def count(self, tr: Reading) -> int:
        """Return how many changes the rows tell of."""
        return counters.value(tr, self.count_key)

    def trim(self, tr: Writing, *, before_ms: int, changes_max: int, limit: int = limits.changes_page_rows_max) -> int:
        """Remove, of the oldest ``limit`` rows, those that are too old or too many, and return how many.

        The floor moves behind them, so that a cursor from before is answered with a reset.

        Args:
            before_ms: Rows written before it are too old, milliseconds since 1970.
            changes_max: At most so many changes are kept.
        """
        begin, end = self._rows.range()
        rows = tr.kv.get_range(begin, end, limit=limit, snapshot=True)
        surplus = self.count(tr) - changes_max
        gone = told = 0
        for key, value in rows:
            try:
                row = self.row(key, value)
            except UNREADABLE:  # who has not come so far could not get past it
                row = Row(self.stamp(key), 0, [])
            if told >= surplus and row.at_ms >= before_ms:
                break
            gone, told = gone + 1, told + len(row.changes)
        if gone:
            self.forget(tr, rows[gone - 1][0])
            counters.add(tr, self.count_key, -told)
        return gone

    def forget(self, tr: Writing, last: bytes) -> None:
        """Remove all rows up to the one under a key; a cursor from before is answered with a reset."""
        tr.kv.clear_range(self._rows.range()[0], last + b"\x00")
        tr.kv.set(self._floor_key, self.stamp(last))

    def stamp(self, key: bytes) -> bytes:
        """Return the stamp in a row's key."""
        stamp = self._rows.unpack(key)[0]
        assert isinstance(stamp, Versionstamp)  # noqa: S101 - nothing else is packed here
        return (stamp.tr_version or b"") + stamp.user_version.to_bytes(2, "big")

    def row(self, key: bytes, value: bytes) -> Row:
        """Return a row of its stored bytes.

        Raises:
            CorruptStoreError: They are not what was written.
        """
        stamp = self.stamp(key)
        try:
            row = _ROW.validate_json(codec.json_of(value))
        except ValidationError as error:
            raise CorruptStoreError(f"The row {stamp.hex()} of the log of changes can't be read.") from error
        return Row(stamp, row.at, row.changes)

    def _behind(self, tr: Reading, stamp: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        return tr.kv.get_range(self._key(stamp) + b"\x00", self._rows.range()[1], limit=limit, snapshot=True)

    def _key(self, stamp: bytes) -> bytes:
        return self._rows.pack((Versionstamp(stamp[:10], int.from_bytes(stamp[10:], "big")),))
