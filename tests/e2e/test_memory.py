"""What a crowd of subscribers takes of memory is given back when it has gone."""

import sys
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.callers import Caller
from tests.e2e.daemons import DaemonProcess, eventually

SUBSCRIBERS = 100
CHANGES = 20
ROUNDS = 6
SLACK_BYTES = 4_000_000  # what an allocator keeps or gives back as it likes, and young garbage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="private memory is read from /proc")


def private_bytes(pid: int) -> int:
    """Return the memory that is the process's alone: all that no file stands behind, so not the map of the store."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return 1_024 * sum(int(line.split()[1]) for line in rollup if line.startswith("Anonymous"))


async def crowd(caller: Caller, change: int) -> None:
    """Let many subscribe, and hear many changes each."""
    url, headers = await caller.paired()
    sockets = [await caller.http.ws_connect(f"{url}/api/v5/events", headers=headers) for _ in range(SUBSCRIBERS)]
    for socket in sockets:
        await socket.send_json({"op": "subscribe", "topics": ["settings"], "since": "now"})
        assert (await socket.receive_json())["type"] == "subscribed"
    for number in range(change, change + CHANGES):
        place = f"{url}/api/v5/settings/memory/k{number}"
        async with caller.http.put(place, headers=headers, json={"value": "x" * 200}) as answer:
            assert answer.status == 201
    for socket in sockets:
        heard = 0
        while heard < CHANGES:
            heard += len((await socket.receive_json()).get("changes", ()))
        await socket.close()


async def test_memory_returns_to_its_baseline_after_a_crowd_of_subscribers(daemon: DaemonProcess) -> None:
    await daemon.serve()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        caller = Caller(daemon, http)
        await crowd(caller, 0)  # the first also fills caches that stay
        baseline = private_bytes(daemon.pid)
        for number in range(1, ROUNDS):
            await crowd(caller, number * CHANGES)
    await eventually(lambda: private_bytes(daemon.pid) <= baseline + SLACK_BYTES, f"memory returns to {baseline:,}")
