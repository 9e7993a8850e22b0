"""``sidecar tokens``: the keys that sign access tokens."""

from typing import TYPE_CHECKING

import click

from sidecar.cli.help import Group
from sidecar.cli.talk import as_json_option, talk, write_json

if TYPE_CHECKING:
    from sidecar.client import Client, JsonObject


@click.group(cls=Group)
def tokens() -> None:
    """Manage the tokens that clients log in with."""


@tokens.command
@as_json_option
def rotate(*, as_json: bool) -> None:
    """Sign access tokens with a fresh key from now on.

    Tokens that are out stay good until they end.
    """
    answer = talk(_rotate)
    if as_json:
        write_json(answer)
    else:
        click.echo(f"Key {answer['key_id']} signs from now on; {answer['keys']} keys are accepted.")


async def _rotate(daemon: "Client") -> "JsonObject":
    return await daemon.request("POST", "/api/v5/auth/keys/rotate")
