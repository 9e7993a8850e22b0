"""Key selectors and range reads over any ordered view, and which ranges such a read conflicts on.

Pure functions of a *view*: something that lists the rows between two keys. The plain snapshot is one, the snapshot under a
transaction's own writes another. Source of the conflict ranges: FoundationDB's documented behaviour and the recorded traces.
"""

from typing import NamedTuple, Protocol

from sidecar.store.engine import KeySelector

FIRST = b""
LAST = b"\xff"  # keys of the store lie below; a selector past the end resolves to it

Rows = list[tuple[bytes, bytes]]
Range = tuple[bytes, bytes]


class View(Protocol):
    """An ordered view of rows."""

    def rows(self, begin: bytes, end: bytes, limit: int, *, reverse: bool = False) -> Rows:
        """Return the rows from ``begin`` to before ``end``, or from before ``end`` down; ``limit`` 0 is none."""


class Place(NamedTuple):
    """Where a selector stands: before the first key at or above ``key``."""

    key: bytes
    past_begin: bool = False
    past_end: bool = False


def base(selector: KeySelector) -> bytes:
    """Return the key that the selector counts from, in the form "first greater or equal"."""
    return selector.key + b"\x00" if selector.or_equal else selector.key


def resolve(view: View, selector: KeySelector) -> Place:
    """Return where a selector stands, looking at no more rows than that takes."""
    key, offset = base(selector), selector.offset
    if offset == 1:
        return Place(key)
    if offset > 1:
        rows = view.rows(key, LAST, offset - 1)
        return Place(rows[-1][0] + b"\x00") if len(rows) == offset - 1 else Place(LAST, past_end=True)
    rows = view.rows(FIRST, key, 1 - offset, reverse=True)
    return Place(rows[-1][0]) if len(rows) == 1 - offset else Place(FIRST, past_begin=True)


def find_key(view: View, selector: KeySelector) -> tuple[bytes, Range]:
    """Return the key that a selector names, and the range that a read of it conflicts on."""
    key, offset = base(selector), selector.offset
    if offset > 0:
        rows = view.rows(key, LAST, offset)
        found = rows[-1][0] if len(rows) == offset else LAST
        return found, (key, found + b"\x00")
    rows = view.rows(FIRST, key, 1 - offset, reverse=True)
    found = rows[-1][0] if len(rows) == 1 - offset else FIRST
    return found, (found, key)


def find_rows(
    view: View, begin: KeySelector, end: KeySelector, limit: int, *, reverse: bool
) -> tuple[Rows, Range | None]:
    """Return the rows between two selectors, and the range that a read of them conflicts on."""
    low, high = base(begin), base(end)
    if begin.offset >= end.offset and low >= high:
        return [], None
    start, stop = resolve(view, begin), resolve(view, end)
    rows = view.rows(start.key, stop.key, limit, reverse=reverse) if start.key < stop.key else []
    more = bool(limit) and len(rows) == limit
    if low >= high:
        low, high = high, low
    elif more and not reverse and end.offset > 0:
        high = low
    elif more and reverse and begin.offset <= 0:
        low = high
    past_begin = start.past_begin or stop.past_begin
    past_end = start.past_end or stop.past_end
    if begin.offset <= 0 and past_begin and not (reverse and more):
        low = FIRST
    if end.offset > 0 and past_end and not (more and not reverse):
        high = LAST
    if rows:
        lowest, highest = (rows[-1][0], rows[0][0]) if reverse else (rows[0][0], rows[-1][0])
        if reverse or begin.offset <= 0:
            low = min(low, lowest)
        if high <= highest and (not reverse or end.offset > 0):
            high = highest + b"\x00"
    return rows, (low, high)
