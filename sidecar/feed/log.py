"""Changes since a cursor, as the messages that clients get.

A cursor is the store's epoch and the stamp of a row, opaque to clients. A cursor of another epoch, from below what is
still kept, or of a row that is not there (the store was put back), is answered with a reset, never with silence.
"""

import base64
import binascii
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from sidecar import limits
from sidecar.errors import UNREADABLE, CursorExpiredError, InvalidError
from sidecar.models.changes import Change
from sidecar.repositories.changes import STAMP_BYTES, Changes, Row
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Database, Reading

T = TypeVar("T")
log = logging.getLogger(__name__)
SINCE_BEGINNING = "beginning"
SINCE_NOW = "now"
_EPOCH_BYTES = 16

TOPICS = frozenset({each.kind for each in REPOSITORIES if each.tells} | {"progress"})


class Filter(NamedTuple):
    """What a listener wants to hear of.

    Attributes:
        topics: Kinds of records; empty for all.
        workspace_path: Only changes of this workspace, where a change has one.
    """

    topics: frozenset[str] = frozenset()
    workspace_path: str | None = None

    def wants(self, kind: str, workspace_path: object) -> bool:
        """Tell whether a change of this kind, in this workspace (or in none: None), is to be heard."""
        if self.topics and kind not in self.topics:
            return False
        return self.workspace_path is None or workspace_path in (None, self.workspace_path)


class Event(NamedTuple):
    """One change, ready to send: what a filter looks at, and the JSON."""

    kind: str
    workspace_path: object
    json: bytes


class Moment(NamedTuple):
    """One row of the log, ready to send."""

    stamp: bytes
    at_ms: int
    events: list[Event]


class ChangeLog:
    """The log of one tenant.

    Args:
        database: Where it lies.
        changes: Its repository.
    """

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._epoch = uuid.UUID(database.engine.epoch).bytes
        self.head_key = changes.head_key

    def cursor(self, stamp: bytes) -> str:
        """Return the cursor that continues behind ``stamp``."""
        return base64.urlsafe_b64encode(self._epoch + stamp).decode().rstrip("=")

    def stamp_of(self, cursor: str) -> bytes:
        """Return the stamp of a cursor that this log has made."""
        return _decoded(cursor)[1]

    async def position(self, since: str) -> bytes:
        """Return the stamp that a cursor, ``beginning`` or ``now`` stands for.

        Raises:
            InvalidError: It is no cursor.
            CursorExpiredError: It can't be continued from; its details hold the ``cursor`` to go on from after a
                fresh read.
        """
        if since == SINCE_NOW:
            return await self._database.read(self._changes.head)
        if since == SINCE_BEGINNING:
            return await self._database.read(self._changes.floor)
        epoch, stamp = _decoded(since)
        continues, head = await self._database.read(
            lambda tr: (self._changes.continues(tr, stamp), self._changes.head(tr))
        )
        if epoch != self._epoch or not continues:
            raise CursorExpiredError(
                "The changes since this cursor are not kept here; read everything anew and go on from the new cursor.",
                details={"cursor": self.cursor(head)},
            )
        return stamp

    async def after(
        self,
        stamp: bytes,
        *,
        limit: int = limits.changes_page_rows_max,
        bytes_max: int | None = None,
    ) -> list[Moment]:
        """Return at most ``limit`` rows behind ``stamp``, oldest first; of more than ``bytes_max`` only the first.

        Raises:
            CursorExpiredError: Rows behind ``stamp`` have been trimmed meanwhile, or can't be read.
        """

        def body(tr: Reading) -> list[Row]:
            return self._changes.after(tr, stamp, limit=limit, bytes_max=bytes_max)

        return [_moment(row) for row in await self._read(stamp, body)]

    async def changes_of(self, kinds: Sequence[str], stamp: bytes) -> tuple[list[Change], bytes]:
        """Return what some rows behind ``stamp`` tell of some kinds, and the stamp of the last of them.

        The stamp is the given one when there are no more rows. It is read in a thread.

        Raises:
            CursorExpiredError: As ``after``.
        """
        return await self._read(stamp, lambda tr: self._changes.of_kinds(tr, kinds, stamp), background=True)

    def message(self, moments: Sequence[Moment], wanted: Filter) -> tuple[bytes | None, bytes]:
        """Return one message of ``moments``, and the stamp up to which it tells.

        It ends early, between two rows, at ``limits.changes_message_bytes_max``; the message is None when the filter
        wants nothing of what it would tell.
        """
        chosen: list[bytes] = []
        size = 0
        stamp = moments[0].stamp
        for moment in moments:
            wants = [event.json for event in moment.events if wanted.wants(event.kind, event.workspace_path)]
            size += sum(map(len, wants))
            if chosen and size > limits.changes_message_bytes_max:
                break
            chosen += wants
            stamp = moment.stamp
        return (self._text(chosen, stamp) if chosen else None), stamp

    def empty_message(self, stamp: bytes) -> bytes:
        """Return the message that nothing has changed up to ``stamp``."""
        return self._text([], stamp)

    async def _read(self, stamp: bytes, read: Callable[[Reading], T], *, background: bool = False) -> T:
        """Return what ``read`` finds behind ``stamp``; raises as ``after``."""

        def body(tr: Reading) -> tuple[bytes, T | None]:
            head = self._changes.head(tr)
            try:
                return head, None if stamp < self._changes.floor(tr) else read(tr)
            except UNREADABLE as error:
                log.warning("A listener has to read everything anew: %s", error.message)
                return head, None

        head, found = await self._database.read(body, background=background)
        if found is None:
            raise CursorExpiredError(
                "The changes since this cursor are no longer there.", details={"cursor": self.cursor(head)}
            )
        return found

    def _text(self, changes: list[bytes], stamp: bytes) -> bytes:
        return b'{"type":"changes","cursor":"%b","changes":[%b]}' % (self.cursor(stamp).encode(), b",".join(changes))


def _moment(row: Row) -> Moment:
    return Moment(
        row.stamp,
        row.at_ms,
        [Event(each.kind, each.hint.get("workspace_path"), each.to_json()) for each in row.changes],
    )


def _decoded(cursor: str) -> tuple[bytes, bytes]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _EPOCH_BYTES + STAMP_BYTES:
        raise InvalidError(
            "`since` is no cursor; take one from an earlier answer, or `now`, or `beginning`.", code="invalid_cursor"
        )
    return raw[:_EPOCH_BYTES], raw[_EPOCH_BYTES:]
