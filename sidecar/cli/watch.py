"""``sidecar watch``: the folders that the daemon watches."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar import limits
from sidecar.cli.help import Group
from sidecar.cli.places import Place
from sidecar.cli.records import WORKSPACE, chosen, completed, is_beginning, show_all
from sidecar.cli.status import workspace_lines
from sidecar.cli.talk import as_json_option, printable, talk, write_json

if TYPE_CHECKING:
    from sidecar.client import Client


@click.group(cls=Group)
def watch() -> None:
    """Choose the folders that the daemon watches."""


@watch.command(examples=["sidecar watch add .", "sidecar watch add ~/projects/demo"])
@click.argument("path", type=Place(exists=True, file_okay=False, path_type=Path))
@as_json_option
def add(path: Path, *, as_json: bool) -> None:
    """Watch the folder PATH, now and after every start.

    The first scan goes on in the daemon; `sidecar watch list` shows how far it is.
    """
    folder = str(path.resolve())

    async def post(daemon: "Client") -> dict[str, Any]:
        return await daemon.request("POST", WORKSPACE.path, body={"path": folder})

    _tell(talk(post), as_json=as_json)


@watch.command("list")
@as_json_option
def list_(*, as_json: bool) -> None:
    """List the watched folders and how far their indexes are."""
    show_all(WORKSPACE.path, lambda workspace: "\n".join(workspace_lines(workspace)), as_json=as_json)


@watch.command(examples=["sidecar watch rm ~/projects/demo"])
@click.argument(
    "path", type=Place(), shell_complete=completed(WORKSPACE, lambda item: (item["path"], item["progress"]["state"]))
)
@as_json_option
def rm(path: str, *, as_json: bool) -> None:
    """Stop watching the folder PATH; what is known of it is kept.

    A folder that is gone can be named as it is listed, or by the beginning of its id.
    """
    places = {path, os.path.realpath(path), os.path.abspath(path)}  # noqa: PTH100 - of one that is gone, or was a link

    async def remove(daemon: "Client") -> dict[str, Any]:
        workspace = await _watched(daemon, path, places)
        await daemon.request("DELETE", f"{WORKSPACE.path}/{workspace['id']}")
        return workspace

    workspace = talk(remove)
    if as_json:
        write_json(workspace)
    else:
        click.echo(f"No longer watching {printable(workspace['path'])}; what is known of it is kept.")


async def _watched(daemon: "Client", given: str, places: set[str]) -> dict[str, Any]:
    """Return the watched folder of a path, or of an id or its beginning."""
    listed = daemon.pages(WORKSPACE.path, {"limit": str(limits.page_items_max)})
    all_of_them = {each["id"]: each async for each in listed}
    found = [id_ for id_, each in all_of_them.items() if each["path"] in places]
    if not found and is_beginning(given):
        found = [id_ for id_ in all_of_them if id_.startswith(given)]
    return all_of_them[chosen(found, WORKSPACE, given)]


def _tell(workspace: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        write_json(workspace)
        return
    for line in workspace_lines(workspace):
        click.echo(line)
