"""What handlers of ``service`` ask of the daemon for itself: its status, its measures, a backup, settings read anew.

The daemon room keeps the promise; ``context`` carries it.
"""

from pathlib import Path as FilePath
from typing import Protocol

from sidecar.api.folders import LocalPath
from sidecar.models.base import Value
from sidecar.models.workspaces import WorkspaceProgress


class StoreReport(Value):
    """The store: where it is, its size, and whether it can be written now."""

    url: str
    epoch: str
    used_bytes: int | None
    commits: int
    conflicts: int


class WorkspaceReport(Value):
    """A watched folder, and how far its index is."""

    id: str
    tenant_id: str
    path: str
    progress: WorkspaceProgress


class StatusReport(Value):
    """All that one wants to know of a daemon at a glance; nothing is stored for it, so a full disk does not hide it.

    Attributes:
        clients: Open sockets that follow changes.
        feed_lag_ms: From the last pushed commit to its push; null before the first.
        warnings: What the user should know, one sentence each.
    """

    version: str
    pid: int
    started_at_ms: int
    config_file: str
    log_file: str
    store: StoreReport
    workspaces: list[WorkspaceReport]
    clients: int
    feed_lag_ms: float | None
    requests: int
    resident_bytes: int | None
    open_files: int | None
    warnings: list[str]


class BackupBody(Value):
    """Where a backup goes.

    Attributes:
        path: Of the file; its folder exists.
        replace: An older backup that is there is replaced; another file never is.
    """

    path: LocalPath
    replace: bool = False


class BackupReport(Value):
    """A backup that was written and read again."""

    path: str
    rows: int
    bytes: int


class ReloadReport(Value):
    """Settings that were read anew: which are in force now, and which wait for a restart."""

    changed: list[str]
    after_restart: list[str]


class Upkeep(Protocol):
    """What the daemon can do for itself: the daemon room, seen from here."""

    async def status(self) -> StatusReport:
        """Look at everything."""

    async def back_up(self, path: FilePath, *, replace: bool) -> BackupReport:
        """Write a backup of the whole store while it goes on.

        Raises:
            ConflictError: A file is there, and is not to be replaced, or is no backup.
            UnavailableError: It can not be written.
        """

    def reload(self) -> ReloadReport:
        """Read the settings anew.

        Raises:
            InvalidError: One is wrong; nothing has changed.
        """

    def metrics(self) -> str:
        """Return the measures in Prometheus' text format."""
