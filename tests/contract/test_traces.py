"""Every engine answers the recorded traces as the cluster did: the contract, byte for byte."""

import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sidecar import limits
from sidecar.clock import SystemClock
from sidecar.errors import TransactionError
from sidecar.store.engine import Engine, Transaction
from sidecar.store.opening import open_engine
from sidecar.store.tuples import strinc
from tests.contract.traces import Replay, Trace, load

_MORE = os.environ.get("SIDECAR_VECTORS")  # noqa: TID251 -- the suite's own switch, not the product's
_FOLDERS = [Path(__file__).parent / "vectors", *([Path(_MORE)] if _MORE else [])]
_FILES = [path for folder in _FOLDERS for path in sorted(folder.glob("*.jsonl"))]


@pytest.fixture
async def engine(store_url: str) -> AsyncIterator[Engine]:
    """Return an engine that has committed nothing: of what it commits it may keep marks, and those were neighbours."""
    await (await open_engine(store_url, clock=SystemClock())).close()
    opened = await open_engine(store_url, clock=SystemClock())
    yield opened
    await opened.close()


class Neighbourhood(NamedTuple):
    """A prefix of two bytes, as the recorder's was.

    Args:
        as_recorded: No key lies before it, and one behind it.
        takes_long_keys: Its keys may be as long as FoundationDB's.
    """

    root: bytes
    as_recorded: bool
    takes_long_keys: bool

    def can_tell(self, trace: Trace) -> bool:
        """Tell whether a trace's answers can be compared.

        Those of a limited read that counts past the edge need the same neighbours.
        """
        return self.as_recorded or not any(
            step[0] == "get_range" and step[4] and (step[2][2], step[3][2]) != (1, 1) for step in trace["steps"]
        )


@pytest.fixture
async def neighbourhood(engine: Engine) -> AsyncIterator[Neighbourhood]:
    """Return a free prefix, if possible with the neighbours that the traces were recorded with."""
    root = await free_prefix(engine)
    beside = strinc(root)
    before = await engine.read(lambda tr: tr.get_range(b"", root, limit=1))
    behind = await engine.read(lambda tr: tr.get_range(beside, b"\xff", limit=2))
    if not behind:
        commit(engine, lambda tr: tr.set(beside, b""))
    yield Neighbourhood(root, not before and len(behind) < 2, takes_long_keys(engine, root))
    commit(engine, lambda tr: tr.clear_range(root, beside if behind else beside + b"\x00"))


async def free_prefix(engine: Engine) -> bytes:
    for last in random.sample(range(255), 255):
        root = bytes((0x16, last))
        if not await engine.read(lambda tr, root=root: tr.get_range(root, strinc(root), limit=1)):  # type: ignore[misc]  # mypy can not infer a default in a lambda
            return root
    return pytest.skip("Every prefix of two bytes that begins with 16 is taken in this store.")


def takes_long_keys(engine: Engine, root: bytes) -> bool:
    try:
        commit(engine, lambda tr: tr.set(root.ljust(limits.store_key_bytes_max, b"x"), b""))
    except TransactionError as error:
        return error.number != 2102
    return True


def commit(engine: Engine, body: Callable[[Transaction], None]) -> None:
    """Commit in the explicit form."""
    tr = engine.begin()
    while True:
        body(tr)
        try:
            return tr.commit()
        except TransactionError as error:
            tr.on_error(error.number)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
async def test_an_engine_answers_every_trace_as_recorded(
    engine: Engine, neighbourhood: Neighbourhood, path: Path
) -> None:
    traces = load(path)
    assert traces, f"{path} holds no trace"
    told = [trace for trace in traces if neighbourhood.can_tell(trace)]
    wrong: list[str] = []
    for trace in told:
        commit(engine, lambda tr: tr.clear_range(neighbourhood.root, strinc(neighbourhood.root)))
        found = Replay(engine, neighbourhood.root).differences(trace)
        wrong += [each for each in found if neighbourhood.takes_long_keys or not _is_key_limit(trace, each)]
    assert not wrong, f"{len(wrong)} answers differ, the first: {wrong[:3]}"
    if len(told) < len(traces):
        pytest.skip(
            f"{len(traces) - len(told)} of {len(traces)} traces were not replayed, because there are other keys in the "
            f"store; the other {len(told)} were answered as recorded."
        )


async def test_the_replay_notices_a_wrong_answer(engine: Engine, neighbourhood: Neighbourhood) -> None:
    trace: Trace = {
        "name": "wrong",
        "steps": [["begin", 1, None], ["set", 1, "6b", "31", None], ["get", 1, "6b", False, "32"]],
    }

    assert list(Replay(engine, neighbourhood.root).differences(trace)) == [
        "wrong, step 2: ['get', 1, '6b', False, '32'] answered '31'"
    ]


def _is_key_limit(trace: Trace, difference: str) -> bool:
    """Tell whether it is the documented one: an engine may have a smaller limit for keys, and answers 2102 past it."""
    return str(trace["name"]).startswith("key of ") and difference.endswith("answered {'error': 2102}")
