"""Key selectors and range reads where a transaction has written nothing, and what any such read conflicts on.

Pure functions. Source of the conflict ranges: FoundationDB's documented behaviour and the recorded traces.
"""

from typing import NamedTuple

from sidecar.store.embedded.environment import Snapshot
from sidecar.store.engine import KeySelector

FIRST = b""
LAST = b"\xff"  # keys of the store lie below; a selector past the end resolves to it

Rows = list[tuple[bytes, bytes]]
Range = tuple[bytes, bytes]


class RowsRead(NamedTuple):
    """What a range read came to.

    Args:
        rows: In the order they were asked for.
        more: The limit was reached, so that there may be more.
        past_begin: A selector fell off the beginning, …
        past_end: … or off the end.
    """

    rows: Rows
    more: bool = False
    past_begin: bool = False
    past_end: bool = False


def selector_of(place: bytes | KeySelector) -> KeySelector:
    """Return the selector that a plain key stands for."""
    return place if isinstance(place, KeySelector) else KeySelector(place, or_equal=False, offset=1)


def base(selector: KeySelector) -> bytes:
    """Return the key that the selector counts from, in the form "first greater or equal"."""
    return selector.key + b"\x00" if selector.or_equal else selector.key


def find_key(snapshot: Snapshot, selector: KeySelector) -> bytes:
    """Return the key that a selector names."""
    key, offset = base(selector), selector.offset
    if offset > 0:
        keys = snapshot.keys(key, LAST, offset)
        return keys[-1] if len(keys) == offset else LAST
    keys = snapshot.keys(FIRST, key, 1 - offset, reverse=True)
    return keys[-1] if len(keys) == 1 - offset else FIRST


def find_rows(snapshot: Snapshot, begin: KeySelector, end: KeySelector, limit: int, *, reverse: bool) -> Rows:
    """Return the rows between two selectors."""
    return snapshot.rows(_place(snapshot, begin), _place(snapshot, end), limit, reverse=reverse)


def key_span(selector: KeySelector, found: bytes) -> Range:
    """Return the range that a read of a selector's key conflicts on."""
    return (base(selector), found + b"\x00") if selector.offset > 0 else (found, base(selector))


def rows_span(begin: KeySelector, end: KeySelector, read: RowsRead, *, reverse: bool) -> Range:
    """Return the range that a range read conflicts on: no more than could have changed its answer."""
    low, high = base(begin), base(end)
    if low >= high:
        low, high = high, low
    elif read.more and not reverse and end.offset > 0:
        high = low  # what lies after the last row returned does not matter
    elif read.more and reverse and begin.offset <= 1:
        low = high
    if begin.offset <= 0 and read.past_begin:
        low = FIRST
    if end.offset > 0 and read.past_end:
        high = LAST
    if read.rows:
        lowest, highest = sorted((read.rows[0][0], read.rows[-1][0]))
        if reverse or begin.offset <= 0:
            low = min(low, lowest)
        if high <= highest and (not reverse or end.offset > 0):
            high = highest + b"\x00"
    return low, high


def _place(snapshot: Snapshot, selector: KeySelector) -> bytes:
    """Return the key that a range begins or ends with."""
    if selector.offset == 1:
        return base(selector)
    return find_key(snapshot, selector)
