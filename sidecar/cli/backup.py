"""``sidecar backup`` and ``sidecar restore``: the whole store as one file, and back."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar import limits
from sidecar.cli.help import Command
from sidecar.cli.outputs import named_by_time
from sidecar.cli.places import Place
from sidecar.cli.progress import shown
from sidecar.cli.talk import as_json_option, printable, size_text, store_option, talk, write_json
from sidecar.errors import AlreadyRunningError, ConflictError

if TYPE_CHECKING:
    from sidecar.client import Client
    from sidecar.config import Settings
    from sidecar.store.opening import Restored


@click.command(cls=Command, examples=["sidecar backup ~/backups", "sidecar backup sidecar.backup --replace"])
@click.argument("path", type=Place(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the file PATH if it is there.")
@as_json_option
def backup(path: Path, *, replace: bool, as_json: bool) -> None:
    """Write everything that is stored to the file PATH.

    In a folder PATH the file gets the time as its name.

    The daemon goes on meanwhile. The file is read again before it counts as written.
    """
    report = talk(lambda daemon: _back_up(daemon, named_by_time(path, "backup"), replace=replace))
    if as_json:
        write_json(report)
    else:
        size = size_text(report["bytes"])
        click.echo(f"Backup of {report['rows']:,} rows ({size}), checked: {printable(report['path'])}")


async def _back_up(daemon: "Client", path: Path, *, replace: bool) -> dict[str, Any]:
    sent = {"path": str(path), "replace": replace}
    seconds = limits.client_backup_seconds_max
    try:
        return await shown(
            "Backing up",
            lambda _tell: daemon.machine_request("POST", "/api/v5/backups", body=sent, seconds=seconds),
        )
    except asyncio.CancelledError:
        click.echo("sidecar: The daemon finishes the backup all the same.", err=True)
        raise


@click.command(cls=Command, examples=["sidecar restore sidecar.backup", "sidecar restore sidecar.backup --replace"])
@click.argument("path", type=Place(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Move what is stored now aside.")
@store_option
@as_json_option
def restore(path: Path, *, replace: bool, store: str | None, as_json: bool) -> None:
    """Fill the store from the backup PATH.

    The daemon has to be stopped. A store that holds something is left alone unless --replace is given; then its folder
    is kept under another name.
    Clients read everything anew afterwards, and log in anew on another machine.
    """
    from sidecar import config
    from sidecar.daemon.lifecycle import InstanceLock
    from sidecar.daemon.runtime_files import make_private_folder

    settings = config.load({"store": store})
    make_private_folder(settings.data_dir)
    try:
        with InstanceLock(settings.data_dir):
            restored = _filled(settings, path, replace=replace)
    except AlreadyRunningError as error:
        message = f"{error.message} A restore wants the store for itself: stop the daemon first (`sidecar down`)."
        raise AlreadyRunningError(message, details=error.details) from error
    except ConflictError as error:
        if not settings.store.startswith("embedded:"):
            raise
        raise ConflictError(f"{error.message} `--replace` moves what is there aside.", details=error.details) from error
    aside = str(restored.aside) if restored.aside else None
    if as_json:
        write_json({"store": settings.store, "epoch": restored.epoch, "replaced": aside})
        return
    click.echo(f"Restored to {printable(settings.store)}.")
    if aside:
        click.echo(f"What was there is in {printable(aside)}; remove it when you do not need it.")


def _filled(settings: "Settings", path: Path, *, replace: bool) -> "Restored":
    from sidecar.clock import SystemClock
    from sidecar.daemon.store import engine_options
    from sidecar.store.opening import restore as restore_store

    options = engine_options(settings)
    fill = partial(restore_store, path, settings.store, clock=SystemClock(), options=options, replace=replace)
    return asyncio.run(shown("Restoring", lambda tell: fill(progress=tell), "rows"))
