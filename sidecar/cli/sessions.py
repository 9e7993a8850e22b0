"""``sidecar sessions``: the sessions that editors keep, their history, and going back in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from sidecar.cli.help import Group
from sidecar.cli.places import Place
from sidecar.cli.records import SESSION, Kind, completed, full_id, record_argument, show_all
from sidecar.cli.talk import as_json_option, printable, talk, when_text, write_json
from sidecar.errors import InvalidError

if TYPE_CHECKING:
    from sidecar.client import Client, JsonObject

_PATH = SESSION.path
_session_argument = record_argument("session", SESSION)


def _snapshot_of(session: str) -> Kind:
    return Kind("snapshot of this session", f"{_PATH}/{session}/snapshots", "label")


_complete_snapshot = completed(
    lambda given: _snapshot_of(given["session"]) if given.get("session") else None,
    lambda item: (item["id"], f"{when_text(item['created_at'])} {item['label'] or item['reason']}"),
)


@click.group(cls=Group)
def sessions() -> None:
    """Look at sessions and their history, go back, take along.

    A SESSION or SNAPSHOT is named by its id; the beginning is enough.
    """


@sessions.command("list", examples=["sidecar sessions list", "sidecar sessions list --workspace . --json"])
@click.option("--workspace", type=Place(readable=False, path_type=Path), help="Only sessions of this folder.")
@click.option("--tag", help="Only sessions with this tag.")
@as_json_option
def list_(*, workspace: Path | None, tag: str | None, as_json: bool) -> None:
    """List sessions, newest first.

    A line each: id, time of the last change, name, branch, folder.
    """
    asked = {"workspace_path": str(workspace.resolve())} if workspace is not None else {}
    if tag:
        asked["tag"] = tag
    show_all(_PATH, _line, as_json=as_json, asked=asked)


@sessions.command(examples=["sidecar sessions show 01890a5d", "sidecar sessions show 01890a5d --json"])
@_session_argument
@as_json_option
def show(session: str, *, as_json: bool) -> None:
    """Show SESSION and its snapshots, newest first.

    As JSON with its whole state.
    """
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
            f"  snapshot  {snapshot['id']}  {when_text(snapshot['created_at'])}  {snapshot['reason']}{printable(label)}"
        )


async def _whole(daemon: "Client", given: str) -> "JsonObject":
    session = await full_id(daemon, SESSION, given)
    document = await daemon.request("GET", f"{_PATH}/{session}")
    return {**document, "snapshots": [each async for each in daemon.pages(f"{_PATH}/{session}/snapshots")]}


@sessions.command(examples=['sidecar sessions fork 01890a5d --name "Another way"'])
@_session_argument
@click.option("--name", help="Of the new session; its parent's by default.")
@as_json_option
def fork(session: str, *, name: str | None, as_json: bool) -> None:
    """Make a new session that begins where SESSION is."""
    body = {"name": name} if name else {}

    async def post(daemon: "Client") -> "JsonObject":
        identifier = await full_id(daemon, SESSION, session)
        return await daemon.request("POST", f"{_PATH}/{identifier}/fork", body=body)

    _tell(talk(post), as_json=as_json)


@sessions.command(examples=["sidecar sessions restore 01890a5d 01890b12"])
@_session_argument
@click.argument("snapshot", shell_complete=_complete_snapshot)
@as_json_option
def restore(session: str, snapshot: str, *, as_json: bool) -> None:
    """Bring SESSION back to SNAPSHOT.

    What that replaces is kept as a snapshot first.
    """

    async def post(daemon: "Client") -> "JsonObject":
        identifier = await full_id(daemon, SESSION, session)
        body = {"snapshot_id": await full_id(daemon, _snapshot_of(identifier), snapshot)}
        return await daemon.request("POST", f"{_PATH}/{identifier}/restore", body=body)

    _tell(talk(post), as_json=as_json)


@sessions.command(
    examples=["sidecar sessions diff 01890a5d 01890b12", "sidecar sessions diff 01890a5d 01890b12 01890c77"]
)
@_session_argument
@click.argument("before", shell_complete=_complete_snapshot)
@click.argument("after", required=False, shell_complete=_complete_snapshot)
@as_json_option
def diff(session: str, before: str, after: str | None, *, as_json: bool) -> None:
    """Show what has changed in SESSION since a snapshot.

    From the snapshot BEFORE to the snapshot AFTER, or to now.
    """

    async def compare(daemon: "Client") -> "JsonObject":
        identifier = await full_id(daemon, SESSION, session)
        snapshots = _snapshot_of(identifier)
        asked = {"from_id": await full_id(daemon, snapshots, before)}
        if after:
            asked["to_id"] = await full_id(daemon, snapshots, after)
        return await daemon.request("GET", f"{snapshots.path}/diff", params=asked)

    found = talk(compare)
    if as_json:
        write_json(found)
        return
    for line in found["text"].splitlines():
        click.echo(printable(line))
    if found["is_cut"]:
        click.echo("There are more changes than can be shown.")


@sessions.command(
    examples=[
        "sidecar sessions export > everything.jsonl",
        "sidecar sessions export 01890a5d --output session.jsonl",
    ]
)
@record_argument("sessions", SESSION, nargs=-1, metavar="[SESSION]...")
@click.option("--output", "-o", type=Place(dir_okay=False, path_type=Path), help="A file, not standard output.")
@click.option("--replace", is_flag=True, help="Replace the file if it is there.")
@click.option("--everybody", is_flag=True, help="Of the whole tenant; for admins.")
def export(sessions: tuple[str, ...], *, output: Path | None, replace: bool, everybody: bool) -> None:
    """Write sessions as JSON Lines, for `sidecar sessions import`.

    With the conversations that belong to them. Without a SESSION all of yours, all conversations, and your settings.
    """
    from sidecar.cli.transfer import export as write_export
    from sidecar.cli.transfer import written_to

    if sessions and everybody:
        raise InvalidError("Give sessions, or --everybody for all of the tenant.")
    with written_to(output, replace=replace) as into:
        records = talk(lambda daemon: write_export(daemon, sessions, into, everybody=everybody))
    if output is not None:
        click.echo(f"Wrote {records:,} records to {printable(str(output))}.")


@sessions.command(
    "import", examples=["sidecar sessions import everything.jsonl", "sidecar sessions import < everything.jsonl"]
)
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--everybody", is_flag=True, help="Keep whose each record is; for admins.")
@as_json_option
def import_(file: BinaryIO, *, everybody: bool, as_json: bool) -> None:
    """Store what an export holds, from FILE or standard input.

    What is there under the same ids is replaced. It may be repeated: what is there and the same is left alone.
    """
    from sidecar.cli.transfer import take

    if file.isatty():
        raise InvalidError("Give a FILE, or an export on standard input.")
    report = talk(lambda daemon: take(daemon, file, everybody=everybody))
    if as_json:
        write_json(report)
        return
    for kind, count in report["stored"].items():
        replaced, same = report["replaced"][kind], report["unchanged"][kind]
        click.echo(f"{kind:<13} {count - replaced - same:>7,} new, {replaced:,} replaced, {same:,} as they were")


def _tell(session: dict[str, Any], *, as_json: bool) -> None:
    write_json(session) if as_json else click.echo(_line(session))


def _line(session: dict[str, Any]) -> str:
    branch = f" [{session['git_branch']}]" if session["git_branch"] else ""
    place = f"{session['name']}{branch}  {session['workspace_path']}"
    return f"{session['id']}  {when_text(session['last_active_at'])}  {printable(place)}"
