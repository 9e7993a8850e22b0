"""What callers of an engine rely on: retries, isolation, durability of answers, watches, versionstamps."""

import asyncio
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.clock import SystemClock
from sidecar.errors import TransactionError, UnavailableError
from sidecar.store.engine import AtomicOp, Engine, KeySelector, ReadTransaction, Transaction
from sidecar.store.opening import open_engine
from sidecar.store.tuples import strinc
from tests.examples import examples


def increment(tr: Transaction, key: bytes) -> int:
    count = int.from_bytes(tr.get(key) or b"", "little") + 1
    tr.set(key, count.to_bytes(8, "little"))
    return count


def _set(key: bytes, value: bytes, tr: Transaction) -> None:
    tr.set(key, value)


@pytest.mark.parametrize("background", [False, True])
async def test_no_increment_of_many_concurrent_ones_is_lost(engine: Engine, prefix: bytes, background: bool) -> None:
    counts = await asyncio.gather(
        *(engine.transact(lambda tr: increment(tr, prefix), background=background) for _ in range(40))
    )

    assert sorted(counts) == list(range(1, 41))
    assert await engine.read(lambda tr: tr.get(prefix)) == (40).to_bytes(8, "little")


async def test_blind_additions_never_conflict(engine: Engine, prefix: bytes) -> None:
    runs = 0

    def body(tr: Transaction) -> None:
        nonlocal runs
        runs += 1
        tr.atomic(AtomicOp.ADD, prefix, (1).to_bytes(8, "little"))

    await asyncio.gather(*(engine.transact(body) for _ in range(50)))

    assert runs == 50
    assert await engine.read(lambda tr: tr.get(prefix)) == (50).to_bytes(8, "little")


async def test_many_keys_are_read_in_their_order_absent_ones_too(engine: Engine, prefix: bytes) -> None:
    for name, value in ((b"a", b"1"), (b"b", b"2")):
        await engine.transact(partial(_set, prefix + name, value))
    keys = [prefix + b"b", prefix + b"none", prefix + b"a", prefix + b"b", prefix + b"x" * 600]

    assert await engine.read(lambda tr: tr.get_many(keys)) == [b"2", None, b"1", b"2", None]
    assert await engine.read(lambda tr: tr.get_many([])) == []
    with pytest.raises(TransactionError) as refused:
        await engine.read(lambda tr: tr.get_many([prefix, b"\xff\x02"]))
    assert refused.value.number == 2004


async def test_many_keys_that_are_read_conflict_as_one_does_and_show_own_writes(engine: Engine, prefix: bytes) -> None:
    reader = engine.begin()
    reader.set(prefix + b"own", b"mine")
    assert reader.get_many([prefix + b"own", prefix + b"other"]) == [b"mine", None]
    await engine.transact(lambda tr: tr.set(prefix + b"other", b"theirs"))
    with pytest.raises(TransactionError) as conflict:
        reader.commit()
    assert conflict.value.number == 1020

    careless = engine.begin()
    careless.set(prefix + b"own", b"mine")
    assert careless.get_many([prefix + b"other"], snapshot=True) == [b"theirs"]
    await engine.transact(lambda tr: tr.set(prefix + b"other", b"again"))
    careless.commit()


async def test_nothing_has_changed_while_the_newest_version_is_the_same(engine: Engine, prefix: bytes) -> None:
    before = engine.newest_version()
    await engine.read(lambda tr: tr.get(prefix))
    assert engine.newest_version() == before
    await engine.transact(lambda tr: tr.set(prefix, b"1"))
    assert before is None or engine.newest_version() != before


async def test_a_reader_sees_one_version_while_others_commit(engine: Engine, prefix: bytes) -> None:
    await engine.transact(lambda tr: tr.set(prefix + b"a", b"1"))
    reader = engine.begin()
    assert reader.get(prefix + b"a") == b"1"

    await engine.transact(lambda tr: tr.set(prefix + b"a", b"2"))
    await engine.transact(lambda tr: tr.set(prefix + b"b", b"2"))

    assert reader.get(prefix + b"a") == b"1"
    assert reader.get(prefix + b"b") is None
    reader.commit()  # it wrote nothing, so there is nothing to conflict


