"""``sidecar doctor`` on the store of a real daemon: refused while that runs, a whole check when it has stopped."""

import json
import signal

from sidecar.cli import exits
from sidecar.clock import SystemClock
from sidecar.repositories import keys, machine
from sidecar.repositories.transactions import Database, Writing
from sidecar.store.opening import open_engine
from tests.e2e.daemons import DaemonProcess


async def test_the_doctor_says_who_holds_the_store_while_the_daemon_runs(daemon: DaemonProcess) -> None:
    await daemon.watch()

    done = daemon.run("doctor", "--repair")

    assert done.returncode == exits.FAILED
    assert str(daemon.pid) in done.stderr
    assert "sidecar down" in done.stderr
    assert "Traceback" not in done.stderr


async def test_the_doctor_finds_a_daemons_store_sound_also_after_a_kill(daemon: DaemonProcess) -> None:
    await daemon.watch()
    await daemon.kill()

    done = daemon.run("doctor")

    assert (done.returncode, done.stderr) == (exits.DONE, "")
    assert "nothing is wrong" in done.stdout


async def test_the_doctor_repairs_a_damaged_index(daemon: DaemonProcess) -> None:
    await daemon.watch()
    daemon.signal(signal.SIGTERM)
    assert await daemon.wait() == exits.DONE
    engine = await open_engine(f"embedded:{daemon.home / 'side' / 'data' / 'store'}", clock=SystemClock())
    database = Database(engine, SystemClock())

    def damage(tr: Writing) -> None:
        own = machine.find(tr, database.keyspace)
        assert own is not None
        space = database.keyspace.tenant(own.tenant_id).space(keys.FILES_BY_PATH)
        tr.kv.clear(tr.kv.get_range(*space.range(), limit=1)[0][0])

    await database.transact(damage)
    await engine.close()

    found = daemon.run("doctor", "--json")
    repaired = daemon.run("doctor", "--repair")

    problem, report = map(json.loads, found.stdout.splitlines())
    assert (found.returncode, problem["check"], problem["repaired"]) == (exits.FAILED, "index", False)
    assert (report["problems"], report["left"]) == (1, 1)
    assert (repaired.returncode, repaired.stdout.count("repaired:")) == (exits.DONE, 1)
    assert "nothing is wrong" in daemon.run("doctor").stdout
