"""``sidecar users``: the users of the tenant, as an admin manages them."""

from typing import TYPE_CHECKING, Any

import click

from sidecar import limits
from sidecar.cli.help import Group
from sidecar.cli.passwords import check_email, read_password
from sidecar.cli.records import USER, chosen, completed, confirm, is_beginning, show_all, yes_option
from sidecar.cli.talk import as_json_option, printable, talk, write_json
from sidecar.errors import ConflictError

if TYPE_CHECKING:
    from sidecar.client import Client, JsonObject

_ROLES = click.Choice(["admin", "developer", "manager", "viewer"])
_user_argument = click.argument("user", shell_complete=completed(USER, lambda item: (item["email"], item["role"])))


@click.group(cls=Group)
def users() -> None:
    """Manage the users of your tenant; for admins.

    A USER is named by the e-mail address, or by the id, of which the beginning is enough.
    """


@users.command("list", examples=["sidecar users list", "sidecar users list --json"])
@as_json_option
def list_(*, as_json: bool) -> None:
    """List users: id, role, e-mail address, name."""
    show_all(USER.path, _line, as_json=as_json)


@users.command(
    examples=["sidecar users add ada@example.com", "sidecar users add ada@example.com --role manager < password.txt"]
)
@click.argument("email")
@click.option("--role", type=_ROLES, default="developer", show_default=True)
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@as_json_option
def add(*, email: str, role: str, first_name: str, last_name: str, as_json: bool) -> None:
    """Add a user, with a first password.

    Asks for the password on a terminal, and otherwise reads it from the first line of standard input.
    """
    check_email(email)
    body = {"email": email, "role": role, "first_name": first_name, "last_name": last_name}
    body["password"] = read_password("Password of the new user", twice=True)
    try:
        made = talk(lambda daemon: daemon.request("POST", USER.path, body=body))
    except ConflictError as error:
        raise ConflictError(f"There is a user {printable(email)} already.", details=error.details) from error
    _tell(made, as_json=as_json)


@users.command(examples=["sidecar users role ada@example.com manager"])
@_user_argument
@click.argument("role", type=_ROLES)
@as_json_option
def role(user: str, role: str, *, as_json: bool) -> None:
    """Give USER another role; their logins end."""
    _change(user, {"role": role}, as_json=as_json)


@users.command(examples=["sidecar users disable ada@example.com"])
@_user_argument
@as_json_option
def disable(user: str, *, as_json: bool) -> None:
    """Let USER in no more, and end their logins.

    What is theirs is kept.
    """
    _change(user, {"is_active": False}, as_json=as_json)


@users.command(examples=["sidecar users enable ada@example.com"])
@_user_argument
@as_json_option
def enable(user: str, *, as_json: bool) -> None:
    """Let USER in again."""
    _change(user, {"is_active": True}, as_json=as_json)


@users.command(examples=["sidecar users password ada@example.com"])
@_user_argument
@as_json_option
def password(user: str, *, as_json: bool) -> None:
    """Give USER another password; their logins end.

    Asks for it on a terminal, and otherwise reads it from the first line of standard input.
    """
    _change(user, {"password": read_password("New password", twice=True)}, as_json=as_json)


@users.command(examples=["sidecar users remove ada@example.com"])
@_user_argument
@yes_option
def remove(user: str, *, yes: bool) -> None:
    """Remove USER, and all that is theirs, for good."""
    found = talk(lambda daemon: _find(daemon, user))
    email = printable(found["email"])
    confirm(f"Remove {email} and all sessions, conversations and settings of theirs?", yes=yes)
    talk(lambda daemon: daemon.request("DELETE", f"{USER.path}/{found['id']}"))
    click.echo(f"Removed {email}.")


def _change(user: str, fields: dict[str, Any], *, as_json: bool) -> None:
    async def change(daemon: "Client") -> "JsonObject":
        found = await _find(daemon, user)
        return await daemon.request("PATCH", f"{USER.path}/{found['id']}", body=fields)

    _tell(talk(change), as_json=as_json)


async def _find(daemon: "Client", given: str) -> "JsonObject":
    """Return the user of an e-mail address, or of the beginning of an id."""
    listed = daemon.pages(USER.path, {"limit": str(limits.page_items_max)})
    everybody = {each["id"]: each async for each in listed}
    email = given.strip().casefold()
    found = [id_ for id_, each in everybody.items() if each["email"] == email]
    if not found and is_beginning(given):
        found = [id_ for id_ in everybody if id_.startswith(given)]
    return everybody[chosen(found, USER, given)]


def _tell(user: dict[str, Any], *, as_json: bool) -> None:
    write_json(user) if as_json else click.echo(_line(user))


def _line(user: dict[str, Any]) -> str:
    name = " ".join(part for part in (user["first_name"], user["last_name"]) if part)
    state = "" if user["is_active"] else " (disabled)"
    return f"{user['id']}  {user['role']:<9}  {printable(user['email'])}{state}  {printable(name)}".rstrip()
