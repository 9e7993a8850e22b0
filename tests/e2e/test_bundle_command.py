"""The diagnostics archive: it says what helps, holds no secret wherever one was planted, and needs no daemon."""

import json
import stat
import zipfile
from pathlib import Path

import pytest

from sidecar.auth.signing_keys import SigningKeys
from sidecar.cli import exits
from sidecar.cli.bundle import CONTENTS
from tests.e2e.daemons import DaemonProcess

PASSWORD = "canary password of ada"  # noqa: S105 - planted to be looked for
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.canary-signature"  # noqa: S105 - planted to be looked for
PLANTED_IN_LOG = (
    {"message": f"Authorization: Bearer {TOKEN}"},
    {"message": "connecting to https://user:canary-in-url@example.com/"},
    {"message": "password=canary-in-text"},
    {"message": "asked", "extra": {"api_key": "canary in extra"}},
    {"message": json.dumps({"refresh_token": "canary in nested json"})},
    {"message": "failed", "traceback": "Traceback:\n  secret = 'canary in traceback'\nValueError"},
)


@pytest.fixture
def workspace(workspace: Path) -> Path:
    (workspace / "env.txt").write_text("KEY=canary-in-a-file", encoding="utf-8")
    return workspace


def members(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as archive:
        return {name.removeprefix("sidecar/"): archive.read(name).decode() for name in archive.namelist()}


def plant(daemon: DaemonProcess) -> list[str]:
    """Plant secrets wherever there can be any; return them."""
    home = daemon.home / "side"
    daemon.json("users", "add", "ada@example.com", given=PASSWORD)
    daemon.json("settings", "set", "llm", "api_key", "canary-of-a-tool")
    assert daemon.run("login", "ada@example.com", given=PASSWORD).returncode == exits.DONE
    kept = json.loads((home / "state" / "login.json").read_text())
    keys = SigningKeys.load((home / "data" / "signing.keys").read_text()).secrets
    pairing = (home / "run" / "pairing.key").read_text().strip()
    with (home / "log" / "sidecar.log").open("a", encoding="utf-8") as log:
        for line in (*PLANTED_IN_LOG, {"message": f"pairing with {pairing}"}, {"message": kept["refresh_token"]}):
            log.write(json.dumps({"time": "now", "level": "info", "logger": "x", **line}) + "\n")
    return ["canary", TOKEN, PASSWORD, pairing, kept["access_token"], kept["refresh_token"], *keys.values()]


async def test_no_planted_secret_is_in_the_archive_and_what_helps_is(daemon: DaemonProcess, tmp_path: Path) -> None:
    daemon.environment["SIDECAR_STORE"] = f"embedded:{daemon.home / 'side' / 'data' / 'store'}"
    await daemon.watch()
    secrets = plant(daemon)
    [report] = daemon.json("bundle", str(tmp_path))
    file = Path(report["path"])
    assert file.parent == tmp_path
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = members(file)
    assert list(found) == report["members"] == list(CONTENTS)
    raw = file.read_bytes()
    for secret in secrets:
        assert secret.encode() not in raw
        assert not [name for name, text in found.items() if secret in text], secret

    status = json.loads(found["status.json"])
    assert [each["path"] for each in status["workspaces"]] == [str(daemon.workspace)]
    assert "aiohttp" in json.loads(found["versions.json"])["libraries"]
    settings = {each["key"]: each for each in json.loads(found["settings.json"])}
    assert (settings["store"]["value"], settings["store"]["source"]) == (
        daemon.environment["SIDECAR_STORE"],
        "environment",
    )
    assert "sidecar_commits_total" in found["metrics.txt"]
    assert any(each["path"].endswith("data/store/data.mdb") for each in json.loads(found["sizes.json"]))
    log = [json.loads(line) for line in found["sidecar.log"].splitlines()]
    assert len(log) > len(PLANTED_IN_LOG), "its lines are there, and are still JSON"


async def test_without_a_daemon_it_tells_why_it_knows_less(daemon: DaemonProcess, tmp_path: Path) -> None:
    file = tmp_path / "bundle.zip"
    done = daemon.run("bundle", str(file))
    assert done.returncode == exits.DONE, done.stderr
    assert "look at it before you send it" in done.stdout
    found = members(file)
    assert json.loads(found["status.json"])["error"]["code"] == "not_running"
    assert found["metrics.txt"] == found["sidecar.log"] == ""
    again = daemon.run("bundle", str(file))
    assert (again.returncode, "--replace" in again.stderr) == (exits.FAILED, True)
    assert daemon.run("bundle", str(file), "--replace").returncode == exits.DONE
    unwritable = daemon.run("bundle", str(tmp_path / "absent" / "bundle.zip"))
    assert (unwritable.returncode, unwritable.stderr.count("\n")) == (exits.FAILED, 1)
