"""``sidecar sessions``: the sessions that editors keep, their history, and going back in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.talk import as_json_option, printable, talk, write_json

if TYPE_CHECKING:
    from sidecar.client import Client, JsonObject

_PATH = "/api/v5/sessions"


@click.group
def sessions() -> None:
    """Look at sessions and their history, fork them, and go back."""


@sessions.command("list")
@click.option("--workspace", type=click.Path(path_type=Path), help="Only sessions of this folder.")
@click.option("--tag", help="Only sessions with this tag.")
@as_json_option
def list_(*, workspace: Path | None, tag: str | None, as_json: bool) -> None:
    """List sessions: id, time of the last change, name, branch, folder."""
    asked = {"workspace_path": str(workspace.resolve())} if workspace is not None else {}
    if tag:
        asked["tag"] = tag

    async def show_all(daemon: "Client") -> None:
        async for session in daemon.pages(_PATH, asked):
            write_json(session) if as_json else click.echo(_line(session))

    talk(show_all)


@sessions.command
@click.argument("session")
@as_json_option
def show(session: str, *, as_json: bool) -> None:
    """Show the session with the id SESSION, and its snapshots, newest first; as JSON with its whole state."""
    document = talk(lambda daemon: _whole(daemon, session))
    if as_json:
        write_json(document)
        return
    click.echo(_line(document))
    for tag in document["tags"]:
        click.echo(f"  tag       {printable(tag)}")
    for snapshot in document["snapshots"]:
        label = f"  {snapshot['label']}" if snapshot["label"] else ""
        click.echo(
            f"  snapshot  {snapshot['id']}  {snapshot['created_at'][:19]}  {snapshot['reason']}{printable(label)}"
        )


async def _whole(daemon: "Client", session: str) -> "JsonObject":
    document = await daemon.request("GET", f"{_PATH}/{session}")
    return {**document, "snapshots": [each async for each in daemon.pages(f"{_PATH}/{session}/snapshots")]}


@sessions.command
@click.argument("session")
@click.option("--name", help="Of the new session; its parent's by default.")
@as_json_option
def fork(session: str, *, name: str | None, as_json: bool) -> None:
    """Make a new session that begins where SESSION is."""
    body = {"name": name} if name else {}
    _tell(talk(lambda daemon: daemon.request("POST", f"{_PATH}/{session}/fork", body=body)), as_json=as_json)


@sessions.command
@click.argument("session")
@click.argument("snapshot")
@as_json_option
def restore(session: str, snapshot: str, *, as_json: bool) -> None:
    """Bring SESSION back to SNAPSHOT; what it replaces is kept as a snapshot first."""
    body = {"snapshot_id": snapshot}
    _tell(talk(lambda daemon: daemon.request("POST", f"{_PATH}/{session}/restore", body=body)), as_json=as_json)


@sessions.command
@click.argument("session")
@click.argument("before")
@click.argument("after", required=False)
@as_json_option
def diff(session: str, before: str, after: str | None, *, as_json: bool) -> None:
    """Show what has changed in SESSION from the snapshot BEFORE to AFTER, or to now."""
    asked = {"from_id": before} | ({"to_id": after} if after else {})
    found = talk(lambda daemon: daemon.request("GET", f"{_PATH}/{session}/snapshots/diff", params=asked))
    if as_json:
        write_json(found)
        return
    for line in found["text"].splitlines():
        click.echo(printable(line))
    if found["is_cut"]:
        click.echo("There are more changes than can be shown.")


def _tell(session: dict[str, Any], *, as_json: bool) -> None:
    write_json(session) if as_json else click.echo(_line(session))


def _line(session: dict[str, Any]) -> str:
    branch = f" [{session['git_branch']}]" if session["git_branch"] else ""
    place = f"{session['name']}{branch}  {session['workspace_path']}"
    return f"{session['id']}  {session['last_active_at'][:19]}  {printable(place)}"
