"""What fails in the embedded engine's writer: before a commit is durable it is refused, afterwards it can't fail."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any

import lmdb
import pytest

from sidecar.clock import SystemClock
from sidecar.errors import TransactionError, UnavailableError
from sidecar.store.embedded import writer
from sidecar.store.embedded.environment import Environment, Snapshot
from sidecar.store.engine import AtomicOp, Engine, Transaction
from sidecar.store.opening import open_engine

WRITER = "sidecar-store-writer"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    opened = await open_engine(f"embedded:{tmp_path}", clock=SystemClock())
    yield opened
    await opened.close()


async def test_a_commit_is_acknowledged_once_when_its_watches_can_not_be_looked_at(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watch, other = await engine.watch(b"a"), await engine.watch(b"b")
    take = Environment.snapshot

    def refuse(environment: Environment, *arguments: Any, **more: Any) -> Snapshot:
        if threading.current_thread().name == WRITER:
            raise UnavailableError("no reader slot is free")
        return take(environment, *arguments, **more)

    monkeypatch.setattr(Environment, "snapshot", refuse)
    runs = 0

    def body(tr: Transaction) -> None:
        nonlocal runs
        runs += 1
        tr.atomic(AtomicOp.ADD, b"a", b"\x01")

    await engine.transact(body)

    assert runs == 1
    assert await engine.read(lambda tr: tr.get(b"a")) == b"\x01"
    assert watch.fired(0)
    assert not other.fired(0)
    assert "no reader slot is free" in caplog.text


class LandingWrite:
    """A write transaction of LMDB whose commit lands, and then says that the sync was refused."""

    def __init__(self, txn: Any) -> None:
        self._txn = txn

    def __enter__(self) -> Any:
        return self._txn.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._txn.__exit__(kind, error, trace)
        raise lmdb.DiskError("mdb_txn_commit: Input/output error")


class FailingDisk:
    """An environment of LMDB whose next write lands although it fails."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment

    def begin(self, *, write: bool = False, **more: Any) -> Any:
        txn = self._environment.begin(write=write, **more)
        return LandingWrite(txn) if write else txn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)


async def test_what_was_stored_although_it_failed_is_followed_by_later_versionstamps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"embedded:{tmp_path}"
    await (await open_engine(place, clock=SystemClock())).close()
    whole = Environment._open  # noqa: SLF001 -- where a disk can be put in between
    monkeypatch.setattr(Environment, "_open", lambda environment: FailingDisk(whole(environment)))
    engine = await open_engine(place, clock=SystemClock())
    monkeypatch.setattr(Environment, "_open", whole)
    old = engine.begin()
    assert old.get(b"counter") is None
    watch = await engine.watch(b"counter")

    def body(tr: Transaction) -> None:
        tr.versionstamped_key(b"stamps", b"", b"")
        tr.atomic(AtomicOp.ADD, b"counter", b"\x01")

    with pytest.raises(UnavailableError, match="may have been stored: look before you repeat it"):
        await engine.transact(body)
    version = engine.newest_version()
    assert version is not None
    await engine.transact(lambda tr: tr.versionstamped_key(b"stamps", b"", b""))

    stamps = [key for key, _ in await engine.read(lambda tr: tr.get_range(b"stamps", b"stamps\xff"))]
    assert [int.from_bytes(stamp[6:14], "big") - version for stamp in stamps] == [1, 2]
    assert await engine.read(lambda tr: tr.get(b"counter")) == b"\x01"
    assert watch.fired(0), "it tells of what was stored although it failed"
    old.set(b"counter", b"9")
    with pytest.raises(TransactionError, match="1007"):
        old.commit()
    await engine.close()


async def test_what_failed_before_its_commit_is_told_to_be_not_written(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = writer._apply  # noqa: SLF001 -- the last step before LMDB is asked to commit

    def refuse(*arguments: Any) -> None:
        whole(*arguments)
        raise lmdb.DiskError("mdb_put: Input/output error")

    monkeypatch.setattr(writer, "_apply", refuse)
    with pytest.raises(UnavailableError, match="nothing was written"):
        await engine.transact(lambda tr: tr.set(b"a", b"1"))
    monkeypatch.setattr(writer, "_apply", whole)

    assert await engine.read(lambda tr: tr.get(b"a")) is None
    await engine.transact(lambda tr: tr.set(b"b", b"1"))
    assert await engine.read(lambda tr: tr.get(b"a")) is None
