"""As a new user would: install, start at every login, use, upgrade, move, remove; on a clean account, under systemd."""

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar import __version__
from sidecar.cli import exits
from sidecar.client import connect
from tests.e2e.daemons import eventually
from tests.e2e.logins import Account
from tests.e2e.releases import ROOT, wheel_of

UNIT = "sidecar.service"


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def status(account: Account, python: Path) -> Any:
    return json.loads(account.must(str(python), "-m", "sidecar", "status", "--json"))


def everything_in(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if not path.is_dir()}


async def test_installed_started_at_login_used_upgraded_moved_and_removed(
    account: Account, workspace: Path, tmp_path: Path
) -> None:
    older, newer = wheel_of("0.0.9", tmp_path), wheel_of(__version__, tmp_path)
    place = account.home / "tools"
    python = place / "bin" / "python"
    pip = (str(python), "-m", "pip", "install", "--quiet", "--constraint", str(pins(tmp_path)))
    account.must(sys.executable, "-m", "venv", str(place))
    account.must(*pip, str(older))
    program = str(place / "bin" / "sidecar")

    async with account.login():
        assert account.must(program, "service", "install").endswith("Started.\n")
        assert account.property_of(UNIT, "ActiveState") == "active", "it has said that it is ready"
        assert account.property_of(UNIT, "StatusText").startswith("Serving http://127.0.0.1:")
        account.must(program, "watch", "add", str(workspace))
        await eventually(lambda: "watching" in account.must(program, "status"), "the scan ends")
        async with connect(account.runtime_dirs) as client:
            await client.request("PUT", "/api/v5/settings/editor/kept", body={"value": "kept"})
        files = account.must(program, "files", "ls")
        assert "untracked.txt" in files

    async with account.login():  # the next day
        await eventually(lambda: "watching" in account.must(program, "status"), "it is there, and watches what it did")
        assert account.property_of(UNIT, "NRestarts") == "0"
        assert account.must(program, "files", "ls") == files
        account.must("systemctl", "--user", "kill", "--kill-who=main", "--signal=SIGKILL", UNIT)
        await eventually(lambda: account.property_of(UNIT, "NRestarts") == "1", "after a crash it is started again")
        await eventually(lambda: account.run(program, "status").returncode == exits.DONE, "and serves")

        account.must(*pip, str(newer))
        told = f"The daemon is version 0.0.9, this program is {__version__}"
        assert told in account.must(program, "status")
        assert told in account.run(program, "files", "ls").stderr
        assert account.must(program, "service", "install").endswith("Started.\n")
        assert status(account, python)["version"] == __version__
        assert told not in account.must(program, "status")
        assert account.must(program, "files", "ls") == files
        async with connect(account.runtime_dirs) as client:
            assert (await client.request("GET", "/api/v5/settings"))["items"][0]["value"] == "kept"

        place, python = place.rename(account.home / "moved"), account.home / "moved" / "bin" / "python"
        moved = account.must(str(python), "-m", "sidecar", "service", "status")
        assert "another program" in moved, moved
        account.must(str(python), "-m", "sidecar", "service", "install")
        assert "installed; runs" in account.must(str(python), "-m", "sidecar", "service", "status")
        assert account.must(str(python), "-m", "sidecar", "files", "ls") == files

        removed = account.must(str(python), "-m", "sidecar", "service", "uninstall")
        assert account.property_of(UNIT, "LoadState") == "not-found"
    shutil.rmtree(place)
    kept = {Path(line.strip()) for line in removed.splitlines() if line.startswith("  ")}
    left = everything_in(account.home)
    assert left, "the data"
    assert {path for path in left if not any(path.is_relative_to(folder) for folder in kept)} == set()


def pins(folder: Path) -> Path:
    """Write what the program needs, without hashes, which a wheel of ours has none of."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8").partition("# --- building ---")[0]
    lines = [line.removesuffix(" \\") for line in text.splitlines() if "==" in line]
    file = folder / "pins.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


async def test_a_daemon_that_stands_still_is_started_again_by_the_manager(account: Account) -> None:
    fast = account.home / ".config/systemd/user/sidecar.service.d/fast.conf"
    fast.parent.mkdir(parents=True)
    fast.write_text("[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\nRestartSec=100ms\n", encoding="utf-8")
    program = (sys.executable, "-m", "sidecar")
    async with account.login():
        account.must(*program, "service", "install")
        first = account.property_of(UNIT, "MainPID")
        await eventually(
            lambda: account.property_of(UNIT, "WatchdogTimestampMonotonic") != "0", "it shows that it runs"
        )
        account.must("kill", f"-{signal.SIGSTOP}", first)
        await eventually(lambda: account.property_of(UNIT, "NRestarts") == "1", "it is started again")
        await eventually(lambda: account.run(*program, "status").returncode == exits.DONE, "and serves")
        assert account.property_of(UNIT, "MainPID") != first
        account.must(*program, "service", "uninstall")
    assert fast.exists(), "what the user has written stays"
