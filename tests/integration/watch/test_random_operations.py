"""Whatever is done to the tree, in any order, the index follows. A failure shows its seed.

SIDECAR_TEST_SEEDS="4 5 6" and SIDECAR_TEST_ROUNDS=100 make it longer.
"""

import os

import pytest

from sidecar import limits
from sidecar.watch.inotify import Inotify
from sidecar.watch.native import NativeEvents
from tests.clocks import ShiftedClock
from tests.integration.watch.conftest import Watched
from tests.integration.watch.test_watching import git
from tests.operations import Operations

SEEDS = [int(seed) for seed in os.environ.get("SIDECAR_TEST_SEEDS", "1 2 3").split()]  # noqa: TID251 - a test's knob
ROUNDS = int(os.environ.get("SIDECAR_TEST_ROUNDS", "12"))  # noqa: TID251 - the same


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("source", [Inotify, NativeEvents])
async def test_the_index_follows_random_operations(
    watched: Watched, seed: int, source: type[Inotify | NativeEvents]
) -> None:
    watched.make_source = source
    git(watched.root, "init", "-q")
    operations = Operations(watched.root, seed)
    await watched.start()
    for number in range(ROUNDS):
        for _ in range(operations.random.randint(1, 15)):
            operations.step()
        if number % 4 == 3:
            await watched.stop()
            operations.step()
            await watched.start()
        print(f"seed {seed}, round {number}: {' '.join(operations.done)}")  # noqa: T201 - shown when it fails
        operations.done.clear()
        await watched.settled()


@pytest.mark.timeout(600)
async def test_the_index_follows_while_the_clock_jumps(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "tick_seconds", 0.2)
    watched.clock = clock = ShiftedClock()
    git(watched.root, "init", "-q")
    operations = Operations(watched.root, seed=4)
    await watched.start()
    for number in range(ROUNDS):
        for _ in range(operations.random.randint(1, 10)):
            operations.step()
        back_seconds = operations.random.choice([7_200, 300, -300, -7_200])
        clock.set_back(back_seconds)
        print(f"round {number}, {back_seconds} s back: {' '.join(operations.done)}")  # noqa: T201 - shown when it fails
        operations.done.clear()
        await watched.settled()
