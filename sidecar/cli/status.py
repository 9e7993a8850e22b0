"""``sidecar status``: one screen about the running daemon."""

from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.talk import as_json_option, printable, size_text, talk, write_json

if TYPE_CHECKING:
    from sidecar.client import Client


@click.command
@as_json_option
def status(*, as_json: bool) -> None:
    """Show the running daemon and what it watches."""
    document = talk(_status)
    if as_json:
        write_json(document)
        return
    click.echo(f"Sidecar {document['version']} at {document['url']} (process {document['pid']})")
    for workspace in document["workspaces"]:
        click.echo(workspace_line(workspace))
        for warning in workspace["progress"]["warnings"]:
            click.echo(f"  warning: {printable(warning)}")
    if not document["workspaces"]:
        click.echo("It watches nothing yet; `sidecar watch PATH` adds a folder.")


async def _status(daemon: "Client") -> dict[str, Any]:
    workspaces = [workspace async for workspace in daemon.pages("/api/v5/workspaces")]
    return {**daemon.daemon._asdict(), "workspaces": workspaces}


def workspace_line(workspace: dict[str, Any]) -> str:
    """Return a workspace as one line for people."""
    progress = workspace["progress"]
    counts = f"{progress['files_seen']:,} files, {size_text(progress['bytes_hashed'])} read"
    return f"{progress['state']:<9} {printable(workspace['path'])}  ({counts})"
