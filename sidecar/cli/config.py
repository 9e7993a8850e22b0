"""``sidecar config``: the settings that are in force, where they come from, and changing one."""

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from sidecar.cli.help import Group
from sidecar.cli.talk import as_json_option, printable, write_json
from sidecar.errors import SidecarError

if TYPE_CHECKING:
    from sidecar.client import Client, JsonObject


@click.group(cls=Group)
def config() -> None:
    """Show and change the settings."""


def _complete_key(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from sidecar import config as settings

    del context, parameter
    return [CompletionItem(key, help=of) for key, of in settings.writable().items() if key.startswith(incomplete)]


@config.command
@as_json_option
def show(*, as_json: bool) -> None:
    """Show every setting, its value, and where the value comes from."""
    from sidecar import config as settings

    for name, value, source in settings.explain():
        if as_json:
            write_json({"key": name, "value": value, "source": source})
        else:
            click.echo(f"{name:<12} {printable(str(value)):<48} {printable(source)}")


@config.command
@as_json_option
def path(*, as_json: bool) -> None:
    """Print the path of config.toml, whether it is there or not."""
    from sidecar import config as settings

    file = settings.load().config_file
    if as_json:
        write_json({"path": str(file), "exists": file.exists()})
    else:
        click.echo(str(file))


@config.command("set")
@click.argument("key", shell_complete=_complete_key)
@click.argument("value")
@as_json_option
def set_(key: str, value: str, *, as_json: bool) -> None:
    """Write KEY = VALUE to config.toml, and have a running daemon read it.

    A wrong value is refused, and nothing is written.
    """
    from sidecar import config as settings

    file = settings.write(key, value)
    changed, waiting = _reloaded()
    if as_json:
        write_json({"path": str(file), "key": key, "changed": changed, "after_restart": waiting})
        return
    click.echo(f"{key} is written to {printable(str(file))}.")
    if key in changed:
        click.echo("The running daemon has taken it over.")
    elif waiting:
        click.echo(f"After a restart of the daemon these apply: {', '.join(waiting)}.")


def _reloaded() -> tuple[list[str], list[str]]:
    """Have a running daemon read its settings; nothing when none answers."""
    from sidecar.cli.talk import talk

    try:
        report = talk(_reload)
    except SidecarError as error:
        if error.code in ("not_running", "silent"):
            return [], []
        raise
    return report["changed"], report["after_restart"]


async def _reload(daemon: "Client") -> "JsonObject":
    return await daemon.machine_request("POST", "/api/v5/reload", body={})
