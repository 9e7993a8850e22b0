"""Logging in as somebody else, and an admin's work on users, as a person does it at the terminal."""

import json
import stat
import subprocess

import pytest

from sidecar.cli import exits
from tests.e2e.daemons import DaemonProcess

pytestmark = pytest.mark.usefixtures("watching")

ADA, PASSWORD, OTHER = "ada@example.com", "correct horse battery", "another horse battery"


def who(daemon: DaemonProcess) -> str:
    [answer] = daemon.json("whoami")
    return str(answer["user"]["email"])


async def test_a_login_lasts_over_commands_until_it_is_ended(daemon: DaemonProcess) -> None:
    owner = who(daemon)
    [ada] = daemon.json("users", "add", ADA, "--role", "viewer", "--first-name", "Ada", given=f"{PASSWORD}\n")
    assert (ada["email"], ada["role"]) == (ADA, "viewer")
    done = daemon.run("login", ADA, given=f"{PASSWORD}\n")
    assert done.stdout.startswith(f"Ada <{ADA}>, viewer of ")
    kept = daemon.home / "side" / "state" / "login.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text()

    assert who(daemon) == ADA
    refused = daemon.run("users", "list")
    assert (refused.returncode, refused.stdout) == (exits.REFUSED, "")
    assert "viewer" in refused.stderr
    [status] = daemon.json("status")
    assert status["login"] == ADA
    assert f"\nlogged in {ADA}" in daemon.run("status").stdout

    assert daemon.run("logout").stdout == f"Logged out {ADA}.\n"
    assert not kept.exists()
    assert who(daemon) == owner
    assert daemon.run("logout").returncode == exits.DONE


async def test_a_wrong_password_logs_nobody_in(daemon: DaemonProcess) -> None:
    daemon.json("users", "add", ADA, given=PASSWORD)
    for given, code in (("wrong horse battery\n", exits.REFUSED), ("", exits.USAGE), ("\n", exits.USAGE)):
        assert daemon.run("login", ADA, given=given).returncode == code
    assert daemon.run("login", given=PASSWORD).returncode == exits.USAGE, "whose password it is has to be said"
    assert who(daemon) != ADA


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
async def test_a_password_that_is_no_text_is_refused_and_not_shown(daemon: DaemonProcess, locale: str) -> None:
    for command in ("login", "users add"):
        done = subprocess.run(
            daemon.command(*command.split(), ADA),
            env={**daemon.environment, "LC_ALL": locale},
            input=b"S3cretPassw\xffrd!!\n",
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (exits.USAGE, b"")
        assert done.stderr == b"sidecar: The password is not UTF-8 text.\n"


async def test_a_login_that_has_ended_is_told_and_the_machines_own_commands_go_on(daemon: DaemonProcess) -> None:
    daemon.json("users", "add", ADA, given=PASSWORD)
    assert daemon.run("login", ADA, given=PASSWORD).returncode == exits.DONE
    kept = (daemon.home / "side" / "state" / "login.json").read_text()
    daemon.run("logout")
    (daemon.home / "side" / "state" / "login.json").write_text(kept)
    (daemon.home / "side" / "state" / "login.json").chmod(0o600)
    ended = daemon.run("whoami")
    assert ended.returncode == exits.REFUSED
    assert ended.stderr == (
        f"sidecar: The login of {ADA} has ended: `sidecar login` opens another, `sidecar logout` makes you the "
        "machine's own user again.\n"
    )
    assert daemon.run("status").returncode == exits.DONE
    assert daemon.run("events", "--follow").returncode == exits.REFUSED, "it does not try for ever"
    assert daemon.run("logout").returncode == exits.DONE
    assert daemon.run("whoami").returncode == exits.DONE


async def test_an_access_token_that_has_ended_is_renewed_and_kept(daemon: DaemonProcess) -> None:
    daemon.json("users", "add", ADA, given=PASSWORD)
    daemon.run("login", ADA, given=PASSWORD)
    kept = daemon.home / "side" / "state" / "login.json"
    before = json.loads(kept.read_text())
    kept.write_text(json.dumps({**before, "access_token": "ended"}))
    assert who(daemon) == ADA
    after = json.loads(kept.read_text())
    assert after["refresh_token"] != before["refresh_token"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert who(daemon) == ADA


async def test_an_admin_manages_users_by_address_and_id(daemon: DaemonProcess) -> None:
    [ada] = daemon.json("users", "add", "Ada@Example.com", given=PASSWORD)
    assert [each["role"] for each in daemon.json("users", "list") if each["email"] == ADA] == ["developer"]
    assert daemon.run("users", "add", ADA, given=PASSWORD).stderr == f"sidecar: There is a user {ADA} already.\n"
    short = daemon.run("users", "add", "bob@example.com", given="short")
    assert (short.returncode, "12 to 1,024 characters" in short.stderr) == (exits.USAGE, True)

    assert daemon.json("users", "role", ADA, "manager")[0]["role"] == "manager"
    assert daemon.run("users", "role", ADA, "boss").returncode == exits.USAGE
    assert daemon.json("users", "disable", ada["id"][:-2])[0]["is_active"] is False
    assert f"{ADA} (disabled)" in daemon.run("users", "list").stdout
    assert daemon.run("login", ADA, given=PASSWORD).returncode == exits.REFUSED
    assert daemon.json("users", "enable", ADA)[0]["is_active"] is True
    assert daemon.json("users", "password", ADA, given=OTHER)[0]["email"] == ADA
    assert daemon.run("login", ADA, given=PASSWORD).returncode == exits.REFUSED
    assert daemon.run("login", ADA, given=OTHER).returncode == exits.DONE
    daemon.run("logout")

    ambiguous = daemon.run("users", "disable", "01")
    assert (ambiguous.returncode, "Several are meant" in ambiguous.stderr) == (exits.USAGE, True)
    assert daemon.run("users", "remove", ADA).returncode == exits.USAGE, "nobody can be asked"
    assert daemon.run("users", "remove", ADA, "--yes").stdout == f"Removed {ADA}.\n"
    assert daemon.run("users", "remove", ADA, "--yes").returncode == exits.FAILED
    owner = who(daemon)
    assert daemon.run("users", "remove", owner, "--yes").returncode == exits.REFUSED
