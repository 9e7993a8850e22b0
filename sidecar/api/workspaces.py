"""Watched folders."""

import json
from http import HTTPStatus

from aiohttp import web

from sidecar.api.context import CONTEXT
from sidecar.api.requests import PageQuery, body, if_match, page_answer, query, record_answer, tenant_of
from sidecar.models.base import Path, Value
from sidecar.models.workspaces import Workspace
from sidecar.repositories.workspaces import Workspaces


class WorkspaceBody(Value):
    """The folder to watch, as an absolute path."""

    path: Path


async def add(request: web.Request) -> web.Response:
    """Watch a folder."""
    path = (await body(request, WorkspaceBody)).path
    workspace, is_new = await request.app[CONTEXT].workspaces.add(tenant_of(request), path)
    response = _answer(request, workspace, HTTPStatus.CREATED if is_new else HTTPStatus.OK)
    response.headers["Location"] = f"/api/v5/workspaces/{workspace.id}"
    return response


async def list_all(request: web.Request) -> web.Response:
    """List watched folders with the progress of their indexes."""
    asked = query(request, PageQuery)
    workspaces = Workspaces(tenant_of(request))
    page = await request.app[CONTEXT].database.read(
        lambda tr: workspaces.list_all(tr, cursor=asked.cursor, limit=asked.limit)
    )
    return page_answer([json.dumps(_shown(request, each)).encode() for each in page.items], page.next_cursor)


async def get(request: web.Request) -> web.Response:
    """Return one watched folder with the progress of its index."""
    workspace = await request.app[CONTEXT].workspaces.get(tenant_of(request), request.match_info["id"])
    return _answer(request, workspace)


async def rescan(request: web.Request) -> web.Response:
    """Ask for a full comparison with the disk."""
    workspace = await request.app[CONTEXT].workspaces.rescan(tenant_of(request), request.match_info["id"])
    return _answer(request, workspace, HTTPStatus.ACCEPTED)


async def remove(request: web.Request) -> web.Response:
    """Stop watching a folder; its data is kept."""
    await request.app[CONTEXT].workspaces.remove(
        tenant_of(request), request.match_info["id"], if_version=if_match(request)
    )
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _answer(request: web.Request, workspace: Workspace, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return record_answer(workspace, status, progress=_progress(request, workspace))


def _shown(request: web.Request, workspace: Workspace) -> dict[str, object]:
    return {**workspace.model_dump(mode="json"), "progress": _progress(request, workspace)}


def _progress(request: web.Request, workspace: Workspace) -> dict[str, object]:
    return request.app[CONTEXT].workspaces.progress(workspace).model_dump(mode="json")
