"""The embedded store beside raw LMDB, in one run on one disk: what the contract costs.

Prints for each line what raw py-lmdb does, what the engine does, their ratio, and the bar that the project holds
itself to.
"""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import lmdb

from sidecar.clock import SystemClock
from sidecar.store.engine import Engine, ReadTransaction, Transaction
from sidecar.store.opening import open_engine

VALUE_BYTES = 120
RANGE_ROWS = 100
WRITE_ROWS = 1_000
WRITERS = 64


def key(number: int) -> bytes:
    """Return a key of the usual length."""
    return b"\x02sidecar\x00\x15\x01\x02files\x00" + number.to_bytes(8, "big")


def main(arguments: list[str]) -> int:
    """Run all measurements."""
    parser = argparse.ArgumentParser(prog="scripts/bench store")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large store")
    parser.add_argument("--folder", type=Path, default=None, help="where to make the stores (default: a temporary one)")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="sidecar-bench-", dir=options.folder))
    try:
        asyncio.run(_all(folder, options.rows))
    finally:
        shutil.rmtree(folder)
    return 0


async def _all(folder: Path, rows: int) -> None:
    _print(f"{'measurement':44}{'raw LMDB':>14}{'engine':>14}{'ratio':>8}  bar")
    small, small_raw = await _filled(folder / "small", 10_000), _raw(folder / "small-raw", 10_000)
    await _reads(small, small_raw, 10_000)
    await _writes(small, small_raw)
    await _group_commit(small)
    small_read, small_write = await _per_row(small, 10_000)
    await small.close()
    small_raw.close()
    large = await _filled(folder / "large", rows)
    large_read, large_write = await _per_row(large, rows)
    await large.close()
    _print(f"{'':44}{'10,000 rows':>14}{f'{rows:,} rows':>14}{'ratio':>8}  bar")
    _line("read, µs a row of 100-row ranges", small_read, large_read, large_read / small_read, "<= 1.5")
    _line("write, µs a row of 1,000-row transactions", small_write, large_write, large_write / small_write, "<= 1.5")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _line(name: str, left: float, right: float, ratio: float, bar: str) -> None:
    _print(f"{name:44}{left:>14,.2f}{right:>14,.2f}{ratio:>8.2f}  {bar}")


def _raw(folder: Path, rows: int) -> "lmdb.Environment":
    environment = lmdb.open(str(folder), map_size=2**36, meminit=False)
    with environment.begin(write=True) as txn:
        for number in range(rows):
            txn.put(key(number), os.urandom(VALUE_BYTES))
    return environment


async def _filled(folder: Path, rows: int) -> Engine:
    engine = await open_engine(f"embedded:{folder}", clock=SystemClock())
    for start in range(0, rows, 10_000):
        await engine.transact(lambda tr, at=start: _put(tr, range(at, min(at + 10_000, rows))), background=True)  # type: ignore[misc]  # mypy can not infer a default in a lambda
    return engine


def _put(tr: Transaction, numbers: range) -> None:
    for number in numbers:
        tr.set(key(number), os.urandom(VALUE_BYTES))


async def _rate(work: Callable[[], Awaitable[None]], *, count: int, rounds: int = 5) -> float:
    """Return the best of some rounds, in operations a second: the others met a neighbour."""
    best = 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        await work()
        best = max(best, count / (time.perf_counter() - start))
    return best


