"""``sidecar doctor``: checks all that is stored, and with ``--repair`` rebuilds what is derived.

Of a store that is too damaged to be opened it tells how much can still be read, and with ``--salvage`` saves that.
It opens the store itself, so it wants the daemon stopped, and holds the daemon's lock meanwhile.
"""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidecar.cli import exits
from sidecar.cli.help import Command
from sidecar.cli.outputs import named_by_time
from sidecar.cli.places import Place
from sidecar.cli.progress import shown
from sidecar.cli.talk import as_json_option, printable, store_option, write_json
from sidecar.errors import AlreadyRunningError, ConflictError, CorruptStoreError, UnavailableError

if TYPE_CHECKING:
    from sidecar.config import Settings
    from sidecar.services.doctor.examination import Report
    from sidecar.store.findings import Findings


@click.command(cls=Command)
@click.option("--repair", is_flag=True, help="Rebuild indexes, counters, references and the change log.")
@click.option(
    "--remove-unreadable", is_flag=True, help="With --repair: remove records that can't be read, but no users."
)
@click.option(
    "--salvage",
    type=Place(path_type=Path),
    metavar="PATH",
    help="Save what a damaged store holds to a backup PATH.",
)
@store_option
@as_json_option
def doctor(*, repair: bool, remove_unreadable: bool, salvage: Path | None, store: str | None, as_json: bool) -> int:
    """Check all that is stored, and repair what can be.

    That is every record, index, large value, counter and change. The daemon has to be stopped; of a cluster that is
    shared (`fdb:`), every daemon that writes to it.

    Exits with 1 when something is wrong and has not been repaired.

    What is saved of a damaged store, `sidecar restore PATH --replace` brings back, and --repair then puts in order.
    """
    from sidecar import config
    from sidecar.daemon.lifecycle import InstanceLock
    from sidecar.daemon.runtime_files import make_private_folder
    from sidecar.store.opening import exists

    if repair and salvage:
        raise click.UsageError("--repair is for a store that can be opened, --salvage for one that can not.")
    if remove_unreadable and not repair:
        raise click.UsageError("--remove-unreadable goes with --repair.")
    settings = config.load({"store": store})
    if not exists(settings.store):
        raise UnavailableError(f"There is no store at {settings.store}; --store names another.")
    make_private_folder(settings.data_dir)
    began = time.monotonic()
    try:
        with InstanceLock(settings.data_dir):
            if salvage:
                _salvage(settings.store, named_by_time(salvage, "backup"), as_json=as_json)
                return exits.DONE
            report = _examined(settings, repair=repair, remove=remove_unreadable, as_json=as_json)
    except AlreadyRunningError as error:
        raise AlreadyRunningError(
            f"{error.message} The doctor wants the store for itself: stop the daemon first (`sidecar down`).",
            details=error.details,
        ) from error
    _write(report, seconds=time.monotonic() - began, as_json=as_json)
    return exits.FAILED if report.left else exits.DONE


def _examined(settings: "Settings", *, repair: bool, remove: bool, as_json: bool) -> "Report":
    """Examine the store; of one that can't be opened or read on, tell what is left of it, and raise why."""
    from sidecar.store.opening import inspect

    try:
        return asyncio.run(_examine(settings, repair=repair, remove=remove))
    except CorruptStoreError as error:
        if "folder" in error.details:
            findings = asyncio.run(shown("Reading", lambda tell: inspect(settings.store, progress=tell), "rows"))
            _tell_what_is_left(findings, as_json=as_json)
            if not as_json and findings.rows:
                click.echo("`sidecar doctor --salvage PATH` saves them to a backup.")
        raise


def _salvage(store: str, path: Path, *, as_json: bool) -> None:
    from sidecar.store.opening import salvage

    if path.exists():
        raise ConflictError(f"There is a file {path} already; name another.")
    findings = asyncio.run(shown("Saving", lambda tell: salvage(store, path, progress=tell), "rows"))
    _tell_what_is_left(findings, as_json=as_json)
    if not as_json:
        click.echo(f"Saved to {printable(str(path))}; `sidecar restore` with --replace brings them back.")


def _tell_what_is_left(findings: "Findings", *, as_json: bool) -> None:
    if as_json:
        write_json({"type": "left", "rows": findings.rows, "whole": findings.whole, "loose": findings.loose})
        return
    others = "" if findings.whole else ", others can not"
    doubt = "; deleted and older ones may be among them" if findings.loose else ""
    click.echo(f"{findings.rows:,} rows can be read{others}{doubt}.")


async def _examine(settings: "Settings", *, repair: bool, remove: bool) -> "Report":
    from sidecar.clock import SystemClock
    from sidecar.daemon.store import engine_options
    from sidecar.repositories.transactions import Database
    from sidecar.services.doctor.examination import examine
    from sidecar.services.migrations import Migrations
    from sidecar.store.opening import open_engine

    clock = SystemClock()
    engine = await open_engine(settings.store, clock=clock, options=engine_options(settings))
    try:
        database = Database(engine, clock)
        migrations = Migrations(database)
        await migrations.check()
        if repair:
            await migrations.finish()
        return await shown(
            "Examining",
            lambda tell: examine(database, repair=repair, removes_unreadable=remove, progress=tell),
            "rows",
        )
    finally:
        await engine.close()


def _write(report: "Report", *, seconds: float, as_json: bool) -> None:
    rows = sum(report.rows.values())
    if as_json:
        for problem in report.problems:
            write_json({"type": "problem", **problem._asdict()})
        counts = {
            "problems": len(report.problems),
            "left": len(report.left),
            "rows": rows,
            "seconds": round(seconds, 3),
        }
        write_json({"type": "report", **counts})
        return
    for problem in report.problems:
        state = "repaired" if problem.repaired else "PROBLEM"
        click.echo(printable(f"{state}: {problem.what} (tenant {problem.tenant_id})"))
    verdict = "nothing is wrong" if not report.problems else f"{len(report.problems)} problems, {len(report.left)} left"
    click.echo(f"Looked at {rows:,} rows in {seconds:.1f} s: {verdict}.")
    if report.left and not all(problem.check == "record" for problem in report.left):
        click.echo("`sidecar doctor --repair` rebuilds what can be told from the records.")
    if any(problem.check == "record" for problem in report.left):
        click.echo("`sidecar doctor --repair --remove-unreadable` removes records that can't be read; back up first.")
