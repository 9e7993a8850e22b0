"""Whatever is done to the tree while the daemon runs, is killed and runs again, the index and a listener follow.

A failure shows its seed. For minutes: SIDECAR_TEST_SEEDS="4 5 6" SIDECAR_TEST_ROUNDS=200 scripts/test with this file.
"""

import asyncio
import os
from pathlib import Path

import pytest

from sidecar.cli import exits
from sidecar.client import Client, connect
from tests.e2e.daemons import DaemonProcess, eventually
from tests.e2e.replicas import Replica, every_change, index_of, listening
from tests.integration.watch.conftest import on_disk
from tests.operations import Operations

SEEDS = [int(seed) for seed in os.environ.get("SIDECAR_TEST_SEEDS", "1 2 3").split()]  # noqa: TID251 - a test's knob
ROUNDS = int(os.environ.get("SIDECAR_TEST_ROUNDS", "6"))  # noqa: TID251 - the same


def disk_of(root: Path) -> dict[bytes, str]:
    """Return path and checksum of every file, found without any of our code."""
    return {path: checksum for path, (_kind, _size, checksum) in on_disk(root).items()}


async def settled(daemon: DaemonProcess, replica: Replica) -> None:
    """Wait until what was pushed, and what is listed, are what is on disk, which nobody changes meanwhile."""
    disk = disk_of(daemon.workspace)
    await eventually(lambda: replica.equals(disk), "what was pushed amounts to the disk")
    async with connect(daemon.runtime_dirs) as client:
        await eventually(lambda: lists(client, daemon, disk), "the index equals the disk")


async def lists(client: Client, daemon: DaemonProcess, disk: dict[bytes, str]) -> bool:
    return await index_of(client, daemon.workspace) == disk


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("seed", SEEDS)
async def test_index_and_listener_follow_random_operations_through_kills(daemon: DaemonProcess, seed: int) -> None:
    operations = Operations(daemon.workspace, seed)
    choose = operations.random
    await daemon.serve()
    async with listening(daemon.runtime_dirs) as replica:
        for number in range(ROUNDS):
            for _ in range(choose.randint(1, 12)):
                operations.step()
            if choose.random() < 0.4:
                await asyncio.sleep(choose.choice([0.0, 0.05, 0.3]))  # any moment: before, while or after it writes
                await daemon.kill()
                operations.done.append("KILL")
                for _ in range(choose.randint(0, 3)):
                    operations.step()
                await daemon.serve()
            print(f"seed {seed}, round {number}: {' '.join(operations.done)}")  # noqa: T201 - shown when it fails
            operations.done.clear()
            await settled(daemon, replica)
        async with connect(daemon.runtime_dirs) as client:
            assert await every_change(client) == replica.seen
    await daemon.kill()
    done = daemon.run("doctor")
    assert (done.returncode, done.stderr) == (exits.DONE, "")
