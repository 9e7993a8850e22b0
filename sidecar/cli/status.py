"""``sidecar status``: one screen about the running daemon."""

from typing import TYPE_CHECKING, Any

import click

from sidecar import __version__
from sidecar.cli.talk import as_json_option, other_version, printable, size_text, talk, time_text, write_json

if TYPE_CHECKING:
    from sidecar.client import Client


@click.command
@as_json_option
def status(*, as_json: bool) -> None:
    """Show the running daemon: what it watches, its store, its clients, its versions, and what is wrong.

    Exits with 0 also when there are warnings.
    """
    document = talk(_status, tell_version=False)
    if as_json:
        write_json(document)
        return
    for line in _lines(document):
        click.echo(line)
    for warning in document["warnings"]:
        click.echo(f"{click.style('warning', fg='yellow')}: {printable(warning)}")


async def _status(daemon: "Client") -> dict[str, Any]:
    report = await daemon.machine_request("GET", "/api/v5/status")
    if report["version"] != __version__:
        report["warnings"].append(other_version(report["version"]))
    return {**report, **daemon.daemon._asdict()}


def _lines(document: dict[str, Any]) -> list[str]:
    store = document["store"]
    lines = [f"Sidecar {document['version']} at {document['url']} (process {document['pid']})"]
    for workspace in document["workspaces"]:
        lines.append(workspace_line(workspace))
        lines += [f"  warning: {printable(warning)}" for warning in workspace["progress"]["warnings"]]
    if not document["workspaces"]:
        lines.append("It watches nothing yet; `sidecar watch PATH` adds a folder.")
    size = "" if store["used_bytes"] is None else f"  ({size_text(store['used_bytes'])})"
    lag = "" if document["feed_lag_ms"] is None else f", told {document['feed_lag_ms']:.0f} ms after the last commit"
    memory = "" if document["resident_bytes"] is None else f", {size_text(document['resident_bytes'])} of memory"
    files = "" if document["open_files"] is None else f", {document['open_files']} open files"
    counts = f"{document['requests']:,} requests, {store['commits']:,} commits, {store['conflicts']:,} conflicts"
    return [
        *lines,
        f"store     {printable(store['url'])}{size}",
        f"clients   {document['clients']} follow changes{lag}",
        f"since     {time_text(document['started_at_ms'])}: {counts}{memory}{files}",
        f"log       {printable(document['log_file'])}",
    ]


def workspace_line(workspace: dict[str, Any]) -> str:
    """Return a workspace as one line for people."""
    progress = workspace["progress"]
    counts = f"{progress['files_seen']:,} files, {size_text(progress['bytes_hashed'])} read"
    return f"{progress['state']:<9} {printable(workspace['path'])}  ({counts})"
