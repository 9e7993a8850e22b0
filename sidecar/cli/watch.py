"""``sidecar watch PATH``: has the running daemon watch one more folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.status import workspace_line
from sidecar.cli.talk import as_json_option, talk, write_json

if TYPE_CHECKING:
    from sidecar.client import Client


@click.command
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json_option
def watch(path: Path, *, as_json: bool) -> None:
    """Have the running daemon watch the folder PATH, now and after every start."""
    folder = str(path.resolve())

    async def add(daemon: "Client") -> dict[str, Any]:
        return await daemon.request("POST", "/api/v5/workspaces", body={"path": folder})

    workspace = talk(add)
    if as_json:
        write_json(workspace)
    else:
        click.echo(workspace_line(workspace))