async def _reads(  # noqa: C901 -- two kinds of reads, each twice
    engine: Engine, raw: "lmdb.Environment", rows: int
) -> None:
    order = random.Random(1)  # noqa: S311 -- an order of reads, no secret
    points = [key(order.randrange(rows)) for _ in range(20_000)]
    starts = [order.randrange(rows - RANGE_ROWS) for _ in range(1_000)]
    ranges = [(key(start), key(start + RANGE_ROWS)) for start in starts]

    async def raw_points() -> None:
        for wanted in points:
            with raw.begin() as txn:
                txn.get(wanted)

    async def engine_points() -> None:
        for wanted in points:
            await engine.read(lambda tr, at=wanted: tr.get(at))  # type: ignore[misc]  # the same

    async def raw_ranges() -> None:
        for begin, end in ranges:
            with raw.begin() as txn, txn.cursor() as cursor:
                cursor.set_range(begin)
                found = []
                for row in cursor.iternext():
                    if row[0] >= end:
                        break
                    found.append(row)

    async def engine_ranges() -> None:
        for begin, end in ranges:
            await engine.read(lambda tr, low=begin, high=end: tr.get_range(low, high))  # type: ignore[misc]  # the same

    left, right = await _rate(raw_points, count=len(points)), await _rate(engine_points, count=len(points))
    _line("point reads a second", left, right, right / left, ">= 0.4")
    left, right = await _rate(raw_ranges, count=len(ranges)), await _rate(engine_ranges, count=len(ranges))
    _line("100-row ranges a second", left, right, right / left, ">= 0.4")


async def _writes(engine: Engine, raw: "lmdb.Environment") -> None:
    count = 50
    value = os.urandom(VALUE_BYTES)
    order = random.Random(2)  # noqa: S311 -- the same
    batches = [[key(order.randrange(2**40)) for _ in range(WRITE_ROWS)] for _ in range(count)]

    async def raw_writes() -> None:
        for batch in batches:
            with raw.begin(write=True) as txn:
                for written in batch:
                    txn.put(written, value)

    async def engine_writes() -> None:
        for batch in batches:
            await engine.transact(lambda tr, rows=batch: _set_all(tr, rows, value))  # type: ignore[misc]  # the same

    left = await _rate(raw_writes, count=count * WRITE_ROWS, rounds=3)
    right = await _rate(engine_writes, count=count * WRITE_ROWS, rounds=3)
    _line("rows a second in 1,000-row transactions", left, right, right / left, ">= 0.25")


def _set_all(tr: Transaction, rows: list[bytes], value: bytes) -> None:
    for row in rows:
        tr.set(row, value)


async def _group_commit(engine: Engine) -> None:
    async def writer(number: int, commits: int) -> None:
        for commit in range(commits):
            await engine.transact(lambda tr, n=number, c=commit: tr.set(key(n), c.to_bytes(4, "big")))  # type: ignore[misc]  # the same

    async def one() -> None:
        await writer(0, 200)

    async def many() -> None:
        await asyncio.gather(*(writer(number, 50) for number in range(WRITERS)))

    left = await _rate(one, count=200, rounds=3)
    right = await _rate(many, count=50 * WRITERS, rounds=3)
    _line("commits a second, 1 writer | 64 writers", left, right, right / left, ">= 8")


async def _per_row(engine: Engine, rows: int) -> tuple[float, float]:
    """Return microseconds a row for reads of ranges and for writes of transactions, at random places."""
    order = random.Random(3)  # noqa: S311 -- the same
    reads: list[float] = []
    for _ in range(300):
        start = order.randrange(rows - RANGE_ROWS)
        at = time.perf_counter()
        await engine.read(lambda tr, n=start: _scan(tr, n))  # type: ignore[misc]  # the same
        reads.append((time.perf_counter() - at) / RANGE_ROWS)
    writes: list[float] = []
    for _ in range(40):
        start = order.randrange(rows - WRITE_ROWS)
        at = time.perf_counter()
        await engine.transact(lambda tr, n=start: _put(tr, range(n, n + WRITE_ROWS)))  # type: ignore[misc]  # the same
        writes.append((time.perf_counter() - at) / WRITE_ROWS)
    return 1e6 * statistics.quantiles(reads)[0], 1e6 * statistics.quantiles(writes)[0]  # others met a neighbour


def _scan(tr: ReadTransaction, start: int) -> int:
    return len(tr.get_range(key(start), key(start + RANGE_ROWS)))
