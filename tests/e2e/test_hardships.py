"""What a machine does to a daemon: a full disk, one that can not be written, no descriptors, a clock set back, a stop.

Each time it says what is wrong, in ``status`` and in the log, goes on by itself when the cause has gone, and has what
it acknowledged, also after a kill.
"""

import asyncio
import json
import resource
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar import errors
from sidecar.cli import exits
from sidecar.client import Client, connect
from tests.e2e.daemons import DaemonProcess, eventually
from tests.e2e.machines import Mounts, MovedClock, immutable, mounts, moved_clock


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


def log_of(daemon: DaemonProcess) -> str:
    return (daemon.home / "side" / "log" / "sidecar.log").read_text(encoding="utf-8")


async def says(daemon: DaemonProcess, *words: str) -> None:
    """Wait until ``status`` and the log tell what is wrong."""
    for word in words:
        await eventually(partial(_tells, daemon, word), f"status and log tell {word!r}")


def _tells(daemon: DaemonProcess, word: str) -> bool:
    return any(word in each for each in status(daemon)["warnings"]) and word in log_of(daemon)


async def is_well(daemon: DaemonProcess) -> None:
    """Wait until nothing is wrong any more."""
    await eventually(lambda: status(daemon)["warnings"] == [], "status has no warnings")


async def has_after_a_kill(daemon: DaemonProcess, acknowledged: set[str]) -> None:
    """Check that what was acknowledged is there, now and after a kill, and that everything is in order."""
    async with connect(daemon.runtime_dirs) as client:
        assert await kept(client) == acknowledged
    await daemon.kill()
    checked = daemon.run("doctor")
    assert checked.returncode == exits.DONE, checked.stdout + checked.stderr
    await daemon.watch()
    async with connect(daemon.runtime_dirs) as client:
        assert await kept(client) == acknowledged


@pytest.fixture
def machine() -> Iterator[Mounts]:
    with mounts() as own:
        yield own


async def test_a_full_disk_is_told_and_does_no_harm(daemon: DaemonProcess, machine: Mounts) -> None:
    data = daemon.home / "side" / "data"
    machine.mount_small(data, megabytes=5)
    await daemon.watch()
    acknowledged: set[str] = set()
    async with connect(daemon.runtime_dirs) as client:
        with pytest.raises(errors.UnavailableError, match="full"):
            await keep_many(client, acknowledged)
        assert acknowledged
        await says(daemon, "MB are free where the data lies")
        assert "could not be stored" in log_of(daemon)
        assert await kept(client) == acknowledged, "it still answers"
        (daemon.workspace / "meanwhile.txt").write_text("meanwhile", encoding="utf-8")
        machine.mount_small(data, megabytes=600, again=True)
        await is_well(daemon)
        await keep(client, 1_000)
    assert "stored again" in log_of(daemon)
    await eventually(lambda: "meanwhile.txt" in daemon.run("files", "ls").stdout, "the file is found")
    await has_after_a_kill(daemon, acknowledged | {"key-1000"})


async def test_a_data_folder_that_can_no_longer_be_written_is_told_and_does_no_harm(daemon: DaemonProcess) -> None:
    data = daemon.home / "side" / "data"
    await daemon.watch()
    acknowledged: set[str] = set()
    async with connect(daemon.runtime_dirs) as client:
        await keep(client, 0)
        with immutable(data):
            with pytest.raises(errors.UnavailableError):
                await keep_many(client, acknowledged)
            await says(daemon, f"{data} can not be written to")
            assert "could not be stored" in log_of(daemon)
            assert await kept(client) == {"key-0"}, "it still answers"
            assert acknowledged == set()
            with pytest.raises(errors.UnavailableError, match="search index"):
                await client.request("GET", "/api/v5/search", params={"q": "anything"})
            (daemon.workspace / "meanwhile.txt").write_text("meanwhile", encoding="utf-8")
        await is_well(daemon)
        await keep(client, 1_000)
    assert "stored again" in log_of(daemon)
    await eventually(lambda: "meanwhile.txt" in daemon.run("files", "ls").stdout, "the file is found")
    await has_after_a_kill(daemon, {"key-0", "key-1000"})
    with immutable(data):
        assert daemon.run("down").returncode == exits.DONE
        assert await daemon.wait() == exits.DONE, daemon.errors
        refused = daemon.run("up", str(daemon.workspace))
        assert (refused.returncode, refused.stderr.count("\n")) == (exits.FAILED, 1), refused.stderr
    await daemon.watch()


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[MovedClock]:
    with moved_clock(tmp_path / "clock") as clock:
        yield clock


