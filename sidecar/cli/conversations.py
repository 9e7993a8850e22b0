"""``sidecar conversations``: the conversations with an AI that editors keep."""

import json
from typing import TYPE_CHECKING, Any

import click

from sidecar import limits
from sidecar.cli.help import Group
from sidecar.cli.records import CONVERSATION, SESSION, confirm, full_id, record_argument, show_all, yes_option
from sidecar.cli.talk import as_json_option, printable, printable_lines, styled, talk, when_text, write_json, write_line

if TYPE_CHECKING:
    from sidecar.client import Client, JsonObject

_ROLE_COLORS = {"user": "cyan", "assistant": "green", "system": "yellow"}


@click.group(cls=Group)
def conversations() -> None:
    """Read the conversations that your editors keep."""


@conversations.command(
    "list", examples=["sidecar conversations list", "sidecar conversations list --status active --json"]
)
@click.option("--session", metavar="SESSION", help="Only conversations begun in this session.")
@click.option("--status", type=click.Choice(["active", "archived", "deleted"]), help="Only of this status.")
@as_json_option
def list_(*, session: str | None, status: str | None, as_json: bool) -> None:
    """List conversations, newest first.

    A line each: id, time of the last change, number of messages, title.
    """
    asked = {"status": status} if status else {}
    if session is not None:
        asked["workspace_session_id"] = talk(lambda daemon: full_id(daemon, SESSION, session))
    show_all(CONVERSATION.path, _line, as_json=as_json, asked=asked)


@conversations.command(examples=["sidecar conversations show 01890a5d", "sidecar conversations show 01890a5d --json"])
@record_argument("conversation", CONVERSATION)
@as_json_option
def show(conversation: str, *, as_json: bool) -> None:
    """Show CONVERSATION with all its messages, oldest first.

    As JSON the conversation, then a message a line.
    """

    async def write(daemon: "Client") -> None:
        identifier = await full_id(daemon, CONVERSATION, conversation)
        path = f"{CONVERSATION.path}/{identifier}"
        found = await daemon.request("GET", path, params={"limit": "1"})
        del found["messages"]
        write_json(found) if as_json else click.echo(_line(found))
        async for message in daemon.pages(f"{path}/messages", {"limit": str(limits.page_items_max)}):
            write_line(json.dumps(message) if as_json else _message(message))

    talk(write)


@conversations.command(examples=["sidecar conversations archive 01890a5d"])
@record_argument("conversation", CONVERSATION)
@click.option("--undo", is_flag=True, help="Make it active again.")
@as_json_option
def archive(conversation: str, *, undo: bool, as_json: bool) -> None:
    """Mark CONVERSATION as archived."""

    async def change(daemon: "Client") -> "JsonObject":
        identifier = await full_id(daemon, CONVERSATION, conversation)
        body = {"status": "active" if undo else "archived"}
        return await daemon.request("PATCH", f"{CONVERSATION.path}/{identifier}", body=body)

    changed = talk(change)
    write_json(changed) if as_json else click.echo(_line(changed))


@conversations.command(examples=["sidecar conversations delete 01890a5d"])
@record_argument("conversation", CONVERSATION)
@yes_option
def delete(conversation: str, *, yes: bool) -> None:
    """Delete CONVERSATION and its messages for good."""

    async def find(daemon: "Client") -> "JsonObject":
        identifier = await full_id(daemon, CONVERSATION, conversation)
        return await daemon.request("GET", f"{CONVERSATION.path}/{identifier}", params={"limit": "1"})

    found = talk(find)
    title = printable(found["title"])
    confirm(f"Delete the conversation {title!r} with {found['message_count']:,} messages?", yes=yes)
    talk(lambda daemon: daemon.request("DELETE", f"{CONVERSATION.path}/{found['id']}"))
    click.echo(f"Deleted {title!r}.")


def _line(conversation: dict[str, Any]) -> str:
    status = "" if conversation["status"] == "active" else f" ({conversation['status']})"
    about = f"{conversation['title']} [{conversation['ai_provider']}]{status}"
    count = f"{conversation['message_count']:>5} messages"
    return f"{conversation['id']}  {when_text(conversation['updated_at'])}  {count}  {printable(about)}"


def _message(message: dict[str, Any]) -> str:
    who = styled(message["role"], _ROLE_COLORS.get(message["role"], "yellow"))
    return f"\n{who}  {when_text(message['created_at'])}\n{printable_lines(message['content'])}"
