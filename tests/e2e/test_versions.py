"""Two versions of the program on one store: a newer one takes over, an older one leaves alone what it does not know."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import __version__
from sidecar.cli import exits
from sidecar.client import connect
from sidecar.repositories.migrations import SCHEMA
from tests.e2e.daemons import DaemonProcess
from tests.e2e.releases import unpacked, wheel_of


class OtherVersion(DaemonProcess):
    """The daemon and the commands of another version, on the same home."""

    def __init__(self, daemon: DaemonProcess, packages: Path) -> None:
        super().__init__(daemon.home, daemon.workspace)
        self.environment["PYTHONPATH"] = str(packages)
        self.output_file, self.error_file = packages / "output", packages / "errors"

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "sidecar", *arguments]  # -P: not the checkout that the tests stand in


@pytest.fixture
def older(daemon: DaemonProcess, tmp_path: Path) -> Iterator[DaemonProcess]:
    other = OtherVersion(daemon, unpacked(wheel_of("0.0.9", tmp_path), tmp_path / "older"))
    yield other
    other.end()


@pytest.fixture
def newer(daemon: DaemonProcess, tmp_path: Path) -> Iterator[DaemonProcess]:
    other = OtherVersion(daemon, unpacked(wheel_of("9.0.0", tmp_path, schema=SCHEMA + 1), tmp_path / "newer"))
    yield other
    other.end()


async def test_a_newer_program_finds_an_older_daemon_says_so_and_replaces_it(
    daemon: DaemonProcess, older: DaemonProcess
) -> None:
    await older.watch()
    async with connect(daemon.runtime_dirs) as client:
        await client.request("PUT", "/api/v5/settings/editor/kept", body={"value": "kept"})
    told = f"The daemon is version 0.0.9, this program is {__version__}"
    assert told in daemon.run("files", "ls").stderr
    assert told in daemon.run("status").stdout
    refused = daemon.run("up", str(daemon.workspace))
    assert refused.returncode == exits.FAILED
    assert told in refused.stderr
    assert "--replace" in refused.stderr

    daemon.start("--replace")
    await daemon.wait_for("Watching ")
    assert f"Stopped the daemon (process {older.pid})." in daemon.output
    assert await older.wait() == exits.DONE
    assert older.output.endswith("Stopping ...\nStopped.\n"), "it has drained"
    status = json.loads(daemon.run("status", "--json").stdout)
    assert (status["pid"], status["version"], len(status["workspaces"])) == (daemon.pid, __version__, 1)
    assert status["warnings"] == []
    async with connect(daemon.runtime_dirs) as client:
        assert (await client.request("GET", "/api/v5/settings"))["items"][0]["value"] == "kept"


async def test_a_store_of_a_newer_version_is_refused_and_both_versions_are_named(
    daemon: DaemonProcess, newer: DaemonProcess
) -> None:
    await newer.watch()
    assert newer.run("down").returncode == exits.DONE
    assert await newer.wait() == exits.DONE
    for command in (("up", str(daemon.workspace)), ("doctor",)):
        refused = daemon.run(*command)
        assert refused.returncode == exits.STORE_UNREADABLE
        assert refused.stderr == (
            f"sidecar: The store keeps records of version {SCHEMA + 1} since Sidecar 9.0.0; this is Sidecar "
            f"{__version__}, which knows version {SCHEMA}. Nothing was changed; update Sidecar.\n"
        )
    await newer.watch()
