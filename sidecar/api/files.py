"""Files of watched folders."""

from functools import partial

from aiohttp import web

from sidecar.api.context import CONTEXT
from sidecar.api.folders import FolderPath
from sidecar.api.requests import PageQuery, in_real_folder, page_answer, query, record_answer, tenant_of
from sidecar.errors import InvalidError, NotFoundError
from sidecar.models.base import Id, Path, Value
from sidecar.models.files import File
from sidecar.repositories import files as stored
from sidecar.repositories.files import Files, is_deleted
from sidecar.repositories.keys import id_element
from sidecar.repositories.paging import ReadPage, filtered
from sidecar.repositories.transactions import Reading


class FilesQuery(PageQuery):
    """Which files to list.

    Attributes:
        workspace_path: Only of this watched folder, by path; otherwise all, oldest first.
        prefix: Only paths that begin so; needs ``workspace_path``.
        session_id: Only versions recorded in this session.
        include_deleted: Also files that are gone.
    """

    workspace_path: FolderPath | None = None
    prefix: str = ""
    session_id: Id | None = None
    include_deleted: bool = False


class FileQuery(Value):
    """One file by its place."""

    workspace_path: FolderPath
    path: Path


async def list_all(request: web.Request) -> web.Response:
    """List files."""
    asked = await in_real_folder(request, query(request, FilesQuery))
    if asked.prefix and asked.workspace_path is None:
        raise InvalidError("`prefix` needs `workspace_path`.")
    files = Files(tenant_of(request))
    page = await request.app[CONTEXT].database.read(
        lambda tr: filtered(
            _rows(tr, files, asked),
            partial(_passes, asked),
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    return page_answer(page.items, page.next_cursor)


async def get(request: web.Request) -> web.Response:
    """Return one file."""
    files = Files(tenant_of(request))
    file_id = request.match_info["id"]
    return record_answer(await request.app[CONTEXT].database.read(lambda tr: files.get(tr, file_id)))


async def get_by_path(request: web.Request) -> web.Response:
    """Return the file at a place."""
    asked = await in_real_folder(request, query(request, FileQuery))
    files = Files(tenant_of(request))
    root = asked.workspace_path
    file = await request.app[CONTEXT].database.read(lambda tr: files.find_by_path(tr, root, asked.path.encode()))
    if file is None or file.is_deleted:
        raise NotFoundError(f"There is no file {asked.path} in {root}.")
    return record_answer(file)


def _passes(asked: FilesQuery, text: bytes) -> bool:
    if is_deleted(text) and not asked.include_deleted:
        return False
    if asked.session_id is None or asked.workspace_path is None:
        return True  # of what else is asked for, these are the rows
    file = File.model_validate_json(text)
    return file.workspace_path == asked.workspace_path and file.raw_path.startswith(asked.prefix.encode())


def _rows(tr: Reading, files: Files, asked: FilesQuery) -> ReadPage[bytes]:
    if asked.session_id is not None:
        return partial(files.page_served, tr, stored.BY_SESSION, under=(id_element(asked.session_id),))
    if asked.workspace_path is None:
        return partial(files.page_served, tr, None)
    return partial(files.page_of_workspace, tr, asked.workspace_path, prefix=asked.prefix.encode())
