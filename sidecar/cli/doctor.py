"""``sidecar doctor``: checks all that is stored, and with ``--repair`` rebuilds what is derived.

It opens the store itself, so it wants the daemon stopped, and holds the daemon's lock meanwhile.
"""

import asyncio
import time
from typing import TYPE_CHECKING

import click

from sidecar.cli import exits
from sidecar.cli.help import Command
from sidecar.cli.progress import shown
from sidecar.cli.talk import as_json_option, write_json
from sidecar.errors import AlreadyRunningError

if TYPE_CHECKING:
    from sidecar.config import Settings
    from sidecar.services.doctor.examination import Report


@click.command(cls=Command)
@click.option("--repair", is_flag=True, help="Rebuild indexes, counters, references and the change log.")
@as_json_option
def doctor(*, repair: bool, as_json: bool) -> int:
    """Check all that is stored, and repair what can be.

    That is every record, index, large value, counter and change. The daemon has to be stopped; of a cluster that is
    shared (`fdb:`), every daemon that writes to it.

    Exits with 1 when something is wrong and has not been repaired.
    """
    from sidecar import config
    from sidecar.daemon.lifecycle import InstanceLock

    settings = config.load()
    began = time.monotonic()
    try:
        with InstanceLock(settings.data_dir):
            report = asyncio.run(_examine(settings, repair=repair))
    except AlreadyRunningError as error:
        raise AlreadyRunningError(
            f"{error.message} The doctor wants the store for itself: stop the daemon first (`sidecar down`).",
            details=error.details,
        ) from error
    _write(report, seconds=time.monotonic() - began, as_json=as_json)
    return exits.FAILED if report.left else exits.DONE


async def _examine(settings: "Settings", *, repair: bool) -> "Report":
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
        return await shown("Examining", lambda tell: examine(database, repair=repair, progress=tell), "rows")
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
        click.echo(f"{'repaired' if problem.repaired else 'PROBLEM'}: {problem.what} (tenant {problem.tenant_id})")
    verdict = "nothing is wrong" if not report.problems else f"{len(report.problems)} problems, {len(report.left)} left"
    click.echo(f"Looked at {rows:,} rows in {seconds:.1f} s: {verdict}.")
    if report.left and not all(problem.check == "record" for problem in report.left):
        click.echo("`sidecar doctor --repair` rebuilds what can be told from the records.")
