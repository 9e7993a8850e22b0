"""``sidecar events``: prints what has changed, and with ``--follow`` what changes."""

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.help import Command
from sidecar.cli.talk import as_json_option, printable, talk, write_json

if TYPE_CHECKING:
    from sidecar.client import Client


TOPICS = (
    "agents",
    "auth_sessions",
    "conversations",
    "files",
    "messages",
    "progress",
    "sessions",
    "settings",
    "snapshots",
    "tenants",
    "users",
    "workspaces",
)


@click.command(
    cls=Command,
    examples=["sidecar events --follow", "sidecar events --topic sessions --topic conversations --json | head"],
)
@click.option("--follow", "-f", is_flag=True, help="Go on as changes happen, also after the daemon was restarted.")
@click.option("--since", help="A cursor, `beginning` or `now`.  [default: beginning; with --follow: now]")
@click.option(
    "--topic",
    "topics",
    type=click.Choice(TOPICS),
    metavar="TOPIC",
    multiple=True,
    help=f"Only this: {', '.join(TOPICS)}; repeatable.  [default: all; with --follow: files, workspaces]",
)
@as_json_option
def events(*, follow: bool, since: str | None, topics: tuple[str, ...], as_json: bool) -> None:
    """Print changes in the order of their commits.

    Each line of JSON is a message with the cursor that follows it.
    """

    async def show(daemon: "Client") -> None:
        if follow:
            async with aclosing(daemon.events(topics or ("files", "workspaces"), since=since)) as messages:
                async for message in messages:
                    _write(message, as_json=as_json)
        else:
            await _show_past(daemon, since or "beginning", topics, as_json=as_json)

    talk(show)


async def _show_past(daemon: "Client", since: str, topics: tuple[str, ...], *, as_json: bool) -> None:
    """Write messages until one holds no change: there are no more."""
    cursor = since
    while True:
        message = await daemon.request("GET", "/api/v5/changes", params={"since": cursor, "topics": ",".join(topics)})
        _write(message, as_json=as_json)
        cursor = message["cursor"]
        if message["type"] != "changes" or not message["changes"]:
            return


def _write(message: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        write_json(message)
        return
    if message["type"] == "reset":
        click.echo("reset: changes in between are no longer kept; list everything anew")
    if message["type"] == "progress":
        files = f"{message['files_indexed']:,} of {message['files_seen']:,} files indexed"
        click.echo(f"{message['state']:<8} {'progress':<12} {printable(message['workspace_path'])}  ({files})")
    for change in message.get("changes", ()):
        hint = change["hint"]
        place = hint.get("file_path") or hint.get("path") or change["id"]
        click.echo(f"{change['op']:<8} {change['kind']:<12} {printable(str(place))}")
