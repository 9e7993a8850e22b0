"""Workspaces: which folders are watched, and keeping the watchers in step with the records."""

import logging
import os
import pathlib
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from sidecar import limits
from sidecar.errors import UNREADABLE, InvalidError, LimitExceededError
from sidecar.file_systems import FileSystems
from sidecar.models.workspaces import Workspace, WorkspaceProgress
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.tenants import Tenants, list_ids
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.workspaces import Workspaces

log = logging.getLogger(__name__)


class Watching(Protocol):
    """Whoever keeps the indexes current: the watch room, seen from here."""

    async def start(self, workspace: Workspace) -> None:
        """Begin to watch; nothing when it is watched already."""

    async def stop(self, workspace_id: str) -> None:
        """Stop watching; nothing when it is not watched."""

    def rescan(self, workspace_id: str) -> None:
        """Ask for a full comparison with the disk."""

    def progress(self, workspace_id: str) -> WorkspaceProgress:
        """Return how far the index is."""


class WorkspaceService:
    """Adds and removes watched folders.

    Args:
        database: Where the records are kept.
        watching: Told of every folder that comes or goes.
        file_systems: Asked about folders.
    """

    def __init__(self, database: Database, watching: Watching, file_systems: FileSystems) -> None:
        self._database = database
        self._file_systems = file_systems
        self._watching = watching

    async def add(self, tenant: TenantKeys, path: str) -> tuple[Workspace, bool]:
        """Watch a folder and return its record, and whether it is new; a folder watched already is only returned.

        Raises:
            InvalidError: There is no such folder, or it can't be read, or its name is not UTF-8.
            LimitExceededError: The tenant watches as many as it may.
            UnavailableError: The folder's file system does not answer.
        """
        root = await self._file_systems.ask(folder, path)

        def body(tr: Writing) -> tuple[Workspace, bool]:
            workspaces = Workspaces(tenant)
            found = workspaces.find_by_path(tr, root)
            if found is not None:
                return found, False
            if len(workspaces.list_all(tr, limit=limits.workspaces_max).items) >= limits.workspaces_max:
                raise LimitExceededError(f"At most {limits.workspaces_max} folders can be watched; stop one first.")
            workspace = Workspace.new(tenant_id=tenant.tenant_id, path=root, now_ms=tr.now_ms)
            return workspaces.create(tr, workspace), True

        workspace, is_new = await self._database.transact(body)
        await self._watching.start(workspace)
        return workspace, is_new

    async def start_all(self) -> None:
        """Begin to watch every folder that any active tenant has on record; damaged rows of one keep back no other."""
        cursor: str | None = None
        while True:
            ids, cursor = await self._database.read(partial(list_ids, keyspace=self._database.keyspace, cursor=cursor))
            for tenant_id in ids:
                try:
                    await self._start_of(self._database.keyspace.tenant(tenant_id))
                except UNREADABLE as error:
                    log.warning("The folders of tenant %s are not watched: %s", tenant_id, error.message)
            if cursor is None:
                return

    async def _start_of(self, tenant: TenantKeys) -> None:
        def body(tr: Reading) -> Sequence[Workspace]:
            owner = Tenants(tenant).get(tr, tenant.tenant_id)
            return Workspaces(tenant).list_all(tr, limit=limits.workspaces_max).items if owner.is_active else ()

        for workspace in await self._database.read(body):
            await self._watching.start(workspace)

    async def remove(self, tenant: TenantKeys, workspace_id: str, *, if_version: int | None = None) -> None:
        """Stop watching a folder; what is known of its files is kept."""
        await self._database.transact(lambda tr: Workspaces(tenant).delete(tr, workspace_id, if_version=if_version))
        await self._watching.stop(workspace_id)

    async def get(self, tenant: TenantKeys, workspace_id: str) -> Workspace:
        """Return a workspace's record."""
        return await self._database.read(lambda tr: Workspaces(tenant).get(tr, workspace_id))

    async def rescan(self, tenant: TenantKeys, workspace_id: str) -> Workspace:
        """Ask for a full comparison of a workspace with the disk, and return its record."""
        workspace = await self.get(tenant, workspace_id)
        await self._watching.start(workspace)
        self._watching.rescan(workspace_id)
        return workspace

    def progress(self, workspace: Workspace) -> WorkspaceProgress:
        """Return how far a workspace's index is."""
        return self._watching.progress(workspace.id)


def folder(path: str) -> str:
    """Return the absolute path of a folder without symbolic links.

    Raises:
        InvalidError: It is relative, does not exist, is no folder, can't be read, or has a name that is not UTF-8.
    """
    if "\0" in path or not pathlib.PurePath(path).is_absolute():
        raise InvalidError(f"{path!r} is not an absolute path.", code="invalid_path")
    root = os.path.realpath(path)
    try:
        root.encode()
    except UnicodeEncodeError:
        raise InvalidError(
            f"{root!r} is not UTF-8; a watched folder's own path has to be.", code="invalid_path"
        ) from None
    try:
        with os.scandir(root):
            return root
    except OSError as error:
        raise InvalidError(f"{path} can't be watched: {error.strerror}.", code="invalid_path") from None
