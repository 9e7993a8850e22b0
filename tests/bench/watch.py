"""Watching, measured beside its floors: ``scripts/bench watch PATH``. PATH is read, never written."""

import argparse
import asyncio
import contextlib
import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import watchfiles

from sidecar.clock import SystemClock
from sidecar.daemon import running
from sidecar.feed.progress import ProgressBoard
from sidecar.ids import new_id
from sidecar.models.workspaces import Workspace
from sidecar.repositories.changes import Changes
from sidecar.repositories.files import Files
from sidecar.repositories.transactions import Database
from sidecar.store.opening import open_engine
from sidecar.watch.registry import Watchers
from tests.bench._floors import Environment, floor_first, floor_restart, git_status, row, walked, watchman

LATENCY_SAVES = 60
BURST_FILES = 5_000
IDLE_SECONDS = 60
LOOK_SECONDS = 0.003


def main(arguments: Sequence[str]) -> int:
    """Run the measurements that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="bench watch")
    parser.add_argument("path", type=Path, help="a tree of at least 50,000 files")
    parser.add_argument("--idle", type=int, default=IDLE_SECONDS, help="seconds of the idle measurement")
    options = parser.parse_args(arguments)
    root = options.path.resolve()
    files = walked(root)
    row("files", f"{len(files):,} in {root}")
    floor_first(root, files)  # warms the page cache
    first = min(floor_first(root, files) for _ in range(2))
    restart = min(floor_restart(root, files) for _ in range(3))
    row("floor: walk, read, hash in two threads", f"{first:.2f} s")
    row("floor: scandir and stat", f"{restart:.2f} s")
    git_status(root)
    watchman(root)
    with tempfile.TemporaryDirectory(prefix="sidecar-bench-") as made:
        store, tenant_id = f"embedded:{made}/store", new_id(SystemClock().now_ms())
        _scan_rows("ours: first index", _scan_apart(store, tenant_id, root), first)
        _scan_rows("ours: restart, nothing changed", _scan_apart(store, tenant_id, root), restart)
        running.run(_others(store, tenant_id, root, Path(made), options.idle))
    return 0


class Bench:
    """A watched folder over a store of its own."""

    def __init__(self, database: Database, root: Path, *, tenant_id: str | None = None) -> None:
        clock = SystemClock()
        self.database = database
        self.tenant = database.keyspace.tenant(tenant_id or new_id(clock.now_ms()))
        self.workspace = Workspace.new(tenant_id=self.tenant.tenant_id, path=str(root), now_ms=clock.now_ms())
        self.files = Files(self.tenant)
        self.changes = Changes(self.tenant)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Watchers]:
        """Watch while inside; the first scan may still go on."""
        watchers = Watchers(
            self.database,
            SystemClock(),
            lambda coroutine, *, name: asyncio.get_running_loop().create_task(coroutine, name=name),
            ProgressBoard(),
            environment=Environment(),
        )
        await watchers.start(self.workspace)
        try:
            yield watchers
        finally:
            await watchers.close()

    async def scanned(self, watchers: Watchers) -> None:
        """Wait until the first comparison has ended."""
        while watchers.progress(self.workspace.id).state != "watching":  # noqa: ASYNC110 - the progress has no event
            await asyncio.sleep(0.005)

    async def known(self) -> int:
        """Return how many files the index holds."""
        entries = await self.database.read(
            lambda tr: self.files.list_entries(tr, self.workspace.path, limit=1_000_000), background=True
        )
        return sum(not entry.is_deleted for entry in entries)


class Scan(NamedTuple):
    """What one comparison of everything took."""

    seconds: float
    held: "Held"
    private_mb: float


def _scan_apart(store: str, tenant_id: str, root: Path) -> Scan:
    """Open a store in a process that has done nothing else, and compare everything with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_scan_here, store, tenant_id, root).result()


def _scan_here(store: str, tenant_id: str, root: Path) -> Scan:
    return running.run(_scan_store(store, tenant_id, root))


