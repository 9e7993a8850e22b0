"""``sidecar service``: starts the daemon at every login, by what the platform has for that."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidecar import limits
from sidecar.cli import exits
from sidecar.cli.log_lines import last_lines
from sidecar.cli.talk import as_json_option, printable, write_json

if TYPE_CHECKING:
    from sidecar.config import Settings


@click.group
def service() -> None:
    """Start the daemon at every login.

    By what the platform has for that: systemd, launchd or a logon task.
    """


@service.command
@click.option("--no-start", is_flag=True, help="Only at the next login, not now.")
def install(*, no_start: bool) -> None:
    """Install the login service and start it.

    Again after an upgrade or a move, which repairs it. It starts this very program, with the SIDECAR_* and XDG_*_HOME
    variables that are set now.
    """
    from sidecar import config
    from sidecar.cli.login_services import platform_service
    from sidecar.daemon.lifecycle import is_held

    settings = config.load()
    login_service = platform_service()
    before = login_service.report()
    can_start = login_service.install()
    click.echo(f"Installed {printable(str(before.file))}; it starts the daemon at every login.")
    if no_start:
        return
    if not can_start:
        click.echo("No service manager can be asked to start it now; `sidecar up` runs the daemon until then.")
    elif is_held(settings.data_dir) and not before.running:
        click.echo("A daemon runs already, and not as the service: it goes on. `sidecar down` and a login change that.")
    else:
        login_service.start()
        click.echo("Started.")


@service.command
def uninstall() -> None:
    """Stop the login service and remove all of it.

    Your data and settings stay.
    """
    from sidecar import config
    from sidecar.cli.login_services import platform_service

    removed = platform_service().uninstall()
    for path in removed:
        click.echo(f"Removed {printable(str(path))}.")
    if not removed:
        click.echo("No login service is installed.")
    left = [folder for folder in _folders(config.load()) if os.path.exists(folder)]  # noqa: PTH110 - unlike pathlib's, it answers for any folder
    if left:
        click.echo("These stay, and are yours to keep or to delete:")
        for folder in left:
            click.echo(f"  {printable(str(folder))}")


def _folders(settings: "Settings") -> list[Path]:
    """Return every folder that Sidecar may have made."""
    from sidecar.cli.login_services.command import unpacked_in

    folders = [settings.data_dir, settings.state_dir, settings.log_dir, settings.config_dir, *settings.runtime_dirs]
    unpacked = unpacked_in()
    return list(dict.fromkeys(folders if unpacked is None else [*folders, unpacked]))


@service.command
@as_json_option
def status(*, as_json: bool) -> int:
    """Tell whether the login service is installed and runs.

    And whether it starts this very program.

    Exits with 3 when it is not installed.
    """
    from sidecar.cli.login_services import platform_service
    from sidecar.cli.login_services.port import Installed

    report = platform_service().report()
    if as_json:
        write_json({"installed": report.installed, "file": str(report.file), "running": report.running})
    else:
        running = {True: "runs", False: "does not run", None: "no service manager can be asked whether it runs"}
        meaning = {
            Installed.NO: "not installed; `sidecar service install` does that",
            Installed.CURRENT: f"installed; {running[report.running]}",
            Installed.OUTDATED: f"starts another program or version; `sidecar service install` repairs it; "
            f"{running[report.running]}",
        }
        click.echo(f"{printable(str(report.file))}: {meaning[report.installed]}")
    return exits.NOT_RUNNING if report.installed is Installed.NO else exits.DONE


@service.command
@click.option("--lines", "-n", default=50, show_default=True, type=click.IntRange(1, limits.log_lines_shown_max))
@as_json_option
def logs(*, lines: int, as_json: bool) -> None:
    """Show the last lines of the daemon's log."""
    from sidecar import config

    for line in last_lines(config.load().log_file, lines):
        click.echo(_as_json(line) if as_json else _readable(line))


def _as_json(line: str) -> str:
    """Return a line that is one JSON object, also for one that a crash has cut off."""
    try:
        is_whole = isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        is_whole = False
    return line if is_whole else json.dumps({"message": line})


def _readable(line: str) -> str:
    try:
        record = json.loads(line)
        shown = f"{record['time']} {record['level']:<7} {record['logger']} {printable(record['message'])}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return printable(line)  # cut off by a crash
    more = {k: v for k, v in record.items() if k not in ("time", "level", "logger", "process", "message", "traceback")}
    shown += "".join(f" {key}={printable(str(value))}" for key, value in more.items())
    trace = "".join(f"\n    {printable(each)}" for each in record.get("traceback", "").splitlines())
    return shown + trace
