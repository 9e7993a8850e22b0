"""All watchers of a daemon: begins and ends them, and holds what they share.

Made by the daemon's wiring; used by the workspace service.
"""

import asyncio
import shutil
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

from sidecar import limits
from sidecar.clock import Clock
from sidecar.feed.progress import ProgressBoard
from sidecar.models.workspaces import Workspace, WorkspaceProgress
from sidecar.repositories.files import Files
from sidecar.repositories.transactions import Database
from sidecar.turns import Turns
from sidecar.watch.events import EventSource, MakeSource, Wake
from sidecar.watch.git import Git
from sidecar.watch.hints import Hints
from sidecar.watch.power import Pace
from sidecar.watch.watcher import Tools, WorkspaceWatcher

StartTask = Callable[..., "asyncio.Task[Any]"]


class Environment(Protocol):
    """Where a user keeps configuration; ``surroundings.UserEnvironment`` is one."""

    @property
    def home(self) -> Path:
        """The home folder."""

    @property
    def xdg_config_home(self) -> Path | None:
        """Set when it is not ``~/.config``."""


def platform_source(root: bytes, hints: Hints, wake: Wake) -> EventSource:
    """Make the events of this operating system."""
    platform: str = sys.platform  # a plain text to mypy, so that it checks both ways
    if platform == "linux":
        from sidecar.watch.inotify import Inotify  # noqa: PLC0415 - each platform loads its own

        return Inotify(root, hints, wake)
    from sidecar.watch.native import NativeEvents  # noqa: PLC0415 - the same

    return NativeEvents(root, hints, wake)


class Watchers:
    """The watchers of a daemon.

    Args:
        database: Where the indexes are kept.
        clock: Tells the time.
        start_task: Runs a coroutine in the background by ``name`` and reports its failure.
        progress: Told how far each workspace is.
        environment: Where git's own configuration is.
        own_folders: Where the daemon writes; they are ignored.
    """

    def __init__(  # noqa: PLR0913 - what all watchers share, from as many rooms
        self,
        database: Database,
        clock: Clock,
        start_task: StartTask,
        progress: ProgressBoard,
        *,
        environment: Environment,
        own_folders: Sequence[Path] = (),
        make_source: MakeSource = platform_source,
    ) -> None:
        self._start_task = start_task
        self._progress = progress
        self._keyspace = database.keyspace
        self._running: dict[str, tuple[WorkspaceWatcher, asyncio.Task[Any]]] = {}
        self._tools = Tools(
            database=database,
            clock=clock,
            pace=Pace(clock),
            give_way=Turns(asyncio.get_running_loop()).give_way,
            git=Git(environment.home, environment.xdg_config_home, command=shutil.which("git")),
            own_folders=[bytes(folder) for folder in own_folders],
            turns=asyncio.Semaphore(limits.comparisons_at_once_max),
            make_source=make_source,
        )

    async def start(self, workspace: Workspace) -> None:
        """Begin to watch; nothing when it is watched already."""
        if workspace.id in self._running:
            return

        def publish(progress: WorkspaceProgress) -> None:
            self._progress.post(
                tenant_id=workspace.tenant_id,
                workspace_id=workspace.id,
                workspace_path=workspace.path,
                progress=progress,
            )

        files = Files(self._keyspace.tenant(workspace.tenant_id))
        watcher = WorkspaceWatcher(workspace, files, self._tools, publish)
        run: Coroutine[Any, Any, None] = watcher.run()
        self._running[workspace.id] = watcher, self._start_task(run, name=f"watch {workspace.path}")
        publish(watcher.progress())

    async def stop(self, workspace_id: str) -> None:
        """Stop watching and wait until it has ended; nothing when it is not watched."""
        running = self._running.pop(workspace_id, None)
        if running is not None:
            task = running[1]
            task.cancel()
            await asyncio.wait({task})
            self._progress.forget(workspace_id)

    def rescan(self, workspace_id: str) -> None:
        """Ask for a full comparison with the disk; nothing when it is not watched."""
        running = self._running.get(workspace_id)
        if running is not None:
            running[0].rescan()

    def progress(self, workspace_id: str) -> WorkspaceProgress:
        """Return how far the index is."""
        running = self._running.get(workspace_id)
        return running[0].progress() if running else WorkspaceProgress(state="stopped")

    async def close(self) -> None:
        """Stop all watchers; idempotent."""
        await asyncio.gather(*map(self.stop, list(self._running)))