async def _scan_store(store: str, tenant_id: str, root: Path) -> Scan:
    clock = SystemClock()
    engine = await open_engine(store, clock=clock)
    try:
        return await _timed_scan(Bench(Database(engine, clock), root, tenant_id=tenant_id))
    finally:
        await engine.close()


async def _others(store: str, tenant_id: str, root: Path, made: Path, idle_seconds: int) -> None:
    clock = SystemClock()
    engine = await open_engine(store, clock=clock)
    running.settle()
    try:
        bench = Bench(Database(engine, clock), root, tenant_id=tenant_id)
        row("files in the index", f"{await bench.known():,}")
        await _latency(bench.database, made / "latency")
        await _burst(bench.database, made / "burst")
        await _idle(bench, idle_seconds)
    finally:
        await engine.close()


def _scan_rows(name: str, scan: Scan, floor: float) -> None:
    row(name, f"{scan.seconds:.2f} s, {scan.seconds / floor:.1f} x floor")
    row("  private memory behind it", f"{scan.private_mb:.0f} MB")
    _held_row(scan.held)


async def _timed_scan(bench: Bench) -> Scan:
    gc.collect()
    running.settle()
    async with _loop_holds() as held:
        began = time.perf_counter()
        async with bench.watching() as watchers:
            await bench.scanned(watchers)
            seconds = time.perf_counter() - began
            private_mb = await asyncio.to_thread(_private_mb)  # it takes 20 ms, and is no part of what is measured
    return Scan(seconds, held, private_mb)


@dataclass
class Held:
    """How much later than asked sleepers woke at the worst, in seconds.

    Attributes:
        loop: One on the event loop.
        queued: For how long, of that, the loop's thread was ready to run and no processor was free.
        process: One in a process of its own, of the same priority.
    """

    loop: float = 0.0
    queued: float = 0.0
    process: float = 0.0


_SLEEPER = """
import select, sys, time
worst = 0.0
while True:
    began = time.perf_counter()
    if select.select([sys.stdin], [], [], {seconds})[0]:
        break
    worst = max(worst, time.perf_counter() - began - {seconds})
print(worst)
"""


