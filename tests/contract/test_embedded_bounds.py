"""What the embedded engine bounds: the map, the window of conflicts, the age of readers, and idleness."""

import asyncio
import gc
import threading
import tracemalloc
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.clock import SystemClock
from sidecar.errors import TransactionError
from sidecar.store.embedded.create import open_embedded
from sidecar.store.embedded.engine import EmbeddedEngine
from sidecar.store.embedded.ranges import RangeSet
from sidecar.store.engine import ReadTransaction, Transaction
from sidecar.store.options import EngineOptions
from tests.clocks import FakeClock

SMALL_MAP_BYTES = 256 * 1_024


def opened(folder: Path, *, clock: FakeClock | None = None, map_bytes: int = 0) -> EmbeddedEngine:
    return open_embedded(folder, clock=clock or SystemClock(), options=EngineOptions(map_bytes=map_bytes))


def fill(tr: Transaction, start: int, count: int) -> None:
    for number in range(start, start + count):
        tr.set(number.to_bytes(4, "big"), number.to_bytes(4, "big") * 100)


def all_rows(tr: ReadTransaction) -> list[tuple[bytes, bytes]]:
    return tr.get_range(b"", b"\xff")


async def test_the_map_grows_under_writers_and_readers_in_threads_and_nothing_is_lost(tmp_path: Path) -> None:
    engine = opened(tmp_path, map_bytes=SMALL_MAP_BYTES)
    stop = threading.Event()
    seen: list[int] = []

    def count(tr: ReadTransaction) -> int:
        rows = all_rows(tr)
        assert all(value == key * 100 for key, value in rows)
        again = all_rows(tr)
        assert again == rows
        return len(rows)

    async def reader() -> None:
        while not stop.is_set():
            seen.append(await engine.read(count, background=True))

    readers = [asyncio.ensure_future(reader()) for _ in range(3)]
    for start in range(0, 20_000, 500):
        await engine.transact(lambda tr, at=start: fill(tr, at, 500))  # type: ignore[misc]  # mypy can not infer a default in a lambda
    stop.set()
    await asyncio.gather(*readers)

    assert engine.sizes()["map_bytes"] >= 16 * SMALL_MAP_BYTES
    assert len(seen) > 3
    assert len(await engine.read(all_rows)) == 20_000
    await engine.close()


async def test_one_transaction_larger_than_the_map_grows_it(tmp_path: Path) -> None:
    engine = opened(tmp_path, map_bytes=SMALL_MAP_BYTES)

    await engine.transact(lambda tr: fill(tr, 0, 10_000))

    assert len(await engine.read(all_rows)) == 10_000
    await engine.close()
    again = opened(tmp_path, map_bytes=SMALL_MAP_BYTES)
    assert len(await again.read(all_rows)) == 10_000
    await again.close()


async def test_an_open_transaction_whose_snapshot_growth_has_ended_reads_1007_and_retries(tmp_path: Path) -> None:
    engine = opened(tmp_path, map_bytes=SMALL_MAP_BYTES)
    tr = engine.begin()
    assert tr.get(b"a") is None
    await engine.transact(lambda tr: fill(tr, 0, 10_000))

    with pytest.raises(TransactionError) as caught:
        tr.get(b"a")
    assert caught.value.number == 1007

    tr.on_error(1007)
    assert tr.get((0).to_bytes(4, "big")) is not None
    tr.cancel()
    await engine.close()


async def test_a_reader_older_than_the_window_gets_1007_once_others_commit(tmp_path: Path) -> None:
    clock = FakeClock()
    engine = opened(tmp_path, clock=clock)
    old_reader, old_writer = engine.begin(), engine.begin()
    for tr in (old_reader, old_writer):
        assert tr.get(b"a") is None
    clock.move(limits.store_read_window_seconds + 1)
    assert old_reader.get(b"a") is None  # nothing was committed, so it keeps nothing from being used again
    await engine.transact(lambda tr: tr.set(b"b", b"1"))
    clock.move(limits.store_read_window_seconds + 1)
    await engine.transact(lambda tr: tr.set(b"b", b"2"))

    with pytest.raises(TransactionError) as caught:
        old_reader.get(b"a")
    assert caught.value.number == 1007
    old_writer.set(b"c", b"1")
    with pytest.raises(TransactionError) as caught:
        old_writer.commit()
    assert caught.value.number == 1007
    await engine.close()


