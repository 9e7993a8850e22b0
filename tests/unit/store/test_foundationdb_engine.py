"""What the engine makes of a cluster that can't be had here: answers of the binding, as it documents them."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sidecar.errors import ConflictError, TransactionError, UnavailableError
from sidecar.store.backup import BackupWriter, Header, check
from sidecar.store.foundationdb.engine import FoundationEngine
from sidecar.store.options import EngineOptions

CLUSTER_VERSION = 5_000
_LAZY = {"get", "get_versionstamp"}


class FDBError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Future:
    """An answer of the binding that is there at once: of the binding's ``FutureVoid`` and ``FutureInt64``."""

    def __init__(self, answer: object = None) -> None:
        self._answer = answer

    def wait(self) -> object:
        if isinstance(self._answer, FDBError):
            raise self._answer
        return self._answer

    def on_ready(self, call: Callable[["Future"], None]) -> None:
        """Never: the value does not change."""


class LazyFuture(Future):
    """The same of the binding's ``Value`` and ``Key``: they wait, but what they give back is themselves."""

    def wait(self) -> "LazyFuture":
        super().wait()
        return self

    @property
    def value(self) -> object:
        return super().wait()


class Cluster:
    """A transaction of a cluster that answers with what the test says; also what threads it was called in."""

    def __init__(self, **answers: object) -> None:
        self._answers = {"get_read_version": CLUSTER_VERSION, "commit": None, "get_versionstamp": b"", **answers}
        self.threads: set[threading.Thread] = set()
        self.options = SimpleNamespace(set_timeout=lambda _ms: None)

    def __getattr__(self, name: str) -> Any:
        def call(*_arguments: object) -> Future:
            self.threads.add(threading.current_thread())
            return (LazyFuture if name in _LAZY else Future)(self._answers[name])

        return call


def engine_on(cluster: Cluster) -> FoundationEngine:
    binding = SimpleNamespace(FDBError=FDBError, open=lambda _path: SimpleNamespace(create_transaction=lambda: cluster))
    return FoundationEngine(binding, Path("fdb.cluster"), EngineOptions(), left=lambda: None)


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


async def test_a_time_out_while_backing_off_says_that_the_cluster_did_not_answer() -> None:
    engine = engine_on(Cluster(get=FDBError(1020), on_error=FDBError(1031)))

    with pytest.raises(UnavailableError, match="did not answer within"):
        await engine.transact(lambda tr: tr.get(b"a"))

    await engine.close()


async def test_a_watch_is_made_in_a_thread() -> None:
    cluster = Cluster(watch=None)
    engine = engine_on(cluster)

    await engine.watch(b"a")

    assert cluster.threads
    assert threading.current_thread() not in cluster.threads
    await engine.close()


async def test_a_backup_of_later_versions_than_the_clusters_is_refused_and_the_way_out_named(tmp_path: Path) -> None:
    with BackupWriter(tmp_path / "b", Header("epoch", CLUSTER_VERSION + 1)) as writer:
        writer.finish()
    engine = engine_on(Cluster())

    with pytest.raises(ConflictError, match=f"advanceversion {CLUSTER_VERSION + 1}"):
        engine.restore(tmp_path / "b", check(tmp_path / "b")[0], lambda _rows: None)

    await engine.close()