@asynccontextmanager
async def _loop_holds() -> AsyncIterator[Held]:
    """Measure holds of the event loop, seldom enough to slow nothing down, and what the machine does by itself."""
    held = Held()

    async def sleep() -> None:
        while True:
            queued, began = _queued(), time.perf_counter()
            await asyncio.sleep(LOOK_SECONDS)
            late = time.perf_counter() - began - LOOK_SECONDS
            if late > held.loop:
                held.loop, held.queued = late, _queued() - queued

    command = [sys.executable, "-I", "-S", "-c", _SLEEPER.format(seconds=LOOK_SECONDS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    task = asyncio.get_running_loop().create_task(sleep())
    try:
        yield held
    finally:
        task.cancel()
        held.process = float(process.communicate()[0])


def _queued() -> float:
    """Return for how long this thread has waited for a processor so far, in seconds; 0 where nobody tells."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_bytes().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0


def _held_row(held: Held) -> None:
    told = (
        f"{held.loop * 1000:.0f} ms, of it without a free processor: {held.queued * 1000:.0f} ms; "
        f"a process that only sleeps: {held.process * 1000:.0f} ms"
    )
    row("  longest hold of the event loop", told)


async def _latency(database: Database, root: Path) -> None:
    """From the end of a save until the change can be pushed (committed, its row visible), and raw watchfiles beside."""
    _make_tree(root, 1_000)
    bench = Bench(database, root)
    async with bench.watching() as watchers:
        await bench.scanned(watchers)
        await asyncio.sleep(2.5)  # second looks at young files are over
        ours = [await _save_to_push(bench, root, number) for number in range(LATENCY_SAVES)]
    raw = await _raw_latency(root)
    for name, times in (("save to push", ours), ("raw watchfiles (its defaults)", raw)):
        ordered = sorted(times)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        row(name, f"p50 {statistics.median(ordered) * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")


async def _save_to_push(bench: Bench, root: Path, number: int) -> float:
    path = root / f"d{number % 10}" / f"f{number % 100}"
    before = await bench.database.read(bench.changes.head)
    watch = await bench.database.engine.watch(bench.changes.head_key)
    path.write_text(f"saved {number}")
    began = time.perf_counter()
    await watch.changed()
    while await bench.database.read(bench.changes.head) == before:  # noqa: ASYNC110 - one turn of the loop
        await asyncio.sleep(0)
    seconds = time.perf_counter() - began
    await asyncio.sleep(0.05)
    return seconds


async def _raw_latency(root: Path) -> list[float]:
    times: list[float] = []
    stop = asyncio.Event()
    seen = asyncio.Event()

    async def follow() -> None:
        async for _ in watchfiles.awatch(root, stop_event=stop):
            seen.set()

    task = asyncio.get_running_loop().create_task(follow())
    await asyncio.sleep(0.5)
    for number in range(LATENCY_SAVES):
        seen.clear()
        (root / "d0" / f"f{number % 100}0").write_text(f"raw {number}")
        began = time.perf_counter()
        await seen.wait()
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    stop.set()
    await task
    return times


async def _burst(database: Database, root: Path) -> None:
    _make_tree(root, BURST_FILES)
    files = [f"d{number % 10}/f{number}".encode() for number in range(BURST_FILES)]
    floor = floor_first(root, files)
    bench = Bench(database, root)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(os.getpid).result()
        async with bench.watching() as watchers:
            await bench.scanned(watchers)
            await asyncio.sleep(3)
            before = {entry.path: entry.checksum for entry in await _entries(bench)}
            told = await bench.database.read(bench.changes.count)
            async with _loop_holds() as held:
                await asyncio.wrap_future(process.submit(_make_tree, root, BURST_FILES, b"again"))
                began = time.perf_counter()
                while await bench.database.read(bench.changes.count) < told + BURST_FILES:  # noqa: ASYNC110 - one short read
                    await asyncio.sleep(0.01)
            while any(entry.checksum == before[entry.path] for entry in await _entries(bench)):  # noqa: ASYNC110 - mostly none
                await asyncio.sleep(0.02)
            seconds = time.perf_counter() - began
    row(f"burst of {BURST_FILES:,} settled", f"{seconds:.2f} s; floor {floor:.2f} s, allowed {3 * floor + 1:.2f} s")
    _held_row(held)


async def _entries(bench: Bench) -> list[Any]:
    return await bench.database.read(
        lambda tr: bench.files.list_entries(tr, bench.workspace.path, limit=1_000_000), background=True
    )


def _make_tree(root: Path, count: int, extra: bytes = b"") -> None:
    for number in range(count):
        path = root / f"d{number % 10}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content %d " % number * 50 + extra)


async def _idle(bench: Bench, seconds: int) -> None:
    async with bench.watching() as watchers:
        await bench.scanned(watchers)
        await asyncio.sleep(3)
        before = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.sleep(seconds)
        after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wakes = after.ru_nvcsw - before.ru_nvcsw
    row(f"idle for {seconds} s", f"{used:.3f} s of processor time, {wakes / seconds:.1f} wake-ups a second")


def _private_mb() -> float:
    """Return the memory that is this process's alone; the store's map is page cache, which the system takes back."""
    with contextlib.suppress(FileNotFoundError):
        kilobytes = 0
        counts = True
        for line in Path("/proc/self/smaps").read_text().splitlines():
            words = line.split()
            if not words[0].endswith(":"):
                counts = not line.endswith("/data.mdb")
            elif counts and words[0] in ("Private_Clean:", "Private_Dirty:"):
                kilobytes += int(words[1])
        return kilobytes / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
