"""``sidecar up``: runs the daemon in the foreground until it is told to stop."""

import asyncio
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidecar import __version__, limits
from sidecar.cli import exits
from sidecar.cli.display import Display
from sidecar.cli.talk import printable
from sidecar.errors import AlreadyRunningError, InvalidError

if TYPE_CHECKING:
    from sidecar.config import Settings


@click.command
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--store", help="Where records are kept: embedded:FOLDER or fdb:CLUSTER_FILE.")
@click.option("--port", type=int, help="The port to listen on; 0 takes any free one.")
@click.pass_context
def up(context: click.Context, path: Path, *, store: str | None, port: int | None) -> None:
    """Run the daemon and have it watch the folder PATH (default: the current one). Ctrl-C stops it."""
    from sidecar import config
    from sidecar.daemon.logs import logging_to

    if not path.is_dir():
        raise InvalidError(f"{path} is not a folder." if path.exists() else f"There is no folder {path}.")
    settings = config.load({"store": store, "port": port})
    with logging_to(settings.log_file, settings.log_level, debug=bool(context.obj)), ExitStack() as drain:
        asyncio.run(_run(settings, path.resolve(), drain))


async def _run(settings: "Settings", path: Path, drain: ExitStack) -> None:
    """Serve until a signal comes; then everything is closed, within the time that ``drain`` gives."""
    from sidecar.clock import SystemClock
    from sidecar.daemon.lifecycle import deadline, run_until, stop_signals

    stop = asyncio.Event()
    display = Display()

    def begin_drain() -> None:
        drain.enter_context(deadline(limits.drain_seconds_max, _give_up))
        display.say("Stopping ...")
        stop.set()

    with stop_signals(begin_drain):
        from sidecar.daemon.wiring import Daemon  # takes a moment, in which a signal is already heard

        try:
            async with Daemon(settings, clock=SystemClock()) as daemon:
                display.say(f"Sidecar {__version__} serves {daemon.url}")
                workspace = await daemon.watch(str(path))
                await run_until(stop, daemon.failed(), display.follow_scan(daemon, workspace))
        except AlreadyRunningError as error:
            hint = f"`sidecar watch {printable(str(path))}` has it watch this folder too."
            raise AlreadyRunningError(f"{error.message} {hint}", details=error.details) from error
    display.say("Stopped.")


def _give_up() -> None:
    """End at once: something hangs. What was acknowledged is on disk, and a crash leaves nothing to clean."""
    click.echo(
        f"sidecar: Not everything ended within {limits.drain_seconds_max:.0f} s, so the rest was cut off.", err=True
    )
    os._exit(exits.FAILED)
