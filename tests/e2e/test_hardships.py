"""What a machine does to a daemon: no room on the disk, no file descriptors, a process that is stopped for a while."""

import asyncio
import json
import resource
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from sidecar import errors
from sidecar.cli import exits
from sidecar.client import Client, connect
from tests.e2e.daemons import DaemonProcess, eventually
from tests.e2e.repositories import make_repository


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    make_repository(root, files=3)
    return root


async def keep(client: Client, number: int) -> None:
    """Store a setting of some size, durably."""
    await client.request("PUT", f"/api/v5/settings/editor/key-{number}", body={"value": f"{number} " + "x" * 30_000})


async def keep_many(client: Client, acknowledged: set[str]) -> None:
    for number in range(1, 200):
        await keep(client, number)
        acknowledged.add(f"key-{number}")


async def kept(client: Client) -> set[str]:
    return {item["key"] async for item in client.pages("/api/v5/settings")}


def status(daemon: DaemonProcess) -> Any:
    return json.loads(daemon.run("status", "--json").stdout)


async def test_without_room_on_the_disk_it_says_so_loses_nothing_and_recovers(daemon: DaemonProcess) -> None:
    await daemon.watch()
    file = daemon.home / "side" / "data" / "store" / "data.mdb"
    unlimited = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    acknowledged: set[str] = set()
    async with connect(daemon.runtime_dirs) as client:
        await keep(client, 0)
        acknowledged.add("key-0")
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (file.stat().st_size + 200_000, unlimited[1]))
        with pytest.raises(errors.UnavailableError):
            await keep_many(client, acknowledged)
        report = await client.machine_request("GET", "/api/v5/status")
        assert any("could not be stored" in warning for warning in report["warnings"]), report
        assert await kept(client) == acknowledged, "it still answers"

        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, unlimited)
        await keep(client, 1_000)
        report = await client.machine_request("GET", "/api/v5/status")
        assert not any("could not be stored" in warning for warning in report["warnings"])
    log = (daemon.home / "side" / "log" / "sidecar.log").read_text(encoding="utf-8")
    assert "could not be stored" in log
    assert "stored again" in log
    await daemon.kill()
    await daemon.watch()
    async with connect(daemon.runtime_dirs) as client:
        assert await kept(client) == acknowledged | {"key-1000"}


async def test_without_file_descriptors_it_waits_and_recovers(daemon: DaemonProcess) -> None:
    await daemon.watch()
    before = status(daemon)
    host, port = before["url"].removeprefix("http://").split(":")
    unlimited = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (before["open_files"] + 8, unlimited[1]))
    greedy = []
    for _ in range(40):
        greedy.append(socket.create_connection((host, int(port))))
        await asyncio.sleep(0)

    def says_so() -> bool:
        log = daemon.home / "side" / "log" / "sidecar.log"
        return "out of system resource" in log.read_text(encoding="utf-8")

    await eventually(says_so, "the log says what is wrong")
    for connection in greedy:
        connection.close()
    await eventually(lambda: daemon.run("status").returncode == exits.DONE, "it serves again")
    told = status(daemon)["warnings"]
    assert all("files are open" in warning for warning in told)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, unlimited)
    (daemon.workspace / "later.txt").write_text("later", encoding="utf-8")
    await eventually(lambda: "later.txt" in daemon.run("files").stdout, "it still watches")


async def test_a_process_that_was_stopped_goes_on_and_sees_what_happened_meanwhile(daemon: DaemonProcess) -> None:
    await daemon.watch()
    async with connect(daemon.runtime_dirs) as client:
        await keep(client, 1)
        daemon.signal(signal.SIGSTOP)
        (daemon.workspace / "meanwhile.txt").write_text("meanwhile", encoding="utf-8")
        waiting = asyncio.ensure_future(keep(client, 2))
        await asyncio.sleep(0)
        daemon.signal(signal.SIGCONT)
        await waiting
        assert await kept(client) == {"key-1", "key-2"}
    await eventually(lambda: "meanwhile.txt" in daemon.run("files").stdout, "the file is found")
    assert status(daemon)["warnings"] == [], "it is not blamed for standing still"