async def test_a_read_in_a_thread_sees_one_version(engine: Engine, prefix: bytes) -> None:
    await engine.transact(lambda tr: tr.set(prefix, b"1"))
    begun, go_on = threading.Event(), threading.Event()

    def body(tr: ReadTransaction) -> tuple[bytes | None, bytes | None]:
        first = tr.get(prefix)
        begun.set()
        assert go_on.wait(30)
        return first, tr.get(prefix)

    reading = asyncio.ensure_future(engine.read(body, background=True))
    await asyncio.get_running_loop().run_in_executor(None, begun.wait, 30)
    await engine.transact(lambda tr: tr.set(prefix, b"2"))
    go_on.set()

    assert await reading == (b"1", b"1")


async def test_write_skew_is_refused(engine: Engine, prefix: bytes) -> None:
    left, right = engine.begin(), engine.begin()
    assert left.get(prefix + b"r") is None
    assert right.get(prefix + b"l") is None
    left.set(prefix + b"l", b"1")
    right.set(prefix + b"r", b"1")

    left.commit()
    with pytest.raises(TransactionError) as caught:
        right.commit()

    assert caught.value.number == 1020


async def test_a_cancelled_caller_leaves_the_commit_whole(engine: Engine, prefix: bytes) -> None:
    def body(tr: Transaction) -> None:
        tr.set(prefix + b"a", b"1")
        tr.set(prefix + b"b", b"1")

    task = asyncio.ensure_future(engine.transact(body))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await engine.transact(lambda tr: tr.set(prefix + b"c", b"1"))  # behind it in the queue

    rows = await engine.read(lambda tr: tr.get_range(prefix, prefix + b"c"))
    assert len(rows) in (0, 2)


async def test_versionstamps_rise_and_equal_what_was_written(engine: Engine, prefix: bytes) -> None:
    stamps = []
    for _ in range(5):
        tr = engine.begin()
        tr.versionstamped_key(prefix, b"", b"")
        tr.commit()
        stamps.append(tr.versionstamp())

    assert stamps == sorted(set(stamps))
    rows = await engine.read(lambda tr: tr.get_range(prefix, prefix + b"\xff" * 11))
    assert [key[len(prefix) :] for key, _ in rows] == stamps


async def test_a_transaction_that_wrote_nothing_has_no_versionstamp(engine: Engine, prefix: bytes) -> None:
    tr = engine.begin()
    tr.get(prefix)
    tr.commit()

    with pytest.raises(TransactionError) as caught:
        tr.versionstamp()

    assert caught.value.number == 2021


async def test_what_was_committed_is_there_after_closing_and_opening(store_url: str) -> None:
    prefix = b"\x16" + os.urandom(8)
    engine = await open_engine(store_url, clock=SystemClock())
    await engine.transact(lambda tr: tr.set(prefix, b"1"))
    epoch = engine.epoch
    await engine.close()

    again = await open_engine(store_url, clock=SystemClock())
    assert await again.read(lambda tr: tr.get(prefix)) == b"1"
    assert again.epoch == epoch
    await again.transact(lambda tr: tr.clear(prefix))
    await again.close()


async def test_a_closed_engine_says_so_and_closes_twice(store_url: str, tmp_path: Path) -> None:
    engine = await open_engine(store_url, clock=SystemClock())
    await engine.close()
    await engine.close()

    with pytest.raises(UnavailableError, match="closed"):
        await engine.transact(lambda tr: tr.set(b"a", b"1"))
    with pytest.raises(UnavailableError, match="closed"):
        await engine.read(lambda tr: tr.get(b"a"))
    with pytest.raises(UnavailableError, match="closed"):
        await engine.backup(tmp_path / "b")


async def test_a_watch_ends_when_the_value_changes_and_not_before(engine: Engine, prefix: bytes) -> None:
    watch = await engine.watch(prefix)
    changed = asyncio.ensure_future(watch.changed())
    await engine.transact(lambda tr: tr.set(prefix + b"other", b"1"))
    assert not watch.fired(0.05)

    await engine.transact(lambda tr: tr.set(prefix, b"1"))

    await asyncio.wait_for(changed, 10)
    assert watch.fired(0)


