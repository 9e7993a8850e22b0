"""Pages of rows.

A cursor names a key, not a count, so a page neither repeats nor skips what stays while rows come and go. Nothing but
the cursor tells whether more is behind a page: one may be short.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from sidecar import limits
from sidecar.errors import InvalidError
from sidecar.repositories.transactions import Reading

T = TypeVar("T")
Rows = list[tuple[bytes, bytes]]


class Page(NamedTuple, Generic[T]):
    """Some items of a list, and the cursor that continues behind them (None at the end)."""

    items: list[T]
    next_cursor: str | None


def page(
    tr: Reading,
    prefix: bytes,
    between: tuple[bytes, bytes],
    *,
    cursor: str | None,
    limit: int,
    reverse: bool = False,
) -> tuple[Rows, str | None]:
    """Return a page of rows between two keys, and its cursor: the bytes of the last key behind ``prefix``."""
    check_limit(limit)
    begin, end = between
    if cursor is not None:
        last = prefix + _cursor_bytes(cursor)
        begin, end = (begin, min(last, end)) if reverse else (max(last + b"\x00", begin), end)
    rows = tr.kv.get_range(begin, end, limit=limit + 1, reverse=reverse)
    if len(rows) <= limit:
        return rows, None
    rows.pop()
    return rows, cursor_behind(prefix, rows[-1][0])


def cursor_behind(prefix: bytes, key: bytes) -> str:
    """Return the cursor of a page whose last key this is."""
    return base64.urlsafe_b64encode(key[len(prefix) :]).decode().rstrip("=")


class ReadPage(Protocol[T]):
    """Reads a page of a list: most methods of repositories that list, with all but these arguments given."""

    def __call__(self, *, cursor: str | None, limit: int) -> Page[T]:
        """Return at most ``limit`` items from a cursor on."""


def filtered(read: ReadPage[T], wants: Callable[[T], bool], *, cursor: str | None, limit: int) -> Page[T]:
    """Return a full page of what ``wants`` passes, or a short one.

    It is read from at most ``limits.page_reads_max`` pages, and from none behind a short one, which has many bytes.
    """
    found: list[T] = []
    for _ in range(limits.page_reads_max):
        asked = limit - len(found)
        items, cursor = read(cursor=cursor, limit=asked)
        found += filter(wants, items)
        if cursor is None or len(found) == limit or (found and len(items) < asked):
            break
    return Page(found, cursor)


def check_limit(limit: int) -> None:
    """Raise InvalidError for a page that is empty or too large."""
    if not 1 <= limit <= limits.page_items_max:
        raise InvalidError(f"limit is {limit}; it can be 1 to {limits.page_items_max}.")


def _cursor_bytes(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidError("The cursor is not one that a list has given.", code="invalid_cursor") from None
