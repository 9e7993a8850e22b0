"""``sidecar files``: lists what the index holds."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.talk import as_json_option, printable, talk, write_json

if TYPE_CHECKING:
    from sidecar.client import Client


@click.command
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Only files of this watched folder, shown relative to it.",
)
@click.option("--prefix", default="", help="Only paths that begin so; needs --workspace.")
@click.option("--deleted", is_flag=True, help="Also files that are gone; they are marked with a minus.")
@as_json_option
def files(*, workspace: Path | None, prefix: str, deleted: bool, as_json: bool) -> None:
    """List the indexed files: checksum (SHA-256) and path."""
    asked = {"limit": "1000"}
    if workspace is not None:
        asked["workspace_path"] = str(workspace.resolve())
    if prefix:
        asked["prefix"] = prefix
    if deleted:
        asked["include_deleted"] = "true"

    async def show(daemon: "Client") -> None:
        async for file in daemon.pages("/api/v5/files", asked):
            if as_json:
                write_json(file)
            else:
                sys.stdout.write(_line(file, is_relative=workspace is not None) + "\n")  # echo would flush each

    talk(show)


def _line(file: dict[str, Any], *, is_relative: bool) -> str:
    path = file["file_path"] if is_relative else f"{file['workspace_path']}/{file['file_path']}"
    mark = "-" if file["is_deleted"] else " "
    return f"{file['checksum']:<64} {mark}{printable(path)}"
