"""Stopped and killed in the middle of work: a first scan, 64 writers, 100 sockets; what was acknowledged is there.

The daemon itself gives up, with another exit code, when a drain takes longer than its 5 seconds.
"""

import asyncio
import shutil
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from sidecar import endpoint
from sidecar.cli import exits
from sidecar.client import connect
from tests.e2e.daemons import DaemonProcess, eventually
from tests.e2e.replicas import index_of
from tests.e2e.repositories import hold_scan

WRITERS = 64
SOCKETS = 100
FOLDERS, FILES = 200, 100


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    for folder in range(FOLDERS):
        (root / f"folder-{folder}").mkdir(parents=True)
        for number in range(FILES):
            (root / f"folder-{folder}" / f"{number}.txt").write_text(f"{folder} {number}", encoding="ascii")
    hold_scan(root, files=2_000, size=30_000_000)
    return root


async def write_until_it_ends(http: aiohttp.ClientSession, writer: int, acknowledged: set[str]) -> None:
    """Store one setting after another until nobody answers."""
    number = 0
    while True:
        key = f"writer-{writer}.{number}"
        try:
            async with http.put(f"/api/v5/settings/load/{key}", json={"value": number}) as answer:
                if answer.status != 201:
                    return
        except aiohttp.ClientError:
            return
        acknowledged.add(key)
        number += 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_acknowledged_is_lost(daemon: DaemonProcess, number: signal.Signals) -> None:
    await daemon.serve()
    [found] = endpoint.find(daemon.runtime_dirs)
    acknowledged: set[str] = set()
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(found.endpoint.url, connector=connector))
        key = {"Authorization": f"Bearer {found.pairing_key}"}
        async with http.post("/api/v5/auth/pair", json={}, headers=key) as answer:
            http.headers["Authorization"] = f"Bearer {(await answer.json())['access_token']}"
        sockets = [
            await stack.enter_async_context(http.ws_connect("/api/v5/events", max_msg_size=0)) for _ in range(SOCKETS)
        ]
        for socket in sockets:
            await socket.send_json({"op": "subscribe", "topics": ["settings"]})
            assert (await socket.receive_json())["type"] == "subscribed"
        writing = [asyncio.create_task(write_until_it_ends(http, writer, acknowledged)) for writer in range(WRITERS)]  # noqa: TID251 - a test's own tasks
        await eventually(lambda: len(acknowledged) > 2 * WRITERS, "all are writing")
        async with http.get("/api/v5/workspaces") as answer:
            assert [each["progress"]["state"] for each in (await answer.json())["items"]] == ["scanning"]
        daemon.signal(number)
        code = await daemon.wait()
        await asyncio.gather(*writing)
    assert code == (exits.DONE if number == signal.SIGTERM else -signal.SIGKILL), daemon.errors
    assert daemon.errors == ""
    shutil.rmtree(daemon.workspace / "held")
    await daemon.watch()
    async with connect(daemon.runtime_dirs) as client:
        index = await index_of(client, daemon.workspace)
        kept = {item["key"] async for item in client.pages("/api/v5/settings", {"limit": "1000"})}
    assert len(acknowledged) > 2 * WRITERS
    assert acknowledged <= kept
    assert len(index) == FOLDERS * FILES
