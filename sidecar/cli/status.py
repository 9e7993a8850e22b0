"""``sidecar status``: one screen about the running daemon."""

from typing import TYPE_CHECKING, Any

import click

from sidecar import __version__
from sidecar.cli.help import Command
from sidecar.cli.talk import as_json_option, other_version, printable, size_text, styled, talk, time_text, write_json
from sidecar.errors import SidecarError

if TYPE_CHECKING:
    from sidecar.client import Client

_STATE_COLORS = {"watching": "green", "scanning": "cyan", "polling": "yellow", "frozen": "red", "stopped": "red"}


@click.command(cls=Command)
@as_json_option
def status(*, as_json: bool) -> None:
    """Show the running daemon on one screen, and what is wrong.

    Exits with 0 also when there are warnings.
    """
    document = talk(status_of, tell_version=False)
    if as_json:
        write_json(document)
        return
    for line in _lines(document):
        click.echo(line)
    for warning in document["warnings"]:
        click.echo(f"{styled('warning', 'yellow')}: {printable(warning)}")


async def status_of(daemon: "Client") -> dict[str, Any]:
    """Return all that the status shows."""
    report = await daemon.machine_request("GET", "/api/v5/status")
    if report["version"] != __version__:
        report["warnings"].append(other_version(report["version"]))
    try:
        login = _login()
    except SidecarError as error:
        login = None
        report["warnings"].append(error.message)
    return {**report, **daemon.daemon._asdict(), "login": login}


def _login() -> str | None:
    """Return whose login other commands use, if not the machine's own."""
    from sidecar import config
    from sidecar.cli.login_file import LoginFile

    kept = LoginFile.of(config.load()).load()
    return None if kept is None else kept.email


def _lines(document: dict[str, Any]) -> list[str]:
    store = document["store"]
    lines = [f"Sidecar {document['version']} at {document['url']} (process {document['pid']})"]
    for workspace in document["workspaces"]:
        lines += workspace_lines(workspace)
    if not document["workspaces"]:
        lines.append("It watches nothing yet; `sidecar watch add PATH` adds a folder.")
    size = "" if store["used_bytes"] is None else f"  ({size_text(store['used_bytes'])})"
    lag = "" if document["feed_lag_ms"] is None else f", told {document['feed_lag_ms']:.0f} ms after the last commit"
    memory = "" if document["resident_bytes"] is None else f", {size_text(document['resident_bytes'])} of memory"
    files = "" if document["open_files"] is None else f", {document['open_files']} open files"
    counts = f"{document['requests']:,} requests, {store['commits']:,} commits, {store['conflicts']:,} conflicts"
    lines += [
        f"store     {printable(store['url'])}{size}",
        f"clients   {document['clients']} follow changes{lag}",
        f"since     {time_text(document['started_at_ms'])}: {counts}{memory}{files}",
        f"log       {printable(document['log_file'])}",
    ]
    if document["login"]:
        lines.append(
            f"logged in {printable(document['login'])}; `sidecar logout` makes you the machine's own user again"
        )
    return lines


def workspace_lines(workspace: dict[str, Any]) -> list[str]:
    """Return a watched folder as lines for people: how far it is, and what is wrong."""
    progress = workspace["progress"]
    state = styled(progress["state"].ljust(9), _STATE_COLORS.get(progress["state"], "yellow"))
    first = f"{state} {printable(workspace['path'])}  ({_counts(progress)})"
    return [first, *(f"  {styled('warning', 'yellow')}: {printable(warning)}" for warning in progress["warnings"])]


def _counts(progress: dict[str, Any]) -> str:
    read = f"{size_text(progress['bytes_hashed'])} read"
    if progress["state"] != "scanning":
        return f"{progress['files_seen']:,} files, {read}"
    expected = max(progress["files_seen"], progress["files_expected"] or 0)
    left = "" if progress["seconds_left"] is None else f", about {max(progress['seconds_left'], 1):.0f} s left"
    known = f"{progress['files_indexed']:,} of {expected:,} files" if expected else "it has just begun"
    return f"{known}, {read}{left}"
