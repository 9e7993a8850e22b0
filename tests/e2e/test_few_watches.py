"""A system that gives no more inotify watches: the folder is compared now and then, and the status says so."""

from typing import Any

import pytest

from sidecar.client import connect
from tests.e2e.daemons import DaemonProcess, eventually
from tests.e2e.machines import FewWatches
from tests.e2e.random_rounds import disk_of
from tests.e2e.replicas import index_of


@pytest.fixture
def files() -> int:
    return 300


async def watched_folder(daemon: DaemonProcess) -> dict[str, Any]:
    async with connect(daemon.runtime_dirs) as client:
        (workspace,) = (await client.request("GET", "/api/v5/workspaces"))["items"]
    return dict(workspace)


async def state_is(daemon: DaemonProcess, state: str) -> bool:
    return bool((await watched_folder(daemon))["progress"]["state"] == state)


async def equals_the_disk(daemon: DaemonProcess) -> bool:
    async with connect(daemon.runtime_dirs) as client:
        return await index_of(client, daemon.workspace) == disk_of(daemon.workspace)


async def test_past_the_limit_of_watches_a_folder_is_polled_until_the_limit_is_raised(daemon: DaemonProcess) -> None:
    few = FewWatches(4)
    for number in range(9):
        (daemon.workspace / f"d{number}").mkdir()
        (daemon.workspace / f"d{number}/file").write_text("one")
    daemon.start(command=few.command(*daemon.command("up", str(daemon.workspace))))
    await daemon.wait_for("Polling: ")
    await eventually(lambda: state_is(daemon, "polling"), "the folder is polled")
    assert "sudo sysctl fs.inotify.max_user_watches=" in daemon.run("status").stdout
    assert await equals_the_disk(daemon)
    (daemon.workspace / "d8/file").write_text("two")
    await eventually(lambda: equals_the_disk(daemon), "the next comparison has found the change")

    few.raise_limit(daemon.pid, 100_000)
    workspace_id = (await watched_folder(daemon))["id"]
    async with connect(daemon.runtime_dirs) as client:
        await client.request("POST", f"/api/v5/workspaces/{workspace_id}/rescan")
    await eventually(lambda: state_is(daemon, "watching"), "there are events again")
    assert (await watched_folder(daemon))["progress"]["warnings"] == []
    (daemon.workspace / "d8/file").write_text("three")
    await eventually(lambda: equals_the_disk(daemon), "the change was heard of")
