"""Whoever kills a restore, whenever, finds the old store or the new one at the next start, whole."""

import shutil
import subprocess
import sys
from pathlib import Path

from sidecar.clock import SystemClock
from sidecar.store.engine import Transaction
from sidecar.store.opening import open_engine
from tests.e2e.daemons import clean_environment

ROOT = Path(__file__).resolve().parents[2]
RESTORE = """
import sys
from sidecar import cli
from tests.e2e.kills import kill_before
kill_before(int(sys.argv[1]), below=sys.argv[2])
sys.exit(cli.run(["restore", sys.argv[3], "--replace"]))
"""
KEY = b"\x16row"


async def stored(store: Path, value: bytes, backup: Path | None = None) -> None:
    engine = await open_engine(f"embedded:{store}", clock=SystemClock())

    def body(tr: Transaction) -> None:
        tr.set(KEY, value)

    await engine.transact(body)
    if backup is not None:
        await engine.backup(backup)
    await engine.close()


async def found(store: Path) -> bytes | None:
    engine = await open_engine(f"embedded:{store}", clock=SystemClock())
    value = await engine.read(lambda tr: tr.get(KEY))
    await engine.close()
    return value


def killed_before(step: int, home: Path, backup: Path) -> bool:
    """Restore over the store of a home, and kill it before its n-th step there; false when it has fewer."""
    words = [sys.executable, "-c", RESTORE, str(step), str(home), str(backup)]
    done = subprocess.run(words, env=clean_environment(home), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode != 0


async def test_a_restore_that_is_killed_at_any_step_leaves_the_old_store_or_the_new_one(tmp_path: Path) -> None:
    await stored(tmp_path / "new", b"new", tmp_path / "backup")
    await stored(tmp_path / "home/side/data/store", b"old")
    step, after = 0, list[bytes | None]()
    is_killed = True
    while is_killed:
        step += 1
        home = tmp_path / f"home-{step}"
        shutil.copytree(tmp_path / "home", home)
        is_killed = killed_before(step, home, tmp_path / "backup")
        data = home / "side/data"
        after.append(await found(data / "store"))
        assert not (data / "store.restoring").exists(), "nothing half is left"
        assert after[-1] == b"old" or await found(data / "store.replaced-1") == b"old", "and nothing is lost"

    olds = after.count(b"old")
    assert after == [b"old"] * olds + [b"new"] * (step - olds), "old, and from one moment on new"
    assert olds >= 3
    assert step - olds >= 3, "also when it is killed between the last steps"
