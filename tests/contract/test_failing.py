"""Whatever operation of a transaction fails, nothing of it is written, and the next attempt does all of it."""

import itertools

import pytest

from sidecar.errors import TransactionError, UnavailableError
from sidecar.store.engine import AtomicOp, Engine, Transaction
from tests.contract.failing import FailingEngine, Fuse


async def test_a_transaction_that_fails_at_its_nth_operation_writes_nothing(engine: Engine, prefix: bytes) -> None:
    def body(tr: Transaction) -> None:
        tr.set(prefix + b"a", b"1")
        assert tr.get(prefix + b"b") is None
        tr.atomic(AtomicOp.ADD, prefix + b"c", b"\x01")
        tr.versionstamped_key(prefix + b"d", b"", b"")
        tr.get_range(prefix, prefix + b"b")

    for number in itertools.count(1):
        fuse = Fuse(number, lambda: UnavailableError("the disk is full"))
        failing = FailingEngine(engine, fuse)
        try:
            await failing.transact(body)
        except UnavailableError:
            assert fuse.blown
            assert await engine.read(lambda tr: tr.get_range(prefix, prefix + b"\xff")) == []
        else:
            assert not fuse.blown
            break
    assert number == 7
    assert len(await engine.read(lambda tr: tr.get_range(prefix, prefix + b"\xff"))) == 3


@pytest.mark.parametrize("error", [1007, 1020, 1021, 1037])
async def test_a_transaction_that_meets_a_passing_error_is_run_again_whole(
    engine: Engine, prefix: bytes, error: int
) -> None:
    def body(tr: Transaction) -> int:
        held = int.from_bytes(tr.get(prefix) or b"", "little")
        tr.set(prefix, (held + 1).to_bytes(4, "little"))
        return held + 1

    for number in (1, 2, 3):
        failing = FailingEngine(engine, Fuse(number, lambda: TransactionError(error)))
        assert await failing.transact(body) == number


async def test_an_exception_of_the_body_is_raised_as_it_is_and_writes_nothing(engine: Engine, prefix: bytes) -> None:
    def body(tr: Transaction) -> None:
        tr.set(prefix, b"1")
        raise KeyError(prefix)

    with pytest.raises(KeyError):
        await engine.transact(body)

    assert await engine.read(lambda tr: tr.get(prefix)) is None
