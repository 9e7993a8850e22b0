"""Workspace sessions: stored, listed, changed, forked and resumed."""

from collections.abc import Container
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field
from pydantic_core import from_json

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.folders import FolderPath
from sidecar.api.owners import changeable, check_readable, check_related, may_read, readable, shown_user
from sidecar.api.patches import changed_fields, until_current
from sidecar.api.preferences import minimal_answer, wants_minimal
from sidecar.api.requests import (
    FOLDER_FIELD,
    PageQuery,
    body,
    if_match,
    in_real_folder,
    merge_patch,
    page_answer,
    query,
    tenant_of,
    text_answer,
)
from sidecar.errors import NotFoundError
from sidecar.models.base import Id, Name, Related, Tag, Tags, Text, Value
from sidecar.models.editing import Breakpoint, EditorState, Memory, TerminalState
from sidecar.models.workspace_sessions import Paths, StoredSession, WorkspaceSession
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.paging import ReadPage, filtered
from sidecar.repositories.transactions import Reading
from sidecar.repositories.workspace_sessions import WorkspaceSessions


class SessionBody(Value):
    """What a client writes of a session; what is left out has its default."""

    name: Name
    workspace_path: FolderPath
    git_branch: Text | None = None
    conversation_id: Id | None = None
    related_sessions: Related = Field(default_factory=list)
    tags: Tags = Field(default_factory=list)
    active_files: Paths = Field(default_factory=list)
    editor_state: EditorState = Field(default_factory=EditorState)
    terminal_state: TerminalState = Field(default_factory=TerminalState)
    breakpoints: Annotated[list[Breakpoint], Field(max_length=limits.breakpoints_max)] = Field(default_factory=list)
    context_files: Paths = Field(default_factory=list)
    memory: Memory = Field(default_factory=Memory)


class ForkBody(Value):
    """A name for the fork; its parent's by default."""

    name: Name | None = None


class ResumeBody(Value):
    """Where work goes on: the latest session there is taken, or a new one of that name made."""

    workspace_path: FolderPath
    git_branch: Text | None = None
    name: Name | None = None


class SessionsQuery(PageQuery):
    """Which sessions to list, newest activity first; with ``tag`` oldest first.

    Attributes:
        workspace_path: Only of this workspace; managers and admins see everybody's there.
        tag: Only with this tag.
        git_branch: Only of this branch.
        user_id: Another user's, for managers and admins.
    """

    workspace_path: FolderPath | None = None
    tag: Tag | None = None
    git_branch: Text | None = None
    user_id: Id | None = None


async def add(request: web.Request) -> web.Response:
    """Store a new session."""
    session = _new(request, **dict(await body(request, SessionBody)))
    await _check_conversation(request, session.conversation_id)
    await check_related(request, WorkspaceSessions(tenant_of(request)), session.related_sessions)
    made = await request.app[CONTEXT].sessions.create(tenant_of(request), session, size_bytes=request.content_length)
    return await answer(request, made, HTTPStatus.CREATED)


