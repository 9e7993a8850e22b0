"""Random changes of a tree below a real daemon that is killed and started again, round by round.

Used by the suite with fixed seeds, and by ``soak.py`` for as long as one likes.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from sidecar.cli import exits
from sidecar.client import Client, connect
from tests.e2e.daemons import SETTLED_SECONDS, DaemonProcess, eventually
from tests.e2e.machines import MovedClock
from tests.e2e.replicas import Replica, every_change, index_of, listening
from tests.integration.watch.conftest import on_disk
from tests.operations import Operations

JUMPS = ["-2h", "-5m", "+5m", "+2h", "+0"]


def disk_of(root: Path) -> dict[bytes, str]:
    """Return path and checksum of every file, found without any of our code."""
    return {path: checksum for path, (_kind, _size, checksum) in on_disk(root).items()}


async def settled(daemon: DaemonProcess, replica: Replica) -> None:
    """Wait until what was pushed, and what is listed, are what is on disk, which nobody changes meanwhile."""
    disk = disk_of(daemon.workspace)
    await eventually(lambda: replica.equals(disk), "what was pushed amounts to the disk", seconds=SETTLED_SECONDS)
    async with connect(daemon.runtime_dirs) as client:
        await eventually(lambda: lists(client, daemon, disk), "the index equals the disk", seconds=SETTLED_SECONDS)


async def lists(client: Client, daemon: DaemonProcess, disk: dict[bytes, str]) -> bool:
    return await index_of(client, daemon.workspace) == disk


class Rounds:
    """Rounds of random operations, each ending with a comparison of daemon and disk.

    Args:
        daemon: Not started yet.
        seed: Repeats them.
        clock: The daemon's, to be moved at random.
    """

    def __init__(self, daemon: DaemonProcess, seed: int, *, clock: MovedClock | None = None) -> None:
        self.daemon = daemon
        self.seed = seed
        self.clock = clock
        self.operations = Operations(daemon.workspace, seed)
        self.number = 0
        self.slowest = 0.0

    async def run(self, goes_on: Callable[[], bool]) -> None:
        """Do one round after the other while ``goes_on`` answers true; then check the whole store."""
        await self.daemon.serve()
        async with listening(self.daemon.runtime_dirs) as replica:
            while goes_on():
                await self._change()
                print(f"seed {self.seed}, round {self.number}: {' '.join(self.operations.done)}", flush=True)  # noqa: T201 - shown when it fails
                self.operations.done.clear()
                began = time.monotonic()
                await settled(self.daemon, replica)
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.number += 1
            async with connect(self.daemon.runtime_dirs) as client:
                assert await every_change(client) == replica.seen
        await self.daemon.kill()
        done = self.daemon.run("doctor")
        assert (done.returncode, done.stderr) == (exits.DONE, "")

    async def _change(self) -> None:
        choose = self.operations.random
        for _ in range(choose.randint(1, 12)):
            self.operations.step()
        if self.clock is not None and choose.random() < 0.5:
            jump = choose.choice(JUMPS)
            self.clock.set(jump)
            self.operations.done.append(f"CLOCK{jump}")
        if choose.random() < 0.4:
            await asyncio.sleep(choose.choice([0.0, 0.05, 0.3]))  # any moment: before, while or after it writes
            await self.daemon.kill()
            self.operations.done.append("KILL")
            for _ in range(choose.randint(0, 3)):
                self.operations.step()
            await self.daemon.serve()