async def test_a_watch_ends_once_for_all_its_waiters(engine: Engine, prefix: bytes) -> None:
    watch = await engine.watch(prefix)
    waiters = [asyncio.ensure_future(watch.changed()) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()

    await engine.transact(lambda tr: tr.set(prefix, b"1"))

    await asyncio.wait_for(asyncio.gather(*waiters[1:]), 10)


async def test_a_cancelled_watch_raises_1101(engine: Engine, prefix: bytes) -> None:
    watch = await engine.watch(prefix)
    watch.cancel()

    with pytest.raises(TransactionError) as caught:
        await asyncio.wait_for(watch.changed(), 10)

    assert caught.value.number == 1101


async def test_closing_ends_a_watch_with_an_error(store_url: str) -> None:
    prefix = b"\x16" + os.urandom(8)
    engine = await open_engine(store_url, clock=SystemClock())
    watch = await engine.watch(prefix)
    changed = asyncio.ensure_future(watch.changed())
    await asyncio.sleep(0)

    await engine.close()

    assert watch.fired(10)
    with pytest.raises(TransactionError) as caught:
        await asyncio.wait_for(changed, 10)
    assert caught.value.number == 1101


async def test_a_watch_of_a_transaction_that_conflicted_ends_with_an_error(engine: Engine, prefix: bytes) -> None:
    tr = engine.begin()
    watch = tr.watch(prefix)
    tr.set(prefix + b"x", b"1")
    await engine.transact(lambda other: other.set(prefix, b"1"))

    with pytest.raises(TransactionError):
        tr.commit()

    assert watch.fired(10)


async def test_an_inverted_conflict_range_is_2005(engine: Engine, prefix: bytes) -> None:
    tr = engine.begin()

    with pytest.raises(TransactionError) as caught:
        tr.add_read_conflict_range(prefix + b"b", prefix + b"a")

    assert caught.value.number == 2005


async def test_keys_of_the_system_are_2004(engine: Engine) -> None:
    tr = engine.begin()
    with pytest.raises(TransactionError) as caught:
        tr.get(b"\xff/status")
    assert caught.value.number == 2004

    tr.set(b"\xff/x", b"")
    with pytest.raises(TransactionError) as caught:
        tr.commit()
    assert caught.value.number == 2004


async def test_a_read_sees_what_a_commit_before_it_has_acknowledged(engine: Engine, prefix: bytes) -> None:
    assert await engine.read(lambda tr: tr.get(prefix)) is None
    tr = engine.begin()
    tr.set(prefix, b"1")
    tr.commit()

    assert await engine.read(lambda tr: tr.get(prefix)) == b"1"
    assert await engine.transact(lambda tr: tr.get(prefix)) == b"1"


KEYS = st.integers(0, 9).map(lambda number: bytes([number]))
WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.binary(max_size=2)),
        st.tuples(st.just("clear"), KEYS),
        st.tuples(st.just("clear_range"), KEYS, KEYS).filter(lambda write: write[1] <= write[2]),
        st.tuples(st.just("atomic"), KEYS, st.binary(min_size=1, max_size=2)),
    ),
    max_size=12,
)


@pytest.mark.hypothesis
@pytest.mark.timeout(300)
async def test_a_range_reads_the_same_whichever_way_an_engine_takes(engine: Engine, prefix: bytes) -> None:
    """An engine may have a short way for plain reads; a transaction with a versionstamped write can not take it."""
    stored = prefix + b"\x01"

    def key(raw: bytes) -> bytes:
        return stored + raw

    def write(tr: Transaction, writes: Any) -> None:
        for name, first, *rest in writes:
            if name == "atomic":
                tr.atomic(AtomicOp.ADD, key(first), rest[0])
            elif name == "clear_range":
                tr.clear_range(key(first), key(rest[0]))
            elif name == "set":
                tr.set(key(first), rest[0])
            else:
                tr.clear(key(first))

    @settings(max_examples=examples(150), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(WRITES, WRITES, KEYS, KEYS, st.integers(0, 4), st.booleans())
    def compare(before: Any, own: Any, begin: bytes, end: bytes, limit: int, reverse: bool) -> None:
        base = engine.begin()
        base.clear_range(stored, strinc(stored))
        write(base, before)
        base.commit()
        short, long = engine.begin(), engine.begin()
        long.versionstamped_key(prefix + b"\x00", b"", b"")  # before what is read
        answers = []
        for tr in (short, long):
            write(tr, own)
            answers.append(
                [
                    tr.get_range(key(begin), key(end), limit=limit, reverse=reverse),
                    tr.get_range(stored, strinc(stored), limit=limit, reverse=reverse),
                    tr.get_key(KeySelector.first_greater_or_equal(key(begin))),
                ]
            )
            tr.cancel()
        assert answers[0] == answers[1]

    compare()
