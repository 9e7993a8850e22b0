"""Whatever is done to the tree while the daemon runs, is killed and runs again, the index and a listener follow.

A failure shows its seed. For minutes, with any seed: ``scripts/soak``.
"""

from pathlib import Path

import pytest

from tests.e2e.daemons import DaemonProcess
from tests.e2e.machines import moved_clock
from tests.e2e.random_rounds import Rounds


async def do_rounds(rounds: Rounds, count: int) -> None:
    await rounds.run(lambda: rounds.number < count)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_index_and_listener_follow_random_operations_through_kills(daemon: DaemonProcess, seed: int) -> None:
    await do_rounds(Rounds(daemon, seed), 6)


@pytest.mark.timeout(600)
async def test_they_follow_while_the_clock_jumps(daemon: DaemonProcess, tmp_path: Path) -> None:
    with moved_clock(tmp_path / "clock") as clock:
        daemon.environment |= clock.environment
        await do_rounds(Rounds(daemon, 4, clock=clock), 4)
