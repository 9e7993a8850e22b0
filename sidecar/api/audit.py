"""The audit trail, for admins and managers."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from sidecar import limits
from sidecar.api.context import CONTEXT
from sidecar.api.requests import PageQuery, page_answer, query, tenant_of
from sidecar.models.audit import Audit
from sidecar.models.base import Id, Time, milliseconds
from sidecar.repositories.audit import Audits
from sidecar.repositories.paging import Page
from sidecar.repositories.transactions import Reading


class AuditQuery(PageQuery):
    """Which rows to list, newest first.

    Attributes:
        user_id: Only what this user did.
        event: Only of this type: ``session.created``.
        since: Only from this time on.
        until: Only before this time.
    """

    user_id: Id | None = None
    event: Annotated[str, StringConstraints(max_length=limits.event_type_chars_max)] | None = None
    since: Time | None = None
    until: Time | None = None

    def between_ms(self) -> tuple[int | None, int | None]:
        """Return the times asked for, milliseconds since 1970."""
        since, until = (None if each is None else milliseconds(each) for each in (self.since, self.until))
        return since, until


async def list_all(request: web.Request) -> web.Response:
    """List rows of the tenant's trail."""
    asked, audits = query(request, AuditQuery), Audits(tenant_of(request))
    page = await request.app[CONTEXT].database.read(lambda tr: _page(tr, audits, asked))
    return page_answer([each.to_json() for each in page.items], page.next_cursor)


def _page(tr: Reading, audits: Audits, asked: AuditQuery) -> Page[Audit]:
    """Read by the narrowest index; of a user's rows those of one type are picked out, so such a page may be short."""
    between_ms = asked.between_ms()
    if asked.user_id is not None:
        page = audits.list_by_user(tr, asked.user_id, between_ms=between_ms, cursor=asked.cursor, limit=asked.limit)
        return Page([each for each in page.items if asked.event in (None, each.event_type)], page.next_cursor)
    if asked.event is not None:
        return audits.list_by_event(tr, asked.event, between_ms=between_ms, cursor=asked.cursor, limit=asked.limit)
    return audits.list_by_date(tr, between_ms=between_ms, cursor=asked.cursor, limit=asked.limit)
