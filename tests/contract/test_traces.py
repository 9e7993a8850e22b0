"""Every engine answers the recorded traces as the cluster did: the contract, byte for byte."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sidecar.store.engine import Engine
from sidecar.store.tuples import strinc
from tests.contract.traces import Replay, Trace, load

_MORE = os.environ.get("SIDECAR_VECTORS")  # noqa: TID251 -- the suite's own switch, not the product's
_FOLDERS = [Path(__file__).parent / "vectors", *([Path(_MORE)] if _MORE else [])]
_FILES = [path for folder in _FOLDERS for path in sorted(folder.glob("*.jsonl"))]


@pytest.fixture
async def neighbourhood(engine: Engine) -> AsyncIterator["Neighbourhood"]:
    """Return a prefix, if possible with no key before it and one after it: that is how the traces were recorded."""
    root = b"\x16" + os.urandom(4)
    beside = strinc(root)
    around = await engine.read(lambda tr: tr.get_range(b"", b"\xff", limit=2))
    if not around:
        await engine.transact(lambda tr: tr.set(beside, b""))
    yield Neighbourhood(root, as_recorded=len(around) < 2 and all(key > root for key, _ in around))
    await engine.transact(lambda tr: tr.clear_range(root, beside + b"\x00"))


class Neighbourhood(NamedTuple):
    root: bytes
    as_recorded: bool

    def can_tell(self, trace: Trace) -> bool:
        """Tell whether a trace's answers can be compared.

        Those of a limited read that counts past the edge need the same neighbours.
        """
        return self.as_recorded or not any(
            step[0] == "get_range" and step[4] and (step[2][2], step[3][2]) != (1, 1) for step in trace["steps"]
        )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
async def test_an_engine_answers_every_trace_as_recorded(
    engine: Engine, neighbourhood: Neighbourhood, path: Path
) -> None:
    traces = load(path)
    assert traces, f"{path} holds no trace"
    wrong: list[str] = []
    for trace in traces:
        await engine.transact(lambda tr: tr.clear_range(neighbourhood.root, strinc(neighbourhood.root)))
        if neighbourhood.can_tell(trace):
            found = Replay(engine, neighbourhood.root).differences(trace)
            wrong += [difference for difference in found if not _is_key_limit(trace, difference)]
    assert not wrong, f"{len(wrong)} answers differ, the first: {wrong[:3]}"


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
