"""Starting, stopping, and everything that can stand in the way, as a person or a script meets it."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from sidecar import endpoint
from sidecar.api.upkeep import StatusReport
from sidecar.cli import exits
from sidecar.client import connect
from tests.e2e.daemons import DaemonProcess, daemon_process, eventually
from tests.e2e.repositories import expected_index, hold_scan, make_repository
from tests.e2e.terminals import on_a_terminal


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("sidecar: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_stop_signal_drains_and_exits_0(daemon: DaemonProcess, number: signal.Signals) -> None:
    await daemon.watch()
    daemon.signal(number)
    assert await daemon.wait() == exits.DONE
    assert daemon.output.endswith("Stopping ...\nStopped.\n")
    assert daemon.errors == ""
    assert endpoint.find(daemon.runtime_dirs) == []


@pytest.mark.parametrize(
    ("files", "size"), [(1, 60_000_000_000), (1_000, 30_000_000)], ids=["one large file", "many files"]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_signal_during_the_first_scan_exits_0(
    daemon: DaemonProcess, number: signal.Signals, files: int, size: int
) -> None:
    hold_scan(daemon.workspace, files=files, size=size)
    await daemon.serve()
    await daemon.wait_for("Scanning ")
    async with connect(daemon.runtime_dirs) as client:
        [workspace] = (await client.request("GET", "/api/v5/workspaces"))["items"]
    assert workspace["progress"]["state"] == "scanning"
    daemon.signal(number)
    assert await daemon.wait() == exits.DONE
    assert daemon.errors == ""
    assert "Watching " not in daemon.output


async def test_what_the_daemon_writes_is_its_users_alone(daemon: DaemonProcess) -> None:
    await daemon.watch()
    assert daemon.run("config", "set", "log_level", "debug").returncode == exits.DONE, "so that there is a log"
    async with connect(daemon.runtime_dirs) as client:
        await client.request("GET", "/api/v5/search", params={"q": "anything"})
    written = list((daemon.home / "side").rglob("*"))
    names = {path.name for path in written}
    assert {"data.mdb", "sidecar.log", "search.sqlite3", "pairing.key", "sidecar.lock"} <= names
    assert [path for path in written if path.stat().st_mode & 0o077 and path.name != "config.toml"] == []


async def test_a_second_daemon_says_who_holds_the_store_and_exits_1(daemon: DaemonProcess) -> None:
    await daemon.watch()
    assert_one_sentence(daemon.run("up", str(daemon.workspace)), 1, str(daemon.pid), "sidecar watch")
    async with connect(daemon.runtime_dirs) as client:
        assert (await client.request("GET", "/readyz")) == {"status": "ready"}
        assert client.daemon.pid == daemon.pid


async def test_a_second_home_on_the_same_store_is_told_who_holds_it(daemon: DaemonProcess, tmp_path: Path) -> None:
    await daemon.watch()
    store = f"embedded:{daemon.home / 'side' / 'data' / 'store'}"
    with daemon_process(tmp_path / "other-home", daemon.workspace) as other:
        assert_one_sentence(other.run("up", str(daemon.workspace), "--store", store), 1, str(daemon.pid))


async def test_a_busy_port_is_named(daemon: DaemonProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_one_sentence(daemon.run("up", str(daemon.workspace), "--port", str(port)), 1, str(port))


@pytest.mark.parametrize("name", ["side", "side/data", "side/data/store", "side/run", "side/state", "side/log"])
async def test_a_folder_that_can_not_be_made_is_named(daemon: DaemonProcess, name: str) -> None:
    place = daemon.home / name  # a file there stops root, too
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file", encoding="utf-8")
    assert_one_sentence(daemon.run("up", str(daemon.workspace)), 1, str(place))
    assert place.read_text(encoding="utf-8") == "a file"


async def test_a_missing_path_is_named(daemon: DaemonProcess) -> None:
    assert_one_sentence(daemon.run("up", str(daemon.home / "absent")), 2, str(daemon.home / "absent"))


async def test_a_store_of_an_unknown_kind_is_refused(daemon: DaemonProcess) -> None:
    assert_one_sentence(daemon.run("up", ".", "--store", "sqlite:x"), 2, "embedded:FOLDER or fdb:CLUSTER_FILE")


async def test_after_a_crash_clients_say_so_and_a_new_start_needs_no_cleaning(daemon: DaemonProcess) -> None:
    await daemon.watch()
    await daemon.kill()
    assert_one_sentence(daemon.run("status"), exits.NOT_RUNNING, "does not answer")
    await daemon.watch()
    assert daemon.run("status").returncode == exits.DONE


async def test_a_stranger_on_the_port_of_a_crashed_daemon_is_found_out(daemon: DaemonProcess) -> None:
    await daemon.watch()
    [found] = endpoint.find(daemon.runtime_dirs)
    await daemon.kill()
    port = int(found.endpoint.url.rpartition(":")[2])
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", port)) as stranger:
        asking = subprocess.Popen(daemon.command("status"), env=daemon.environment, stderr=subprocess.PIPE, text=True)
        connection, _ = stranger.accept()
        with connection:
            heard = connection.recv(65_536)
            connection.sendall(answer)
        _, errors = asking.communicate()
    assert asking.returncode == exits.REFUSED
    assert "is not your Sidecar daemon" in errors
    assert found.pairing_key.encode() not in heard


async def test_down_stops_the_daemon_and_waits_for_it(daemon: DaemonProcess) -> None:
    await daemon.watch()
    done = daemon.run("down")
    assert (done.returncode, done.stdout) == (0, f"Stopped the daemon (process {daemon.pid}).\n")
    assert await daemon.wait() == exits.DONE
    assert daemon.run("down").returncode == exits.NOT_RUNNING


async def test_the_daemon_goes_on_when_nobody_reads_what_it_says(daemon: DaemonProcess) -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen(daemon.command("up", str(daemon.workspace)), env=daemon.environment, stdout=writer)
    os.close(writer)
    os.close(reader)
    try:
        await eventually(lambda: daemon.run("status").returncode == 0, "it answers")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == exits.DONE
    finally:
        process.kill()
        process.wait()


async def test_on_a_terminal_a_bar_moves_and_ctrl_c_stops(daemon: DaemonProcess) -> None:
    with on_a_terminal(daemon, "up", str(daemon.workspace), COLUMNS="100") as terminal:
        await terminal.shows(b"Watching ")
        terminal.types(b"\x03")
        await terminal.shows(b"Stopped.")
        assert await terminal.ended() == exits.DONE
    assert b"\x1b[" in terminal.heard
    assert b"Scanning" in terminal.heard
    assert b"Traceback" not in terminal.heard


async def test_the_commands_tell_people_and_programs_what_there_is(daemon: DaemonProcess, tmp_path: Path) -> None:
    await daemon.watch()
    root, expected = daemon.workspace, expected_index(daemon.workspace)

    screen = daemon.run("status").stdout
    assert f"(process {daemon.pid})\nwatching  {root}  ({len(expected)} files" in screen
    for line in ("store     embedded:", "clients   0 follow changes", "since     ", "log       "):
        assert f"\n{line}" in screen
    assert "\x1b" not in screen
    status = json.loads(daemon.run("status", "--json").stdout)
    assert (status["pid"], [each["path"] for each in status["workspaces"]]) == (daemon.pid, [str(root)])
    assert set(status) == {*StatusReport.model_fields, *endpoint.Endpoint._fields, "login"}

    def files(*options: str) -> subprocess.CompletedProcess[str]:
        return daemon.run("files", "ls", "--workspace", str(root), *options)

    lines = files().stdout.splitlines()
    assert len(lines) == len(expected)
    assert f"{expected[b'untracked.txt']}  untracked.txt" in lines
    records = [json.loads(line) for line in files("--json", "--prefix", "src/").stdout.splitlines()]
    assert {record["file_path"].encode() for record in records} == {
        name for name in expected if name.startswith(b"src/")
    }

    (root / "untracked.txt").unlink()
    await eventually(lambda: "-untracked.txt" in files("--deleted").stdout, "it is marked as deleted")
    assert "untracked.txt" not in files().stdout

    messages = [json.loads(line) for line in daemon.run("events", "--json", "--topic", "files").stdout.splitlines()]
    changes = [change for message in messages for change in message["changes"]]
    assert len(changes) == len(expected) + 1
    assert changes[-1]["op"] == "deleted"
    assert "deleted  files        untracked.txt" in daemon.run("events").stdout

    make_repository(tmp_path / "second", files=3)
    assert json.loads(daemon.run("watch", "add", "--json", str(tmp_path / "second")).stdout)["path"] == str(
        tmp_path / "second"
    )
    assert daemon.run("watch", "add", str(tmp_path / "second")).returncode == 0
    assert len(json.loads(daemon.run("status", "--json").stdout)["workspaces"]) == 2
    assert_one_sentence(daemon.run("events", "--since", "nonsense"), exits.USAGE, "cursor")


async def test_following_prints_changes_as_they_happen_also_after_a_restart(daemon: DaemonProcess) -> None:
    await daemon.watch()
    followed = daemon.home / "followed.txt"
    with followed.open("wb") as output:
        following = subprocess.Popen(
            daemon.command("events", "--follow", "--since", "beginning"), env=daemon.environment, stdout=output
        )
    try:
        await eventually(lambda: b"untracked.txt" in followed.read_bytes(), "the past is printed")
        await daemon.kill()
        await daemon.watch()
        (daemon.workspace / "later.txt").write_text("x", encoding="utf-8")
        await eventually(lambda: b"created  files        later.txt\n" in followed.read_bytes(), "a change is printed")
        following.send_signal(signal.SIGINT)
        assert following.wait() == exits.INTERRUPTED
    finally:
        following.kill()
        following.wait()
