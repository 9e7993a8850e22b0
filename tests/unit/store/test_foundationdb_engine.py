"""What the engine makes of a cluster that can't be had here: answers of the binding, as it documents them."""

import asyncio
import threading
from pathlib import Path

import pytest

from sidecar.errors import ConflictError, LimitExceededError, StoreFormatError, TransactionError, UnavailableError
from sidecar.store.backup import BackupWriter, Header, check
from sidecar.store.engine import Transaction
from tests.clocks import FakeClock
from tests.unit.store.binding import CLUSTER_VERSION, Cluster, FDBError, engine_on


@pytest.mark.parametrize("stored", [None, b"", b"1"])
async def test_a_value_is_plain_bytes_and_an_absent_one_is_none(stored: bytes | None) -> None:
    engine = engine_on(Cluster(get=stored))

    assert await engine.transact(lambda tr: [tr.get(b"a"), *tr.get_many([b"a", b"b"])]) == [stored] * 3

    await engine.close()


async def test_a_transaction_raises_a_time_out_by_its_number() -> None:
    engine = engine_on(Cluster(get=FDBError(1031), on_error=FDBError(1031)))
    tr = engine.begin()

    with pytest.raises(TransactionError) as read:
        tr.get(b"a")
    with pytest.raises(TransactionError) as tried_again:
        tr.on_error(read.value.number)

    assert (read.value.number, tried_again.value.number) == (1031, 1031)
    await engine.close()


async def test_a_time_out_says_that_the_cluster_did_not_answer() -> None:
    engine = engine_on(Cluster(get=FDBError(1031), on_error=FDBError(1031)))

    with pytest.raises(UnavailableError, match="did not answer within"):
        await engine.transact(lambda tr: tr.get(b"a"))

    await engine.close()


@pytest.mark.parametrize(("error", "says"), [(1020, "not_committed"), (1007, "longer than the five seconds")])
async def test_a_time_out_of_who_tried_again_and_again_says_why_they_did(error: int, says: str) -> None:
    engine = engine_on(Cluster(get=[FDBError(error), FDBError(1031)], on_error=[None, FDBError(1031)]))

    with pytest.raises(TransactionError, match=says) as raised:
        await engine.read(lambda tr: tr.get(b"a"))

    assert raised.value.number == error
    await engine.close()


@pytest.mark.parametrize(("is_committed", "runs"), [(True, 1), (False, 2)])
async def test_an_unknown_commit_is_run_again_only_when_it_was_not_done(is_committed: bool, runs: int) -> None:
    rows: dict[bytes, bytes] = {}
    cluster = Cluster(commit=[FDBError(1021)], get=rows.get)
    if is_committed:
        cluster.rows = rows
    engine, ran = engine_on(cluster), []

    def body(tr: Transaction) -> int:
        tr.set(b"a", b"1")
        ran.append(tr)
        return len(ran)

    assert await engine.transact(body) == runs
    assert len(ran) == runs
    await engine.close()


@pytest.mark.parametrize("error", [1021, 1031, 1039])
async def test_a_commit_of_which_nobody_can_tell_whether_it_was_done_says_so(error: int) -> None:
    engine = engine_on(Cluster(commit=[FDBError(error)], on_error=FDBError(1031)))

    with pytest.raises(TransactionError, match="did not tell whether this was stored") as raised:
        await engine.transact(lambda tr: tr.set(b"a", b"1"))

    assert raised.value.number == 1021
    await engine.close()


@pytest.mark.parametrize(("waited_seconds", "timeouts_ms"), [(5, [8_000, 3_000]), (60, [8_000])])
async def test_the_time_of_a_transaction_begins_when_it_is_asked_for(
    waited_seconds: int, timeouts_ms: list[int]
) -> None:
    clock, cluster, begun, go_on = FakeClock(), Cluster(), threading.Event(), threading.Event()
    engine = engine_on(cluster, clock, threads_max=1)

    def occupy(_tr: object) -> bool:
        begun.set()
        return go_on.wait(30)

    occupying = asyncio.ensure_future(engine.read(occupy))
    late = asyncio.ensure_future(engine.read(lambda tr: tr.get(b"a")))
    assert await asyncio.to_thread(begun.wait, 30)
    clock.move(waited_seconds)
    go_on.set()

    assert await occupying
    (answer,) = await asyncio.gather(late, return_exceptions=True)
    assert isinstance(answer, UnavailableError if waited_seconds > 8 else type(None)), answer
    assert cluster.timeouts_ms == timeouts_ms
    await engine.close()


async def test_closing_ends_what_waits_for_the_cluster() -> None:
    asked, cancelled = threading.Event(), threading.Event()

    def wait(_key: bytes) -> FDBError:
        asked.set()
        assert cancelled.wait(30)
        return FDBError(1025)

    engine = engine_on(Cluster(get=wait, cancel=cancelled.set, on_error=FDBError(1025)))
    reading = asyncio.ensure_future(engine.read(lambda tr: tr.get(b"a")))
    assert await asyncio.to_thread(asked.wait, 30)

    await engine.close()

    with pytest.raises(UnavailableError, match="closed"):
        await reading


async def test_closing_lets_a_commit_go_on() -> None:
    committing, go_on, cancelled = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        committing.set()
        assert go_on.wait(30)

    engine = engine_on(Cluster(commit=[wait], cancel=cancelled.set))
    writing = asyncio.ensure_future(engine.transact(lambda tr: tr.set(b"a", b"1")))
    assert await asyncio.to_thread(committing.wait, 30)
    closing = asyncio.ensure_future(engine.close())
    await asyncio.sleep(0)
    go_on.set()

    await asyncio.gather(writing, closing)
    assert not cancelled.is_set()


async def test_a_store_of_a_newer_format_is_refused_and_left_alone() -> None:
    cluster = Cluster(get=b'{"format": 7, "epoch": "x"}')
    engine = engine_on(cluster)

    with pytest.raises(StoreFormatError, match=r"format 7.*up to 1"):
        engine.load_record()

    assert cluster.rows == {}
    await engine.close()


async def test_a_watch_is_made_in_a_thread() -> None:
    cluster = Cluster()
    engine = engine_on(cluster)

    await engine.watch(b"a")

    assert cluster.threads
    assert threading.current_thread() not in cluster.threads
    await engine.close()


async def test_a_watch_too_many_says_so() -> None:
    engine = engine_on(Cluster(watch=FDBError(1032)))
    watch = await engine.watch(b"a")

    with pytest.raises(LimitExceededError, match="Too many"):
        await watch.changed()

    await engine.close()


async def test_a_backup_of_later_versions_than_the_clusters_is_refused_and_the_way_out_named(tmp_path: Path) -> None:
    with BackupWriter(tmp_path / "b", Header("epoch", CLUSTER_VERSION + 1)) as writer:
        writer.finish()
    engine = engine_on(Cluster())

    with pytest.raises(ConflictError, match=f"advanceversion {CLUSTER_VERSION + 1}"):
        engine.restore(tmp_path / "b", check(tmp_path / "b")[0], lambda _rows: None)

    await engine.close()
