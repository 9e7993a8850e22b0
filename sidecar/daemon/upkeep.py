"""The daemon about itself: what ``status`` and ``/metrics`` tell, backups, and settings read anew."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sidecar import __version__
from sidecar.api.upkeep import BackupReport, ReloadReport, StatusReport, StoreReport, WorkspaceReport
from sidecar.config import Settings
from sidecar.daemon.health import Health, open_files, open_files_max
from sidecar.daemon.logs import lines_lost, set_level
from sidecar.daemon.loop_watch import LoopWatch
from sidecar.errors import ConflictError, InvalidError
from sidecar.feed.progress import ProgressBoard
from sidecar.metrics import Metrics, Sample
from sidecar.repositories.transactions import Database
from sidecar.store import backup

log = logging.getLogger(__name__)

RELOADABLE = frozenset({"log_level"})


class Parts(NamedTuple):
    """The parts of a daemon that are looked at.

    Attributes:
        tasks: Returns how many background tasks run.
        ring: Returns how many changes the feeds hold in memory.
        reload: Reads the settings anew, as the daemon's start did.
    """

    database: Database
    metrics: Metrics
    progress: ProgressBoard
    loop_watch: LoopWatch
    health: Health
    tasks: Callable[[], int]
    ring: Callable[[], int]
    reload: Callable[[], Settings]


class DaemonUpkeep:
    """Keeps what ``api.upkeep.Upkeep`` promises.

    Args:
        settings: In force since the start.
        parts: What is looked at.
    """

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._started_at_ms = parts.database.clock.now_ms()
        parts.metrics.collect(self._samples)

    async def status(self) -> StatusReport:
        """Look at everything."""
        settings, (database, metrics) = self._settings, self._parts[:2]
        return StatusReport(
            version=__version__,
            pid=os.getpid(),
            started_at_ms=self._started_at_ms,
            config_file=str(settings.config_file),
            log_file=str(settings.log_file),
            store=StoreReport(
                url=settings.store,
                epoch=database.engine.epoch,
                used_bytes=_used_bytes(database),
                commits=int(metrics.value("commits_total")),
                conflicts=int(metrics.value("conflicts_total")),
            ),
            workspaces=[
                WorkspaceReport(
                    id=note.workspace_id, tenant_id=note.tenant_id, path=note.workspace_path, progress=note.progress
                )
                for note in self._parts.progress.notes()
            ],
            clients=int(metrics.value("feed_subscribers")),
            feed_lag_ms=metrics.last_ms("feed_lag_seconds"),
            requests=int(metrics.value("requests_total")),
            resident_bytes=resident_bytes(),
            open_files=open_files(),
            warnings=self._parts.health.look(),
        )

    async def back_up(self, path: Path, *, replace: bool) -> BackupReport:
        """Write a backup of the whole store, which is read again before it takes its place, and tell what it holds."""
        if not path.is_absolute():
            raise InvalidError(f"{path} is not an absolute path.", code="invalid_path")
        await asyncio.to_thread(_check_free, path, replace=replace)
        rows = await self._parts.database.engine.backup(path)
        size = (await asyncio.to_thread(path.stat)).st_size
        log.info("Backup written.", extra={"path": str(path), "rows": rows})
        return BackupReport(path=str(path), rows=rows, bytes=size)

    def reload(self) -> ReloadReport:
        """Read the settings anew; what can change now does, the rest waits for a restart."""
        new, old = self._parts.reload(), self._settings
        changed = sorted(name for name in RELOADABLE if getattr(new, name) != getattr(old, name))
        waiting = sorted(
            name
            for name in Settings.model_fields
            if name not in RELOADABLE and getattr(new, name) != getattr(old, name)
        )
        set_level(new.log_level)
        self._settings = old.model_copy(update={name: getattr(new, name) for name in RELOADABLE})
        log.info("Settings read anew.", extra={"changed": changed, "after_restart": waiting})
        return ReloadReport(changed=changed, after_restart=waiting)

    def metrics(self) -> str:
        """Return the measures in Prometheus' text format."""
        return self._parts.metrics.render()

    def _samples(self) -> Iterator[Sample]:
        parts = self._parts
        yield from _store_samples(parts.database)
        yield Sample("feed_ring_changes", parts.ring())
        yield Sample("tasks", parts.tasks())
        yield from _scan_samples(parts.progress)
        yield Sample("loop_stuck_total", parts.loop_watch.stuck_times)
        yield Sample("log_lines_lost_total", lines_lost())
        yield Sample("start_time_seconds", self._started_at_ms / 1000)
        for name, value in (
            ("open_files", open_files()),
            ("open_files_max", open_files_max()),
            ("resident_bytes", resident_bytes()),
        ):
            if value is not None:
                yield Sample(name, value)


def _check_free(path: Path, *, replace: bool) -> None:
    """Raise ConflictError when something is at a path that a backup would destroy."""
    if not path.exists():
        return
    if not replace:
        raise ConflictError(f"There is a file {path} already; it is only replaced when that is asked for.")
    if not backup.is_backup(path):
        raise ConflictError(f"{path} is no backup of Sidecar's, so it is not replaced; name another file.")


def _store_samples(database: Database) -> Iterator[Sample]:
    statistics = getattr(database.engine, "statistics", None)
    if statistics is not None:  # the embedded engine measures itself; a cluster has tools of its own
        for name, value in statistics().items():
            yield Sample(f"store_{name}", value)


def _used_bytes(database: Database) -> int | None:
    return next((int(each.value) for each in _store_samples(database) if each.name == "store_used_bytes"), None)


def _scan_samples(board: ProgressBoard) -> Iterator[Sample]:
    notes = board.notes()
    states: dict[str, int] = {}
    for note in notes:
        states[note.progress.state] = states.get(note.progress.state, 0) + 1
    for state, count in states.items():
        yield Sample("workspaces", count, (("state", state),))
    files, hashed_bytes, seconds = (
        sum(note.progress.files_seen for note in notes),
        sum(note.progress.bytes_hashed for note in notes),
        sum(note.progress.seconds for note in notes),
    )
    yield Sample("scan_files", files)
    yield Sample("scan_hashed_files", sum(note.progress.files_hashed for note in notes))
    yield Sample("scan_hashed_bytes", hashed_bytes)
    yield Sample("scan_seconds", seconds)
    yield Sample("scan_files_per_second", files / seconds if seconds else 0)
    yield Sample("scan_hashed_bytes_per_second", hashed_bytes / seconds if seconds else 0)


def resident_bytes() -> int | None:
    """Return the memory that this process holds, where the system tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
