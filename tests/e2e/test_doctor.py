"""``sidecar doctor`` on the store of a real daemon: refused while that runs, a whole check when it has stopped."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from sidecar.cli import exits
from sidecar.clock import SystemClock
from sidecar.repositories import keys, machine
from sidecar.repositories.transactions import Database, Writing
from sidecar.store.backup import check
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


async def test_the_doctor_looks_at_the_store_that_it_is_told_and_makes_none(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    store = ("--store", f"embedded:{tmp_path / 'elsewhere'}")
    daemon.start(*store)
    await daemon.wait_for("Watching ")
    assert daemon.run("backup", str(tmp_path / "saved")).returncode == exits.DONE
    assert daemon.run("down").returncode == exits.DONE

    usual = daemon.home / "side" / "data" / "store"
    refused, looked = daemon.run("doctor"), daemon.run("doctor", *store)
    assert refused.returncode == exits.FAILED
    assert refused.stderr == f"sidecar: There is no store at embedded:{usual}; --store names another.\n"
    assert not usual.exists()
    assert (looked.returncode, looked.stderr) == (exits.DONE, "")
    assert not looked.stdout.startswith("Looked at 0 rows")

    restored = daemon.run("restore", str(tmp_path / "saved"), "--replace", *store)
    assert restored.stdout.startswith(f"Restored to embedded:{tmp_path / 'elsewhere'}.\n"), restored.stderr
    assert not usual.exists()
    assert daemon.run("doctor", *store).stdout.split(" in ")[0] == looked.stdout.split(" in ")[0]


async def test_what_a_damaged_store_still_holds_is_told_and_saved_and_brought_back(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    await daemon.watch()
    for number in range(20):
        daemon.json("settings", "set", "editor", f"key-{number}", json.dumps("x" * 10_000))
    await daemon.kill()
    store = daemon.home / "side" / "data" / "store" / "data.mdb"
    os.truncate(store, store.stat().st_size // 2)

    told, as_json = daemon.run("doctor"), daemon.run("doctor", "--json")
    saved = daemon.run("doctor", "--salvage", str(tmp_path / "saved"))
    again = daemon.run("doctor", "--salvage", str(tmp_path / "saved"))
    restored = daemon.run("restore", str(tmp_path / "saved"), "--replace")

    left = json.loads(as_json.stdout)
    assert (told.returncode, left["type"], left["whole"]) == (exits.STORE_UNREADABLE, "left", False)
    assert left["rows"] > 0
    assert told.stdout.startswith(f"{left['rows']:,} rows can be read, others can not")
    assert "--salvage" in told.stdout
    assert "is damaged" in told.stderr
    assert (saved.returncode, saved.stderr) == (exits.DONE, "")
    assert check(tmp_path / "saved")[1] == left["rows"]
    assert (again.returncode, again.stderr.count("already")) == (exits.FAILED, 1)
    assert (restored.returncode, restored.stderr) == (exits.DONE, "")
    assert daemon.run("doctor", "--repair").returncode in {exits.DONE, exits.FAILED}, "what records are lost, it tells"


def test_the_doctor_saves_nothing_of_a_store_that_is_not_there(daemon: DaemonProcess, tmp_path: Path) -> None:
    (daemon.home / "side" / "data").mkdir(parents=True)

    done = daemon.run("doctor", "--salvage", str(tmp_path / "saved"))

    store = daemon.home / "side" / "data" / "store"
    assert done.returncode == exits.FAILED
    assert done.stderr == f"sidecar: There is no store at embedded:{store}; --store names another.\n"
    assert not (tmp_path / "saved").exists()


async def damaged(daemon: DaemonProcess, name: str, damage: Callable[[Writing, tuple[bytes, bytes]], None]) -> None:
    """Stop a daemon that has watched, and damage the first row under a key's name."""
    await daemon.watch()
    daemon.signal(signal.SIGTERM)
    assert await daemon.wait() == exits.DONE
    engine = await open_engine(f"embedded:{daemon.home / 'side' / 'data' / 'store'}", clock=SystemClock())
    database = Database(engine, SystemClock())

    def body(tr: Writing) -> None:
        own = machine.find(tr, database.keyspace)
        assert own is not None
        space = database.keyspace.tenant(own.tenant_id).space(name)
        damage(tr, tr.kv.get_range(*space.range(), limit=1)[0])

    await database.transact(body)
    await engine.close()


async def test_the_doctor_repairs_a_damaged_index(daemon: DaemonProcess) -> None:
    await damaged(daemon, keys.FILES_BY_PATH, lambda tr, row: tr.kv.clear(row[0]))

    found = daemon.run("doctor", "--json")
    repaired = daemon.run("doctor", "--repair")

    problem, report = map(json.loads, found.stdout.splitlines())
    assert (found.returncode, problem["check"], problem["repaired"]) == (exits.FAILED, "index", False)
    assert (report["problems"], report["left"]) == (1, 1)
    assert (repaired.returncode, repaired.stdout.count("repaired:")) == (exits.DONE, 1)
    assert "nothing is wrong" in daemon.run("doctor").stdout


async def test_the_doctor_removes_what_can_not_be_read_when_it_is_told_to(daemon: DaemonProcess) -> None:
    await damaged(daemon, keys.FILES, lambda tr, row: tr.kv.set(row[0], row[1][:-9]))

    alone, repaired = daemon.run("doctor", "--remove-unreadable"), daemon.run("doctor", "--repair")
    removed = daemon.run("doctor", "--repair", "--remove-unreadable")

    assert (alone.returncode, "--repair" in alone.stderr) == (exits.USAGE, True)
    assert (repaired.returncode, repaired.stdout.count("PROBLEM: The File under")) == (exits.FAILED, 1)
    assert "--remove-unreadable" in repaired.stdout
    assert (removed.returncode, removed.stdout.count("repaired: The File under")) == (exits.DONE, 1)
    assert "nothing is wrong" in daemon.run("doctor").stdout
    await daemon.watch()
    assert daemon.run("files", "verify").returncode == exits.DONE