async def test_pages_are_used_again_while_a_reader_is_leaked(tmp_path: Path) -> None:
    clock = FakeClock()
    engine = opened(tmp_path, clock=clock)
    leaked = engine.begin()
    leaked.get(b"a")
    sizes = []
    for _ in range(60):
        clock.move(1)
        await engine.transact(lambda tr: fill(tr, 0, 500))
        sizes.append(engine.sizes()["used_bytes"])

    assert sizes[-1] == sizes[20]
    await engine.close()


async def test_a_day_of_idleness_grows_nothing(tmp_path: Path) -> None:
    """One commit a minute for 24 hours of a held clock: a heartbeat of somebody else, and nothing of ours."""
    clock = FakeClock()
    engine = opened(tmp_path, clock=clock)
    await engine.transact(lambda tr: fill(tr, 0, 1_000))

    async def minute() -> None:
        clock.move(60)
        await engine.transact(lambda tr: tr.set(b"heartbeat", clock.now_ms().to_bytes(8, "big")))
        assert await engine.read(lambda tr: tr.get(b"heartbeat")) is not None

    for _ in range(120):
        await minute()
    gc.collect()
    tracemalloc.start()
    file_bytes = (tmp_path / "data.mdb").stat().st_size
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(24 * 60 - 120):
        await minute()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert engine.window_size() <= 1
    assert (tmp_path / "data.mdb").stat().st_size == file_bytes
    assert after - before < 50_000
    await engine.close()


async def test_an_idle_engine_has_no_thread_that_wakes_up(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    await engine.transact(lambda tr: tr.set(b"a", b"1"))
    await asyncio.sleep(0)
    writer = next(thread for thread in threading.enumerate() if thread.name == "sidecar-store-writer")

    switches = [_switches(writer) for _ in range(2)]
    await asyncio.sleep(0.5)
    assert _switches(writer) <= switches[1] + 1  # it may still have been on its way to sleep
    await engine.close()


def _switches(thread: threading.Thread) -> int:
    """Return how often the system has put a thread to sleep."""
    status = Path(f"/proc/self/task/{thread.native_id}/status")
    if not status.exists():
        pytest.skip("this system does not tell")
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(fields["voluntary_ctxt_switches"])


async def test_a_body_that_always_outlives_the_window_is_given_up_with_1007(tmp_path: Path) -> None:
    clock = FakeClock()
    engine = opened(tmp_path, clock=clock)
    loop = asyncio.get_running_loop()
    runs = 0

    def slow(tr: ReadTransaction) -> None:
        nonlocal runs
        runs += 1
        tr.get(b"a")
        clock.move(limits.store_read_window_seconds + 1)
        writing = asyncio.run_coroutine_threadsafe(engine.transact(lambda tr: tr.set(b"b", b"1")), loop)
        writing.result(30)
        tr.get(b"a")

    with pytest.raises(TransactionError) as caught:
        await engine.read(slow, background=True)

    assert caught.value.number == 1007
    assert runs == limits.store_too_old_retries_max + 1
    await engine.close()


async def test_long_work_on_snapshots_in_threads_lets_the_event_loop_run_between_its_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "turn_seconds", 0.0)
    engine = opened(tmp_path)
    loop = asyncio.get_running_loop()
    turns = 0
    going = True

    def count() -> None:
        nonlocal turns
        turns += 1
        if going:
            loop.call_soon(count)

    def body(tr: ReadTransaction) -> list[int]:
        seen = []
        for _ in range(300):
            tr.get(b"key")
            tr.get_many([b"key"])
            tr.get_range(b"a", b"z")
            seen.append(turns)
        return seen

    count()
    for background in (engine.read, engine.transact):
        seen = await background(body, background=True)
        assert len(set(seen)) == 300
    going = False
    await engine.close()


async def test_what_a_transaction_has_read_is_looked_at_once_however_often_it_reads_under_its_own_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = 0

    class Counting(RangeSet):
        __slots__ = ()

        def add(self, begin: bytes, end: bytes) -> None:
            nonlocal noted
            noted += 1
            super().add(begin, end)

    monkeypatch.setattr("sidecar.store.embedded.reads.RangeSet", Counting)
    engine = opened(tmp_path)

    def read_and_write(tr: Transaction) -> None:
        for number in range(300):
            key = number.to_bytes(4, "big")
            assert tr.get(key) is None
            tr.set(key, b"")
            assert tr.get_range(key, key + b"\xff", limit=1) == [(key, b"")]

    await engine.transact(read_and_write)
    assert 0 < noted < 2_000, "a few for each of the 300 reads"
    await engine.close()