async def test_a_clock_that_is_set_back_is_told_and_does_no_harm(daemon: DaemonProcess, clock: MovedClock) -> None:
    daemon.environment |= clock.environment
    await daemon.watch()
    async with connect(daemon.runtime_dirs) as client:
        await keep(client, 1)
        clock.set("-1h")
        await keep(client, 2)
        await says(daemon, "behind what was the time already")
        assert any("clock is 60 min behind" in each for each in status(daemon)["warnings"])
        await client.request("GET", "/api/v5/users/me")
    async with connect(daemon.runtime_dirs) as client:  # a login of now
        await keep(client, 3)
        (daemon.workspace / "meanwhile.txt").write_text("meanwhile", encoding="utf-8")
        await eventually(lambda: "meanwhile.txt" in daemon.run("files", "ls").stdout, "the file is found")
        await has_after_a_kill(daemon, {"key-1", "key-2", "key-3"})
        await daemon.kill()
        clock.set("-3h")
        await daemon.watch()
        await says(daemon, "clock is 120 min behind")
    clock.set("+0")
    await is_well(daemon)
    assert "This is over: The machine's clock" in log_of(daemon)
    await has_after_a_kill(daemon, {"key-1", "key-2", "key-3"})


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

    await eventually(lambda: "out of file descriptors" in log_of(daemon), "the log says what is wrong")
    (daemon.workspace / "meanwhile.txt").write_text("meanwhile", encoding="utf-8")
    (daemon.workspace / "src").rename(daemon.workspace / "moved")
    await eventually(lambda: daemon.run("status").returncode == exits.DONE, "it lets go of those that ask nothing")
    await says(daemon, "out of file descriptors")
    for connection in greedy:
        connection.close()
    files = daemon.run("files", "ls").stdout
    assert "meanwhile.txt" in files
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, unlimited)
    (daemon.workspace / "later.txt").write_text("later", encoding="utf-8")
    await eventually(lambda: "later.txt" in daemon.run("files", "ls").stdout, "it still watches")


def _progress(daemon: DaemonProcess, root: Path) -> Any:
    listed = map(json.loads, daemon.run("watch", "list", "--json").stdout.splitlines())
    return next(each["progress"] for each in listed if each["path"] == str(root))


async def _finds(daemon: DaemonProcess, name: str) -> None:
    """Check that a new file of the workspace gets into the index."""
    (daemon.workspace / name).write_text(name, encoding="utf-8")
    await eventually(lambda: name in daemon.run("files", "ls").stdout, f"{name} is found")


async def test_a_file_system_that_does_not_answer_holds_nobody_else(
    daemon: DaemonProcess, machine: Mounts, tmp_path: Path
) -> None:
    away, root = tmp_path / "away", tmp_path / "away" / "project"
    root.mkdir(parents=True)
    await daemon.watch()
    assert daemon.run("watch", "add", str(root)).returncode == exits.DONE
    await eventually(lambda: _progress(daemon, root)["state"] == "watching", "it is watched")
    machine.mount_hanging(away)
    async with connect(daemon.runtime_dirs) as client:
        for method, path, body in (
            ("POST", "/api/v5/sessions", {"name": "x", "workspace_path": str(root)}),
            ("POST", "/api/v5/workspaces", {"path": str(away / "other")}),
        ):
            with pytest.raises(errors.UnavailableError, match="does not answer"):
                await client.request(method, path, body=body)
        with pytest.raises(errors.UnavailableError, match="does not answer"):
            await client.request("GET", "/api/v5/files", params={"workspace_path": str(root)})
        await keep(client, 1)
    await _finds(daemon, "meanwhile.txt")
    await eventually(lambda: "does not answer" in str(_progress(daemon, root)["warnings"]), "the status tells it")
    assert f"{root} does not answer" in log_of(daemon)
    assert daemon.run("down").returncode == exits.DONE
    assert await daemon.wait() == exits.DONE, daemon.errors

    await daemon.watch()
    await _finds(daemon, "after-a-start.txt")
    machine.unmount(away)
    (root / "back.txt").write_text("back", encoding="utf-8")
    await eventually(lambda: "back.txt" in daemon.run("files", "ls", "--workspace", str(root)).stdout, "it is back")
    await eventually(lambda: _progress(daemon, root)["warnings"] == [], "nothing is wrong any more")
    await has_after_a_kill(daemon, {"key-1"})


async def test_a_process_that_was_stopped_goes_on_and_sees_what_happened_meanwhile(
    daemon: DaemonProcess, stopped_seconds: float
) -> None:
    """``scripts/standstill`` stops it for a whole minute."""
    await daemon.watch()
    async with connect(daemon.runtime_dirs) as client:
        await keep(client, 1)
        daemon.signal(signal.SIGSTOP)
        (daemon.workspace / "meanwhile.txt").write_text("meanwhile", encoding="utf-8")
        waiting = asyncio.ensure_future(keep(client, 2))
        await asyncio.sleep(stopped_seconds)
        daemon.signal(signal.SIGCONT)
        try:
            await waiting
        except errors.UnavailableError:  # after half a minute a client gives up
            await keep(client, 2)
        assert await kept(client) == {"key-1", "key-2"}
    await eventually(lambda: "meanwhile.txt" in daemon.run("files", "ls").stdout, "the file is found")
    await says(daemon, "process was stopped for")
    assert not any("stood still" in each for each in status(daemon)["warnings"]), "it is not blamed for it"
    await has_after_a_kill(daemon, {"key-1", "key-2"})
