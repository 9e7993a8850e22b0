"""Whatever is done to the tree while the daemon runs, is killed and runs again, the index and a listener follow.

A failure shows its seed. For minutes, with any seed: ``scripts/soak``.
"""

import pytest

from tests.e2e.daemons import DaemonProcess
from tests.e2e.random_rounds import Rounds


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_index_and_listener_follow_random_operations_through_kills(daemon: DaemonProcess, seed: int) -> None:
    rounds = Rounds(daemon, seed)
    await rounds.run(lambda: rounds.number < 6)
