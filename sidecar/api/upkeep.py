"""The daemon's own upkeep: its status, its measures, a backup, settings read anew.

All but the measures are for whoever holds the pairing key: they concern the whole machine, and not one tenant.
"""

from pathlib import Path as FilePath
from typing import Protocol

from aiohttp import web

from sidecar.api.context import CONTEXT
from sidecar.api.requests import body_of, json_answer
from sidecar.models.base import Path, Value


class StoreReport(Value):
    """The store: where it is, its size, and whether it can be written now."""

    url: str
    epoch: str
    used_bytes: int | None
    commits: int
    conflicts: int


class StatusReport(Value):
    """All that one wants to know of a daemon at a glance.

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
        replace: A file that is there is replaced.
    """

    path: Path
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
            ConflictError: A file is there.
            UnavailableError: It can not be written.
        """

    def reload(self) -> ReloadReport:
        """Read the settings anew.

        Raises:
            InvalidError: One is wrong; nothing has changed.
        """

    def metrics(self) -> str:
        """Return the measures in Prometheus' text format."""


async def status(request: web.Request) -> web.Response:
    """Answer how the daemon is."""
    return json_answer((await request.app[CONTEXT].upkeep.status()).model_dump(mode="json"))


async def back_up(request: web.Request) -> web.Response:
    """Write a backup and answer when it is whole."""
    asked = await body_of(request, BackupBody)
    report = await request.app[CONTEXT].upkeep.back_up(FilePath(asked.path), replace=asked.replace)
    return json_answer(report.model_dump(mode="json"))


async def reload(request: web.Request) -> web.Response:
    """Read the settings anew and answer what has changed."""
    return json_answer(request.app[CONTEXT].upkeep.reload().model_dump(mode="json"))


async def metrics(request: web.Request) -> web.Response:
    """Answer the measures, for Prometheus."""
    text = request.app[CONTEXT].upkeep.metrics()
    return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
