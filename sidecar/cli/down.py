"""``sidecar down``: stops the running daemon."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidecar import limits
from sidecar.cli.help import Command
from sidecar.cli.talk import talk
from sidecar.errors import ForbiddenError, SidecarError, UnavailableError

if TYPE_CHECKING:
    from sidecar.client import Client
    from sidecar.config import Settings


@click.command(cls=Command)
def down() -> None:
    """Stop the running daemon.

    It finishes what it has begun, and ends within seconds.
    """
    from sidecar import config

    settings = config.load()
    _stop(talk(_proved_pid, tell_version=False), settings.data_dir)


def stop_running(settings: "Settings") -> None:
    """Stop the daemon that holds the data folder and wait for its end; nothing when there is none."""
    from sidecar.daemon.lifecycle import is_held

    if is_held(settings.data_dir):
        _stop(talk(_proved_pid, tell_version=False), settings.data_dir)


def _stop(pid: int, data_dir: Path) -> None:
    ask_to_stop(pid)
    if not has_stopped(data_dir):
        raise UnavailableError(f"Process {pid} has not stopped within {limits.stop_wait_seconds_max:.0f} s.")
    click.echo(f"Stopped the daemon (process {pid}).")


async def _proved_pid(daemon: "Client") -> int:
    """Return the pid from endpoint.json; the client has made sure that the daemon which wrote it still answers."""
    return daemon.daemon.pid


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
