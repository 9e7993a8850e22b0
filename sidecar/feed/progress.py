"""How far the scans are, for listeners that want to see it move: only the newest of each workspace is kept."""

import asyncio
from typing import NamedTuple

from sidecar.models.workspaces import WorkspaceProgress


class ProgressNote(NamedTuple):
    """The newest word on one workspace. ``order`` rises with every note."""

    order: int
    tenant_id: str
    workspace_id: str
    workspace_path: str
    progress: WorkspaceProgress


class ProgressBoard:
    """Holds the newest note of each workspace and wakes listeners; who is slow sees fewer notes, never more waiting."""

    def __init__(self) -> None:
        self._notes: dict[str, ProgressNote] = {}
        self._order = 0
        self._news = asyncio.Event()

    @property
    def order(self) -> int:
        """The order of the newest note."""
        return self._order

    def post(self, *, tenant_id: str, workspace_id: str, workspace_path: str, progress: WorkspaceProgress) -> None:
        """Replace what is said of a workspace, unless that is the same. Call it on the event loop."""
        before = self._notes.get(workspace_id)
        if before is not None and before.progress == progress:
            return
        self._order += 1
        self._notes[workspace_id] = ProgressNote(self._order, tenant_id, workspace_id, workspace_path, progress)
        news, self._news = self._news, asyncio.Event()
        news.set()

    def notes(self) -> list[ProgressNote]:
        """Return the newest note of each workspace."""
        return list(self._notes.values())

    def forget(self, workspace_id: str) -> None:
        """Say no more of a workspace."""
        self._notes.pop(workspace_id, None)

    async def after(self, order: int, tenant_id: str) -> list[ProgressNote]:
        """Return the notes of a tenant that are newer than ``order``, oldest first, waiting until there is one."""
        while True:
            news = self._news
            fresh = [note for note in self._notes.values() if note.order > order and note.tenant_id == tenant_id]
            if fresh:
                return sorted(fresh)
            await news.wait()
