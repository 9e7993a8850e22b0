"""``sidecar down``: stops the running daemon."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidecar import limits
from sidecar.cli.help import Command
from sidecar.cli.talk import silent_holder
from sidecar.errors import ForbiddenError, InvalidError, SidecarError, UnavailableError

if TYPE_CHECKING:
    from sidecar.config import Settings
    from sidecar.endpoint import Endpoint


@click.command(cls=Command)
def down() -> None:
    """Stop the running daemon.

    It finishes what it has begun, and ends within seconds.
    """
    from sidecar import config

    nobody = stop_running(config.load())
    if nobody is not None:
        raise nobody


def stop_running(settings: "Settings") -> SidecarError | None:
    """Stop the daemon that runs, whatever its data folder is, and wait for its end; return why there is none to stop.

    Who holds the data folder and does not answer may just start or stop: it is waited for.

    Raises:
        UnavailableError: It does not stop, or it never answers.
    """
    deadline = time.monotonic() + limits.stop_wait_seconds_max
    silent: UnavailableError | None = None
    while True:
        try:
            daemon = asyncio.run(_running(settings.runtime_dirs))
        except SidecarError as error:
            nobody = error
        else:
            _stop(daemon.pid, Path(daemon.data_dir) if daemon.data_dir else settings.data_dir)
            return None
        before, silent = silent, silent_holder(settings)
        if silent is None and before is not None:
            click.echo("The daemon has stopped by itself.")
            return None
        if silent is None:
            return nobody
        if not isinstance(nobody, UnavailableError):
            raise nobody
        if time.monotonic() > deadline:
            raise silent from nobody
        time.sleep(limits.stop_poll_seconds)


async def _running(folders: Sequence[Path]) -> "Endpoint":
    """Return the daemon that has proved itself and holds the lock that it names: its pid may be given a signal."""
    from sidecar import client, endpoint

    trouble: SidecarError | None = None
    for folder in [each.folder for each in endpoint.find(folders)] or folders:
        try:
            async with client.connect([folder]) as daemon:
                found = daemon.daemon
        except (UnavailableError, ForbiddenError, InvalidError) as error:
            trouble = trouble or error
            continue
        if _holds_its_lock(found):
            return found
        trouble = trouble or UnavailableError(
            f"{folder} names process {found.pid}, which has ended.", code="not_running"
        )
    raise trouble or UnavailableError("No daemon is running.", code="not_running")


def _holds_its_lock(daemon: "Endpoint") -> bool:
    """Tell whether a process is the daemon that it was; an older version does not name its lock."""
    from sidecar.daemon.lifecycle import is_held, last_holder

    folder = Path(daemon.data_dir) if daemon.data_dir else None
    return folder is None or (is_held(folder) and last_holder(folder) == daemon.pid)


def _stop(pid: int, data_dir: Path) -> None:
    ask_to_stop(pid)
    if not has_stopped(data_dir):
        raise UnavailableError(f"Process {pid} has not stopped within {limits.stop_wait_seconds_max:.0f} s.")
    click.echo(f"Stopped the daemon (process {pid}).")


if sys.platform == "win32":
    _STOP_SIGNAL = signal.CTRL_BREAK_EVENT
else:
    _STOP_SIGNAL = signal.SIGTERM


def ask_to_stop(pid: int) -> None:
    """Send a process the signal that a daemon drains at; one that has just ended needs none."""
    try:
        os.kill(pid, _STOP_SIGNAL)
    except ProcessLookupError:
        return  # it has just ended by itself
    except PermissionError as error:
        raise ForbiddenError(f"Process {pid} belongs to another user.") from error
    except OSError as error:
        raise SidecarError(f"Process {pid} can not be stopped: {error.strerror}.", code="unavailable") from error


def has_stopped(data_dir: Path) -> bool:
    """Wait until the daemon's lock is free, which is the last thing that it gives back."""
    from sidecar.daemon.lifecycle import is_held

    deadline = time.monotonic() + limits.stop_wait_seconds_max
    while is_held(data_dir):
        if time.monotonic() > deadline:
            return False
        time.sleep(limits.stop_poll_seconds)
    return True
