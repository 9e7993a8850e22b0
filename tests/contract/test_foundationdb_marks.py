"""The marks of commits on a cluster go with the engine that made them; those of a killed one at the next opening."""

import os

import pytest

from sidecar.clock import SystemClock
from sidecar.store.engine import Engine
from sidecar.store.opening import EngineOptions, open_engine
from sidecar.store.tuples import strinc
from tests.contract.conftest import CLUSTER_FILE

pytestmark = pytest.mark.fdb


async def keys_of(engine: Engine, prefix: bytes) -> list[bytes]:
    rows = await engine.read(lambda tr: tr.get_range(prefix, strinc(prefix)))
    return [key[len(prefix) :] for key, _ in rows]


async def test_marks_are_left_neither_by_a_closed_engine_nor_for_long_by_a_killed_one() -> None:
    own = b"\x16" + os.urandom(8)
    options = EngineOptions(system_prefix=own)
    first = await open_engine(f"fdb:{CLUSTER_FILE}", clock=SystemClock(), options=options)
    await first.transact(lambda tr: tr.set(own + b"last/killed long ago", bytes(26)))
    assert len(await keys_of(first, own + b"last/")) > 1
    await first.close()

    again = await open_engine(f"fdb:{CLUSTER_FILE}", clock=SystemClock(), options=options)
    assert b"last/killed long ago" not in await keys_of(again, own)
    await again.close()

    looking = await open_engine(f"fdb:{CLUSTER_FILE}", clock=SystemClock())
    assert await keys_of(looking, own) == [b"store"]
    await looking.transact(lambda tr: tr.clear_range(own, strinc(own)))
    await looking.close()
