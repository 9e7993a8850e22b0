"""``sidecar login``, ``logout`` and ``whoami``: commands act as the machine's own user until somebody logs in."""

import sys
from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.help import Command
from sidecar.cli.passwords import check_email, read_password
from sidecar.cli.talk import as_json_option, printable, talk, write_json
from sidecar.errors import InvalidError, SidecarError

if TYPE_CHECKING:
    from sidecar.cli.login_file import LoginFile
    from sidecar.client import Client, JsonObject


@click.command(cls=Command, examples=["sidecar login ada@example.com", "sidecar login ada@example.com < password.txt"])
@click.argument("email", required=False)
@click.option("--tenant", metavar="ID", help="Where the address has several accounts: in which tenant.")
@as_json_option
def login(*, email: str | None, tenant: str | None, as_json: bool) -> None:
    """Log in as another user than the machine's own.

    All commands act as that user until `sidecar logout`.

    Asks for the password on a terminal, and otherwise reads it from the first line of standard input. The login is
    kept in a file that only you can read, and the password nowhere.
    """
    if email is None:
        if not sys.stdin.isatty():
            raise InvalidError("Give the e-mail address: `sidecar login EMAIL`.")
        email = str(click.prompt("E-mail", err=True))
    check_email(email)
    talk(_nothing, as_machine=True)  # a password is not asked for when nobody could take it
    password = read_password("Password")
    answer = talk(lambda daemon: _log_in(daemon, email, password, tenant), as_machine=True)
    _tell(answer, as_json=as_json)


async def _nothing(daemon: "Client") -> None:
    """Ask for nothing: a daemon has answered, and has proved itself."""


async def _log_in(daemon: "Client", email: str, password: str, tenant: str | None) -> "JsonObject":
    """Open a login and keep it; the one that was kept before is ended."""
    from sidecar.client import UserTokens

    file = _file()
    before = file.load()
    answer = await daemon.log_in(email, password, tenant)
    file.save(UserTokens(answer["user"]["email"], answer["access_token"], answer["refresh_token"]))
    if before is not None:
        await daemon.end_kept(before)
    return {"user": answer["user"], "tenant": answer["tenant"]}


@click.command(cls=Command)
def logout() -> None:
    """End the login.

    Commands act as the machine's own user again.
    """
    tokens = _file().take()
    if tokens is None:
        click.echo("Nobody is logged in; commands act as the machine's own user.")
        return
    try:
        talk(lambda daemon: daemon.end_kept(tokens), as_machine=True)
    except SidecarError as error:
        click.echo(
            f"sidecar: The daemon was not told, so the login lasts until it expires: {printable(error.message)}",
            err=True,
        )
    click.echo(f"Logged out {printable(tokens.email)}.")


@click.command(cls=Command)
@as_json_option
def whoami(*, as_json: bool) -> None:
    """Tell as which user commands act."""

    async def ask(daemon: "Client") -> "JsonObject":
        user = await daemon.request("GET", "/api/v5/users/me")
        return {"user": user, "tenant": await daemon.request("GET", "/api/v5/tenant")}

    _tell(talk(ask), as_json=as_json)


def _tell(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        write_json(answer)
        return
    user, tenant = answer["user"], answer["tenant"]
    name = " ".join(part for part in (user["first_name"], user["last_name"]) if part)
    shown = f"{name} <{user['email']}>" if name else user["email"]
    click.echo(printable(f"{shown}, {user['role']} of {tenant['name']} ({tenant['plan']})"))


def _file() -> "LoginFile":
    from sidecar import config
    from sidecar.cli.login_file import LoginFile

    return LoginFile.of(config.load())
