"""The history of a session: taken, listed, compared, gone back to."""

from http import HTTPStatus

from aiohttp import web

from sidecar.api import sessions
from sidecar.api.context import CONTEXT
from sidecar.api.owners import changeable, readable
from sidecar.api.requests import PageQuery, body, if_match, page_answer, query, raw_answer, record_answer, tenant_of
from sidecar.models.base import Id, Name, Value
from sidecar.repositories import snapshots as stored
from sidecar.repositories.keys import id_element
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.differences import between_snapshots


class SnapshotBody(Value):
    """A label; a labelled snapshot is kept for good."""

    label: Name | None = None


class RestoreBody(Value):
    """The snapshot to go back to."""

    snapshot_id: Id


class DifferenceQuery(Value):
    """What to compare: ``from`` a snapshot ``to`` another; without ``to``, to the session as it is."""

    from_id: Id
    to_id: Id | None = None


async def list_all(request: web.Request) -> web.Response:
    """List a session's snapshots, newest first."""
    asked, snapshots = query(request, PageQuery), Snapshots(tenant_of(request))
    session_id = await readable(request, WorkspaceSessions(tenant_of(request)))
    under = (id_element(session_id),)
    page = await request.app[CONTEXT].database.read(
        lambda tr: snapshots.page_served(
            tr, stored.BY_SESSION, under=under, cursor=asked.cursor, limit=asked.limit, reverse=True
        )
    )
    return page_answer(page.items, page.next_cursor)


async def take(request: web.Request) -> web.Response:
    """Keep a session's state as it is."""
    sent = await body(request, SnapshotBody)
    session_id = await changeable(request, WorkspaceSessions(tenant_of(request)))
    made = await request.app[CONTEXT].sessions.take_snapshot(tenant_of(request), session_id, label=sent.label)
    return record_answer(made, HTTPStatus.CREATED)


async def restore(request: web.Request) -> web.Response:
    """Give a session the state of one of its snapshots, after a snapshot of what that replaces."""
    sent = await body(request, RestoreBody)
    session_id = await changeable(request, WorkspaceSessions(tenant_of(request)))
    changed = await request.app[CONTEXT].sessions.restore(
        tenant_of(request), session_id, sent.snapshot_id, if_version=if_match(request)
    )
    return await sessions.answer(request, changed)


async def compare(request: web.Request) -> web.Response:
    """Tell what has changed from one snapshot of a session to another, or to its present state."""
    asked, tenant = query(request, DifferenceQuery), tenant_of(request)
    session_id = await readable(request, WorkspaceSessions(tenant))
    text = await request.app[CONTEXT].database.read(
        lambda tr: between_snapshots(tr, tenant, session_id, (asked.from_id, asked.to_id)).to_json(),
        background=True,  # a state of many small values takes 100 ms
    )
    return raw_answer(text)
