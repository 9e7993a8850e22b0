"""Snapshots of sessions, and which of them history lets go of."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sidecar import limits
from sidecar.models.base import milliseconds
from sidecar.models.snapshots import Snapshot
from sidecar.repositories import keys, parts
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.transactions import Reading

BY_SESSION = Index[Snapshot](
    keys.SNAPSHOTS_BY_SESSION,
    tails=lambda each: [(keys.id_element(each.workspace_session_id), milliseconds(each.created_at))],
    covering=lambda each: b"\x00" if each.label is None else b"\x01",
)


class Moment(NamedTuple):
    """What thinning needs to know of a snapshot."""

    id: str
    at_ms: int
    is_labelled: bool


class Snapshots(Repository[Snapshot]):
    """The snapshots of one tenant."""

    kind = "snapshots"
    primary = keys.SNAPSHOTS
    model = Snapshot
    indexes = (BY_SESSION,)
    large = True

    def list_by_session(
        self, tr: Reading, session_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[Snapshot]:
        """Return a page of a session's snapshots, newest first."""
        under = (keys.id_element(session_id),)
        return self.list_by(tr, BY_SESSION, under=under, cursor=cursor, limit=limit, reverse=True)

    def newest(self, tr: Reading, session_id: str) -> Snapshot | None:
        """Return a session's newest snapshot, or None when it has none; one of a clock that was put back is passed."""
        space = self.spaces[BY_SESSION.name][keys.id_element(session_id)]
        between = space.range()[0], space.pack((tr.now_ms + 1,))
        return next(iter(self.list_between(tr, BY_SESSION, between, limit=1, reverse=True).items), None)

    def moments(self, tr: Reading, session_id: str) -> list[Moment]:
        """Return when a session's snapshots were taken, oldest first; from the index alone."""
        space = self.spaces[BY_SESSION.name]
        rows = tr.kv.get_range(*space.range((keys.id_element(session_id),)))
        found: list[Moment] = []
        for key, value in rows:
            _, at_ms, identifier = space.unpack(key)
            assert isinstance(at_ms, int)  # noqa: S101 - as declared above
            found.append(Moment(str(identifier), at_ms, value == b"\x01"))
        return found

    def hint(self, record: Snapshot) -> dict[str, Any]:
        """Return the session that it is of."""
        return {"workspace_session_id": record.workspace_session_id}

    def names(self, record: Snapshot) -> set[bytes]:
        """Return the digests of the contents that the parts are made of."""
        return parts.digests(record.parts)


def to_thin(moments: Sequence[Moment], now_ms: int) -> list[str]:
    """Return the ids of the snapshots that history lets go of; ``moments`` are one session's, oldest first.

    All of the last hour stay, then the newest of each hour for a day, then the newest of each day for 30 days; and
    every labelled one.
    """
    kept: set[tuple[str, int]] = set()
    gone: list[str] = []
    for moment in reversed(moments):
        if moment.is_labelled:
            continue
        age_seconds = (now_ms - moment.at_ms) / 1_000
        if age_seconds <= limits.snapshots_all_seconds:
            continue
        if age_seconds > limits.snapshots_daily_seconds:
            gone.append(moment.id)
            continue
        hourly = age_seconds <= limits.snapshots_hourly_seconds
        bucket = ("hour", moment.at_ms // 3_600_000) if hourly else ("day", moment.at_ms // 86_400_000)
        if bucket in kept:
            gone.append(moment.id)
        kept.add(bucket)
    return gone
