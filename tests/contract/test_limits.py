"""What is too large is refused with its number, and nothing is written."""

import pytest

from sidecar import limits
from sidecar.errors import TransactionError
from sidecar.store.engine import Engine, Transaction


@pytest.mark.parametrize("length", [limits.store_key_bytes_max + 1, limits.store_key_bytes_max + 5_000])
async def test_a_key_past_the_limit_is_2102_at_the_commit(engine: Engine, prefix: bytes, length: int) -> None:
    tr = engine.begin()
    tr.set(prefix + b"small", b"1")
    tr.set(prefix.ljust(length, b"x"), b"1")

    with pytest.raises(TransactionError) as caught:
        tr.commit()

    assert caught.value.number == 2102
    assert await engine.read(lambda tr: tr.get(prefix + b"small")) is None


async def test_every_engine_takes_a_key_of_the_embedded_limit(engine: Engine, prefix: bytes) -> None:
    key = prefix.ljust(limits.store_embedded_key_bytes_max, b"x")
    await engine.transact(lambda tr: tr.set(key, b"1"))

    assert await engine.read(lambda tr: tr.get(key)) == b"1"
    assert await engine.read(lambda tr: tr.get_range(key, key + b"\x00")) == [(key, b"1")]


async def test_a_key_longer_than_any_stored_one_reads_as_absent_and_bounds_ranges(
    engine: Engine, prefix: bytes
) -> None:
    key = prefix.ljust(limits.store_embedded_key_bytes_max, b"x")
    longer = key + b"\x00" * 20
    await engine.transact(lambda tr: tr.set(key, b"1"))

    assert await engine.read(lambda tr: tr.get(longer)) is None
    assert await engine.read(lambda tr: tr.get_range(longer, prefix + b"\xff")) == []
    assert await engine.read(lambda tr: tr.get_range(prefix, longer)) == [(key, b"1")]
    assert await engine.read(lambda tr: tr.get_range(prefix, longer, reverse=True)) == [(key, b"1")]
    await engine.transact(lambda tr: tr.clear_range(longer, prefix + b"\xff"))
    assert await engine.read(lambda tr: tr.get(key)) == b"1"


async def test_a_value_past_the_limit_is_2103(engine: Engine, prefix: bytes) -> None:
    with pytest.raises(TransactionError) as caught:
        await engine.transact(lambda tr: tr.set(prefix, b"x" * (limits.store_value_bytes_max + 1)))

    assert caught.value.number == 2103


async def test_a_transaction_knows_its_size_before_the_commit_and_stops_at_the_limit(
    engine: Engine, prefix: bytes
) -> None:
    tr = engine.begin()
    assert tr.size_bytes() < 100
    value = b"x" * 90_000
    for number in range(120):
        tr.set(prefix + number.to_bytes(2, "big"), value)
        written = (number + 1) * len(value)
        assert written <= tr.size_bytes() < 1.1 * written + 1_000

    assert tr.size_bytes() > limits.store_transaction_bytes_max
    with pytest.raises(TransactionError) as caught:
        tr.commit()
    assert caught.value.number == 2101
    assert await engine.read(lambda tr: tr.get_range(prefix, prefix + b"\xff")) == []


async def test_writing_one_key_often_is_no_large_transaction(engine: Engine, prefix: bytes) -> None:
    def body(tr: Transaction) -> None:
        for number in range(150):
            tr.set(prefix, bytes([number]) * 90_000)

    await engine.transact(body)

    assert await engine.read(lambda tr: tr.get(prefix)) == bytes([149]) * 90_000
