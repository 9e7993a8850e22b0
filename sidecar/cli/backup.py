"""``sidecar backup`` and ``sidecar restore``: the whole store as one file, and back."""

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar import limits
from sidecar.cli.help import Command
from sidecar.cli.outputs import named_by_time
from sidecar.cli.progress import shown
from sidecar.cli.talk import as_json_option, printable, size_text, talk, write_json
from sidecar.errors import AlreadyRunningError, ConflictError, InvalidError, UnavailableError

if TYPE_CHECKING:
    from sidecar.client import Client
    from sidecar.config import Settings


@click.command(cls=Command, examples=["sidecar backup ~/backups", "sidecar backup sidecar.backup --replace"])
@click.argument("path", type=click.Path(path_type=Path))
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
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Move what is stored now aside first.")
@as_json_option
def restore(path: Path, *, replace: bool, as_json: bool) -> None:
    """Fill the store from the backup PATH.

    The daemon has to be stopped. A store that holds something is left alone unless --replace is given; then its folder
    is kept under another name.
    Clients read everything anew afterwards, and log in anew on another machine.
    """
    from sidecar import config
    from sidecar.daemon.lifecycle import InstanceLock
    from sidecar.daemon.runtime_files import make_private_folder

    settings = config.load()
    make_private_folder(settings.data_dir)
    try:
        with InstanceLock(settings.data_dir):
            aside = _move_aside(settings.store) if replace else None
            epoch = _filled(settings, path, aside)
    except AlreadyRunningError as error:
        message = f"{error.message} A restore wants the store for itself: stop the daemon first (`sidecar down`)."
        raise AlreadyRunningError(message, details=error.details) from error
    except ConflictError as error:
        raise ConflictError(f"{error.message} `--replace` moves what is there aside.", details=error.details) from error
    if as_json:
        write_json({"store": settings.store, "epoch": epoch, "replaced": str(aside) if aside else None})
        return
    click.echo(f"Restored to {printable(settings.store)}.")
    if aside:
        click.echo(f"What was there is in {printable(str(aside))}; remove it when you do not need it.")


def _filled(settings: "Settings", path: Path, aside: Path | None) -> str:
    """Restore, and put back what was moved aside when that fails."""
    from sidecar.clock import SystemClock
    from sidecar.daemon.store import engine_options
    from sidecar.store.opening import restore as restore_store

    fill = partial(restore_store, path, settings.store, clock=SystemClock(), options=engine_options(settings))
    try:
        return asyncio.run(shown("Restoring", lambda tell: fill(progress=tell), "rows"))
    except BaseException:
        if aside is not None and not (folder := _folder(settings.store)).exists():
            aside.replace(folder)
        raise


def _move_aside(store: str) -> Path | None:
    """Rename the store's folder and return where it is now; None when there is none."""
    folder = _folder(store)
    if not folder.exists():
        return None
    number = 1
    while (aside := folder.with_name(f"{folder.name}.replaced-{number}")).exists():
        number += 1
    try:
        os.replace(folder, aside)  # noqa: PTH105 - a folder, by the same name as its file twin
    except OSError as error:
        raise UnavailableError(f"{folder} can not be moved aside: {error.strerror}.") from error
    return aside


def _folder(store: str) -> Path:
    scheme, _, place = store.partition(":")
    if scheme != "embedded":
        raise InvalidError("Only an embedded store can be moved aside; empty the cluster's key range yourself.")
    return Path(place)
