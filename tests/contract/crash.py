"""Kills a process that writes to an embedded store, again and again, and looks at what is left each time.

``python -m tests.contract.crash --kills 300`` is the marathon; ``test_crash`` runs a few kills with a fixed seed. Each
transaction writes some rows that say how many they are, and one row under its versionstamp; the child reports a
transaction only after it was acknowledged. After each kill: what was reported is there whole, nothing is there in
part, and no versionstamp has come twice or gone back.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sidecar.clock import SystemClock
from sidecar.store.engine import Engine, ReadTransaction, Transaction
from sidecar.store.opening import EngineOptions, open_engine
from sidecar.store.tuples import Subspace

WRITERS = 16
ROWS_MAX = 40
MAP_BYTES = 1 << 20  # small, so that the map grows under the kills too
ROWS = Subspace(("rows",))
STAMPS = Subspace(("stamps",))
ROOT = Path(__file__).resolve().parents[2]


async def write(folder: str, life: int) -> None:
    """Be the child: write from many tasks until killed, reporting each acknowledged transaction on standard output."""
    engine = await open_engine(f"embedded:{folder}", clock=SystemClock(), options=EngineOptions(map_bytes=MAP_BYTES))
    os.write(1, b"ready\n")
    await asyncio.gather(*(_writer(engine, life, number) for number in range(WRITERS)))


async def _writer(engine: Engine, life: int, number: int) -> None:
    chance = random.Random(f"{life}/{number}")  # noqa: S311 -- a plan of writes, no secret
    turn = 0
    while True:
        count = chance.randint(1, ROWS_MAX)
        name = f"{life}.{number}.{turn}"
        await engine.transact(lambda tr, n=name, c=count: _put(tr, n, c), background=number % 4 == 0)  # type: ignore[misc]  # mypy can not infer a default in a lambda
        os.write(1, f"{name} {count}\n".encode())
        turn += 1


def _put(tr: Transaction, name: str, count: int) -> None:
    for index in range(count):
        tr.set(ROWS.pack((name, index)), str(count).encode().ljust(200, b"."))
    tr.versionstamped_key(*_stamp_place(), name.encode())


def _stamp_place() -> tuple[bytes, bytes]:
    return STAMPS.raw, b""


class Observer:
    """Remembers, over all lives of a store, what was acknowledged and which stamps were seen."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, int] = {}
        self.stamps: dict[bytes, str] = {}

    async def look(self, folder: Path) -> None:
        """Open the store and check all of it against what is remembered."""
        engine = await open_engine(f"embedded:{folder}", clock=SystemClock())
        try:
            await engine.read(self._check, background=True)
        finally:
            await engine.close()

    def _check(self, tr: ReadTransaction) -> None:
        found: dict[str, tuple[int, int]] = {}
        for key, value in tr.get_range(*ROWS.range()):
            name = str(ROWS.unpack(key)[0])
            rows, _ = found.get(name, (0, 0))
            found[name] = rows + 1, int(value.rstrip(b"."))
        for name, (rows, written) in found.items():
            assert rows == written, f"transaction {name} is there in part: {rows} of {written} rows"
        lost = [name for name, count in self.acknowledged.items() if found.get(name, (0, 0))[0] != count]
        assert not lost, f"{len(lost)} acknowledged transactions are lost, the first: {lost[0]}"
        self._check_stamps(
            {key[len(STAMPS.raw) :]: value.decode() for key, value in tr.get_range(*_span())}, set(found)
        )

    def _check_stamps(self, stamps: dict[bytes, str], names: set[str]) -> None:
        assert set(stamps.values()) == names, "rows and versionstamps do not tell of the same transactions"
        for stamp, name in self.stamps.items():
            assert stamps.get(stamp) == name, f"versionstamp {stamp.hex()} was {name}'s"
        newest = max(self.stamps, default=b"")
        for stamp, name in stamps.items():
            assert stamp in self.stamps or stamp > newest, f"versionstamp {stamp.hex()} of {name} goes back"
        self.stamps = stamps


def _span() -> tuple[bytes, bytes]:
    return STAMPS.raw, STAMPS.raw + b"\xff" * 11


def one_life(folder: Path, life: int, chance: random.Random, observer: Observer) -> None:
    """Start the child, kill it at a random moment, and take note of what it reported."""
    command = [sys.executable, "-m", "tests.contract.crash", "--child", str(folder), "--life", str(life)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    try:
        if chance.random() < 0.9:
            child.stdout.readline()
        time.sleep(chance.random() * 0.15)
    finally:
        child.send_signal(signal.SIGKILL)
        reported = child.stdout.read().decode()
        child.stdout.close()
        child.wait()
    for line in reported.splitlines(keepends=True):
        if line.endswith("\n") and line != "ready\n":
            name, count = line.split()
            observer.acknowledged[name] = int(count)


def run(kills: int, seed: int, folder: Path) -> Observer:
    """Kill the writing process so many times and check the store after each."""
    chance = random.Random(seed)  # noqa: S311 -- a plan of kills, no secret
    observer = Observer()
    for life in range(kills):
        one_life(folder, life, chance, observer)
        asyncio.run(observer.look(folder))
        if sys.stdout.isatty() or (life + 1) % 50 == 0:
            sys.stdout.write(
                f"\r{life + 1} kills, {len(observer.acknowledged)} acknowledged, {len(observer.stamps)} found\n"
            )
            sys.stdout.flush()
    return observer


def main() -> int:
    """Run the marathon, or be its child."""
    parser = argparse.ArgumentParser(prog="scripts/crash", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--life", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        asyncio.run(write(options.child, options.life))
        return 0
    with tempfile.TemporaryDirectory(prefix="sidecar-crash-") as folder, contextlib.chdir(ROOT):
        observer = run(options.kills, options.seed, Path(folder) / "store")
    sys.stdout.write(f"{options.kills} kills: {len(observer.acknowledged)} acknowledged transactions, all there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