async def list_all(request: web.Request) -> web.Response:
    """List sessions, without their state."""
    asked = await in_real_folder(request, query(request, SessionsQuery))
    sessions = WorkspaceSessions(tenant_of(request))
    user_id = shown_user(request, asked.user_id)
    if asked.workspace_path is None and asked.tag is None and asked.git_branch is None:
        page = await request.app[CONTEXT].sessions.list_recent(
            tenant_of(request), user_id, cursor=asked.cursor, limit=asked.limit
        )
        return page_answer(page.items, page.next_cursor)
    found = await request.app[CONTEXT].database.read(
        lambda tr: filtered(
            _rows(tr, sessions, asked, user_id),
            partial(_passes, request, asked),
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    return page_answer([each.to_json() for each in found.items], found.next_cursor)


async def get(request: web.Request) -> web.Response:
    """Return one session with its state."""
    tenant, session_id = tenant_of(request), request.match_info["id"]
    sessions = request.app[CONTEXT].sessions
    found = sessions.recall_served(tenant, session_id) or await sessions.find_served(tenant, session_id)
    return text_answer(check_readable(request, WorkspaceSessions, session_id, found))


async def put(request: web.Request) -> web.Response:
    """Replace what clients write of a session."""
    session_id = await changeable(request, WorkspaceSessions(tenant_of(request)))
    changed = await request.app[CONTEXT].sessions.update(
        tenant_of(request),
        session_id,
        await _replacement(request, session_id),  # not kept here: see there
        if_version=if_match(request),
        size_bytes=request.content_length,
    )
    return await answer(request, changed)


async def _replacement(request: web.Request, session_id: str) -> dict[str, Any]:
    sent = await body(request, SessionBody)
    await _check_conversation(request, sent.conversation_id, session_id)
    await check_related(request, WorkspaceSessions(tenant_of(request)), sent.related_sessions, session_id)
    return dict(sent)


async def patch(request: web.Request) -> web.Response:
    """Merge a patch into a session."""
    asked, if_version, tenant = await merge_patch(request), if_match(request), tenant_of(request)
    sessions, context = WorkspaceSessions(tenant), request.app[CONTEXT]
    session_id = await changeable(request, sessions)

    async def attempt() -> StoredSession:
        current, served = await context.database.read(partial(_served_now, sessions, session_id, asked))
        fields = changed_fields(SessionBody, served, asked)
        if FOLDER_FIELD in fields:
            fields[FOLDER_FIELD] = await context.folders.real(fields[FOLDER_FIELD])
        version = current.version if if_version is None else if_version
        await _check_conversation(request, fields.get("conversation_id"), session_id)
        await check_related(request, sessions, fields.get("related_sessions", ()), session_id)
        return await context.sessions.update(tenant, session_id, fields, if_version=version)

    return await answer(request, await until_current(attempt, if_version=if_version))


def _served_now(
    sessions: WorkspaceSessions, session_id: str, asked: Container[str], tr: Reading
) -> tuple[StoredSession, dict[str, Any]]:
    """Return a session, and its fields as it is served; of its state, which may be long, those that are asked for."""
    current = sessions.get(tr, session_id)
    return current, from_json(current.to_json()) | sessions.state_values(tr, current, asked)


async def remove(request: web.Request) -> web.Response:
    """Delete a session and its snapshots; its forks stay."""
    session_id = await changeable(request, WorkspaceSessions(tenant_of(request)))
    await request.app[CONTEXT].sessions.delete(tenant_of(request), session_id, if_version=if_match(request))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def fork(request: web.Request) -> web.Response:
    """Store a new session of the caller's with the same state, and this one for its parent."""
    sent = await body(request, ForkBody)
    session_id = await changeable(request, WorkspaceSessions(tenant_of(request)))
    made = await request.app[CONTEXT].sessions.fork(
        tenant_of(request), session_id, user_id=request[CALLER].principal.user_id, name=sent.name
    )
    return await answer(request, made, HTTPStatus.CREATED)


async def resume(request: web.Request) -> web.Response:
    """Return the caller's latest session of a workspace and branch, or store a new one."""
    sent = await body(request, ResumeBody)
    name = sent.name or (sent.workspace_path.rstrip("/").rpartition("/")[2] or "/")[: limits.name_chars_max]
    fresh = _new(request, name=name, workspace_path=sent.workspace_path, git_branch=sent.git_branch)
    session, is_new = await request.app[CONTEXT].sessions.resume(tenant_of(request), fresh)
    return await answer(request, session, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


async def list_children(request: web.Request) -> web.Response:
    """List the sessions that were forked from one, oldest first."""
    asked, sessions = query(request, PageQuery), WorkspaceSessions(tenant_of(request))
    session_id = await readable(request, sessions)
    principal = request[CALLER].principal
    page = await request.app[CONTEXT].database.read(
        lambda tr: filtered(
            partial(sessions.get_children, tr, session_id),
            lambda each: may_read(principal, each.user_id),
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    return page_answer([each.to_json() for each in page.items], page.next_cursor)


class RelatedQuery(Value):
    """How many to show."""

    limit: Annotated[int, Field(ge=1, le=limits.page_items_max)] = limits.page_items_default


async def list_related(request: web.Request) -> web.Response:
    """List the sessions that one names as related, then those that share tags with it, most shared first."""
    asked, sessions = query(request, RelatedQuery), WorkspaceSessions(tenant_of(request))
    session_id = await readable(request, sessions)

    def read(tr: Reading) -> list[StoredSession]:
        own = sessions.get(tr, session_id)
        named = [each for each in (sessions.find(tr, other) for other in own.related_sessions) if each is not None]
        near = sessions.get_related_sessions(tr, own.user_id, own.tags, limit=asked.limit, but=session_id)
        return list({each.id: each for each in (*named, *near)}.values())

    found = await request.app[CONTEXT].database.read(read)
    principal = request[CALLER].principal
    items = [each.to_json() for each in found if may_read(principal, each.user_id)]
    return page_answer(items[: asked.limit], None)


async def answer(request: web.Request, session: StoredSession, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return a session that was just stored, with its state unless the client prefers less."""
    location = f"/api/v5/sessions/{session.id}" if status is HTTPStatus.CREATED else None
    if wants_minimal(request):
        return minimal_answer(status, session.version, location)
    found = await request.app[CONTEXT].sessions.find_served(tenant_of(request), session.id)
    if found is None:
        raise NotFoundError(f"The session {session.id} was deleted meanwhile.", details={"id": session.id})
    return text_answer(found, status, location=location)


async def _check_conversation(request: web.Request, named: str | None, session_id: str | None = None) -> None:
    """Check that a session names no conversation which the caller may not read; it may keep the one that it has.

    Raises:
        NotFoundError: There is none of that id, or they may not.
    """
    if named is None:
        return
    tenant, principal = tenant_of(request), request[CALLER].principal

    def is_allowed(tr: Reading) -> bool:
        conversation = Conversations(tenant).find(tr, named)
        if conversation is not None and may_read(principal, conversation.user_id):
            return True
        session = None if session_id is None else WorkspaceSessions(tenant).find(tr, session_id)
        return session is not None and session.conversation_id == named

    if not await request.app[CONTEXT].database.read(is_allowed):
        raise Conversations.missing(named)


def _new(request: web.Request, **fields: Any) -> WorkspaceSession:  # noqa: ANN401 - of the model; checked
    now_ms = request.app[CONTEXT].database.clock.now_ms()
    tenant_id, user_id = tenant_of(request).tenant_id, request[CALLER].principal.user_id
    return WorkspaceSession.new(tenant_id=tenant_id, user_id=user_id, now_ms=now_ms, **fields)


def _rows(tr: Reading, sessions: WorkspaceSessions, asked: SessionsQuery, user_id: str) -> ReadPage[StoredSession]:
    if asked.tag is not None:
        return partial(sessions.list_by_tag, tr, user_id, asked.tag)
    if asked.workspace_path is not None:
        return partial(sessions.list_by_workspace, tr, asked.workspace_path)
    return partial(sessions.recent_sessions, tr, user_id)


def _passes(request: web.Request, asked: SessionsQuery, session: StoredSession) -> bool:
    return (
        may_read(request[CALLER].principal, session.user_id)
        and asked.user_id in (None, session.user_id)
        and asked.workspace_path in (None, session.workspace_path)
        and asked.git_branch in (None, session.git_branch)
    )
