"""``sidecar up``: runs the daemon in the foreground until it is told to stop."""

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from sidecar import __version__, limits
from sidecar.cli import exits
from sidecar.cli.display import Display
from sidecar.cli.down import stop_running
from sidecar.cli.places import Place
from sidecar.cli.talk import other_version, printable, store_option
from sidecar.errors import AlreadyRunningError, InvalidError, UnavailableError

if TYPE_CHECKING:
    from sidecar.config import Settings


class Start(NamedTuple):
    """What to run.

    Attributes:
        path: Watched besides what was watched before; None for no more than that.
        reload: Reads the settings anew.
    """

    settings: "Settings"
    path: Path | None
    reload: Callable[[], "Settings"]


@click.command
@click.argument("path", type=Place(path_type=Path), required=False)
@store_option
@click.option("--port", type=int, help="The port to listen on; 0 takes any free one.")
@click.option("--replace", is_flag=True, help="Stop the daemon that runs, of whatever version, and take its place.")
@click.option("--service", is_flag=True, help="Run as a login service does: watch what was watched before.")
@click.pass_context
def up(
    context: click.Context, /, path: Path | None, *, replace: bool, service: bool, **flags: str | int | None
) -> None:
    """Run the daemon and watch the folder PATH.

    Without PATH it is the folder that you are in. Ctrl-C stops it.
    """
    from sidecar import config
    from sidecar.daemon.logs import logging_to
    from sidecar.daemon.running import run

    if path is None and not service:
        path = Path()
    if path is not None and not os.path.isdir(path):  # noqa: PTH112 - unlike pathlib's, it answers for any name
        raise InvalidError(f"{path} is not a folder." if os.path.exists(path) else f"There is no folder {path}.")  # noqa: PTH110 - the same
    os.umask(0o077)  # what the daemon writes is its user's alone
    load = partial(config.load, flags)
    settings = load()
    if replace:
        stop_running(settings)
    start = Start(settings, path.resolve() if path is not None else None, load)
    with logging_to(settings.log_file, settings.log_level, debug=bool(context.obj)), ExitStack() as drain:
        run(_run(start, drain))


async def _run(start: Start, drain: ExitStack) -> None:
    """Serve until a signal comes; then everything is closed, within the time that ``drain`` gives."""
    from sidecar.daemon.lifecycle import deadline, stop_signals

    stop = asyncio.Event()
    display = Display()

    def begin_drain() -> None:
        drain.enter_context(deadline(limits.drain_seconds_max, _give_up))
        display.say("Stopping ...")
        stop.set()

    with stop_signals(begin_drain):
        try:
            await _serve(start, stop, display)
        except AlreadyRunningError as error:
            raise AlreadyRunningError(f"{error.message} {await _hint(start)}", details=error.details) from error
        except UnavailableError as error:
            if error.code != "port_taken":
                raise
            raise UnavailableError(await _who_has_the_port(error), code=error.code, details=error.details) from error
    display.say("Stopped.")


async def _serve(start: Start, stop: asyncio.Event, display: Display) -> None:
    from sidecar.clock import SystemClock
    from sidecar.daemon.lifecycle import run_until
    from sidecar.daemon.running import settle
    from sidecar.daemon.wiring import Daemon  # takes a moment, in which a signal is already heard

    settle()
    async with Daemon(start.settings, clock=SystemClock(), reload=start.reload) as daemon:
        display.say(f"Sidecar {__version__} serves {daemon.url}")
        work = [daemon.failed()]
        if start.path is not None:
            workspace = await daemon.watch(str(start.path))
            work.append(display.follow_scan(daemon, workspace))
        await run_until(stop, *work)


async def _hint(start: Start) -> str:
    """Say what can be done about a daemon that runs already, and whether it is of another version."""
    from sidecar import endpoint

    published = endpoint.find(start.settings.runtime_dirs)
    versions = {each.endpoint.version for each in published} - {__version__}
    if versions:
        return other_version(versions.pop())
    if start.path is None:
        return "`sidecar up --service --replace` takes its place."
    return f"`sidecar watch add {printable(str(start.path))}` has it watch this folder too."


async def _who_has_the_port(error: UnavailableError) -> str:
    """Say who listens on the port that we want, if it tells."""
    from sidecar.client import version_at

    host, port = error.details["host"], error.details["port"]
    version = await version_at(f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}")
    if version is None:
        return error.message
    return (
        f"Port {port} on {host} is taken by another Sidecar (version {version}), of another user or another home; "
        "choose another with --port."
    )


def _give_up() -> None:
    """End at once: something hangs. What was acknowledged is on disk, and a crash leaves nothing to clean."""
    click.echo(
        f"sidecar: Not everything ended within {limits.drain_seconds_max:.0f} s, so the rest was cut off.", err=True
    )
    os._exit(exits.FAILED)
