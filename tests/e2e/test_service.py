"""The login service over its whole life: installed, started as a login would, watched over, removed."""

import configparser
import json
import shlex
import signal
import socket
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.cli import exits
from tests.e2e.daemons import DaemonProcess, eventually


@pytest.fixture
def daemon(daemon: DaemonProcess) -> DaemonProcess:
    """Without this account's own service manager."""
    daemon.environment["XDG_CONFIG_HOME"] = str(daemon.home / "config")
    daemon.environment["XDG_RUNTIME_DIR"] = str(daemon.home / "no-session")
    daemon.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
    return daemon


def log_in(daemon: DaemonProcess) -> None:
    """Start what the installed unit says, with its variables and no others of ours, as a login does."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # the documented way to keep capitals
    text = (daemon.home / "config/systemd/user/default.target.wants/sidecar.service").read_text(encoding="utf-8")
    unit.read_string(text)
    variables = [line.removeprefix("Environment=") for line in text.splitlines() if line.startswith("Environment=")]
    pairs = [shlex.split(line)[0].replace("%%", "%").split("=", 1) for line in variables]
    kept = {name: value for name, value in daemon.environment.items() if not name.startswith(("SIDECAR_", "XDG_"))}
    installed_from, daemon.environment = daemon.environment, {**kept, **dict(pairs)}
    daemon.start(command=shlex.split(unit["Service"]["ExecStart"]))
    daemon.environment = installed_from


class Manager:
    """A service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.heard: list[str] = []

    def hears(self, text: str) -> bool:
        try:
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return any(text in message for message in self.heard)


async def test_installed_started_at_login_used_and_removed_with_nothing_left_but_the_data(
    daemon: DaemonProcess,
) -> None:
    assert daemon.run("service", "status").returncode == exits.NOT_RUNNING
    installed = daemon.run("service", "install")
    assert (installed.returncode, installed.stderr) == (0, "")
    assert daemon.run("service", "install").returncode == 0
    status = json.loads(daemon.run("service", "status", "--json").stdout)
    assert status == {
        "installed": "current",
        "file": str(daemon.home / "config/systemd/user/sidecar.service"),
        "running": None,
    }

    log_in(daemon)
    await daemon.wait_for("serves http://")
    await eventually(lambda: daemon.run("watch", "add", str(daemon.workspace)).returncode == 0, "it serves")
    await eventually(lambda: "watching" in daemon.run("status").stdout, "the scan ends")
    files = daemon.run("files", "ls").stdout
    daemon.signal(signal.SIGTERM)
    assert await daemon.wait() == exits.DONE

    log_in(daemon)  # the next day
    await daemon.wait_for("serves http://")
    await eventually(lambda: "watching" in daemon.run("status").stdout, "it watches what it watched")
    assert daemon.run("files", "ls").stdout == files

    removed = daemon.run("service", "uninstall")
    assert "sidecar.service" in removed.stdout
    assert str(daemon.home / "side" / "data") in removed.stdout, "it is said what stays"
    assert list((daemon.home / "config").iterdir()) == []
    assert daemon.run("service", "uninstall").stdout.startswith("No login service is installed.\n")
    assert list((daemon.home / "user").iterdir()) == [], "nothing elsewhere in the account"


async def test_the_manager_is_told_when_it_is_ready_alive_and_stopping(daemon: DaemonProcess, tmp_path: Path) -> None:
    manager = Manager(tmp_path / "notify")
    daemon.environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    daemon.start("--service", command=daemon.command("up", "--service"))
    await eventually(lambda: manager.hears("READY=1"), "it is ready")
    [ready] = [message for message in manager.heard if "READY=1" in message]
    assert f"MAINPID={daemon.pid}" in ready
    assert daemon.run("status").returncode == exits.DONE, "ready means served"
    await eventually(lambda: manager.hears("WATCHDOG=1"), "it is alive")
    assert limits.loop_watch_interval_seconds * 2 < 30, "twice within the unit's WatchdogSec"
    daemon.signal(signal.SIGTERM)
    await eventually(lambda: manager.hears("STOPPING=1"), "it drains")
    assert await daemon.wait() == exits.DONE
    manager.socket.close()


async def test_the_log_is_shown_for_people_and_for_programs(daemon: DaemonProcess) -> None:
    assert daemon.run("service", "logs").stdout == ""
    await daemon.watch()
    daemon.run("config", "set", "log_level", "debug")
    daemon.run("files", "ls")
    shown = daemon.run("service", "logs", "-n", "100000").stdout
    assert "Settings read anew." in shown
    with (daemon.home / "side" / "log" / "sidecar.log").open("a", encoding="utf-8") as log:
        log.write('{"message": "cut o')
    assert json.loads(daemon.run("service", "logs", "--json", "-n", "1").stdout) == {"message": '{"message": "cut o'}
    records = [json.loads(line) for line in daemon.run("service", "logs", "--json", "-n", "3").stdout.splitlines()]
    assert len(records) == 3
    assert all(record["message"] for record in records)
