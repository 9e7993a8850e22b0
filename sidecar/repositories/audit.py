"""The audit trail.

Its entries have no change rows: the feed of a tenant is open to all its users, the trail to its admins and managers.
"""

from sidecar import limits
from sidecar.models.audit import Audit
from sidecar.models.base import milliseconds, timestamp
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.tuples import Items

BY_USER = Index[Audit](
    keys.AUDIT_BY_USER,
    tails=lambda each: [(keys.id_element(each.user_id), milliseconds(each.created_at))] if each.user_id else [],
)
BY_EVENT = Index[Audit](keys.AUDIT_BY_EVENT, tails=lambda each: [(each.event_type, milliseconds(each.created_at))])
BY_DATE = Index[Audit](
    keys.AUDIT_BY_DATE, tails=lambda each: [(_date(milliseconds(each.created_at)), milliseconds(each.created_at))]
)


class Audits(Repository[Audit]):
    """The audit trail of one tenant."""

    kind = "audit"
    primary = keys.AUDIT
    model = Audit
    indexes = (BY_USER, BY_EVENT, BY_DATE)
    tells = False
    large = True
    served_as_stored = True

    def list_by_user(
        self,
        tr: Reading,
        user_id: str,
        *,
        between_ms: tuple[int | None, int | None] = (None, None),
        cursor: str | None = None,
        limit: int = limits.page_items_default,
    ) -> Page[Audit]:
        """Return a page of what a user did, newest first.

        Args:
            between_ms: From (included) and to (excluded), milliseconds since 1970; None is open.
        """
        between = self._between(BY_USER, (keys.id_element(user_id),), between_ms)
        return self.list_between(tr, BY_USER, between, cursor=cursor, limit=limit, reverse=True)

    def list_by_event(
        self,
        tr: Reading,
        event_type: str,
        *,
        between_ms: tuple[int | None, int | None] = (None, None),
        cursor: str | None = None,
        limit: int = limits.page_items_default,
    ) -> Page[Audit]:
        """Return a page of the entries of one type, newest first; ``between_ms`` as in ``list_by_user``."""
        between = self._between(BY_EVENT, (event_type,), between_ms)
        return self.list_between(tr, BY_EVENT, between, cursor=cursor, limit=limit, reverse=True)

    def list_by_date(
        self,
        tr: Reading,
        *,
        between_ms: tuple[int | None, int | None] = (None, None),
        cursor: str | None = None,
        limit: int = limits.page_items_default,
    ) -> Page[Audit]:
        """Return a page of all entries, newest first; ``between_ms`` as in ``list_by_user``."""
        space = self.spaces[BY_DATE.name]
        begin, end = space.range()
        since, until = between_ms
        if since is not None:
            begin = space.pack((_date(since), since))
        if until is not None:
            end = space.pack((_date(until), until))
        return self.list_between(tr, BY_DATE, (begin, end), cursor=cursor, limit=limit, reverse=True)

    def cleanup_old_events(self, tr: Writing, retention_days: int, *, limit: int = limits.job_batch_rows_max) -> int:
        """Remove at most ``limit`` entries older than so many days, and return how many."""
        space = self.spaces[BY_DATE.name]
        oldest_ms = tr.now_ms - retention_days * 86_400_000
        between = space.range()[0], space.pack((_date(oldest_ms), oldest_ms))
        return self.delete_between(tr, BY_DATE, between, limit=limit)

    def _between(
        self, index: Index[Audit], under: Items, between_ms: tuple[int | None, int | None]
    ) -> tuple[bytes, bytes]:
        space = self.spaces[index.name]
        begin, end = space.range(under)
        since, until = between_ms
        return (
            begin if since is None else space.pack((*under, since)),
            end if until is None else space.pack((*under, until)),
        )


def _date(ms: int) -> str:
    return timestamp(ms).date().isoformat()
