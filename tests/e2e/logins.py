"""A user's account with a login of its own: a real systemd user manager, in namespaces that end with it.

What it needs (root, namespaces, systemd) and does not find skips the test that asks for it.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.daemons import DEADLINE_SECONDS, clean_environment, eventually

_MANAGER = Path("/lib/systemd/systemd")
_CGROUPS = Path("/sys/fs/cgroup")
_BEGIN = (
    'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && mkdir -m 700 -p "$XDG_RUNTIME_DIR" || exit 77\n'
    f"{_MANAGER} --user --log-target=console\n"  # a child, because as process 1 it would be the system's manager
)


class Account:
    """A home folder, and at most one login.

    Args:
        folder: Where the home is made.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "user"
        self.home.mkdir(parents=True)
        self.environment = clean_environment(folder)
        del self.environment["SIDECAR_HOME"]
        cache = Path.home() / ".cache" / "pip"  # what pip has fetched before is no part of the account
        self.environment |= {
            "XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}",
            "PIP_CACHE_DIR": str(cache),
            "PATH": os.defpath,
        }
        self.log = folder / "login.log"
        self._login: subprocess.Popen[bytes] | None = None
        self._inside: list[str] = []

    @property
    def runtime_dirs(self) -> list[Path]:
        """The runtime folder, which only the login sees, seen from outside."""
        return [Path(f"/proc/{self._inside[2]}/root{self.environment['XDG_RUNTIME_DIR']}/sidecar")]

    @asynccontextmanager
    async def login(self) -> AsyncIterator[None]:
        """Log in for the block: what is to start at login starts; at its end everything is stopped in good order."""
        cgroups = _cgroups()
        try:
            await self._begin()
            yield
            self.must("systemctl", "--user", "exit")
            await eventually(self._has_ended, "the manager has stopped everything, and ends")
        finally:
            self._end()
            for group in sorted(_cgroups() - cgroups, reverse=True):  # the deepest first
                await eventually(partial(_is_removed, group), f"nothing runs in {group} any more")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the user, inside the login if there is one."""
        return subprocess.run(
            [*self._inside, *words],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS * 2,
        )

    def must(self, *words: str) -> str:
        """Run a command that has to succeed, and return what it prints."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}{self.log.read_text(encoding='utf-8')}"
        return done.stdout

    def property_of(self, unit: str, name: str) -> str:
        """Ask the manager."""
        return self.must("systemctl", "--user", "show", "--value", "--property", name, unit).strip()

    async def _begin(self) -> None:
        if not _MANAGER.exists() or shutil.which("unshare") is None:
            pytest.skip("systemd is not installed here")
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _BEGIN]
        with self.log.open("ab") as log:
            self._login = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log, cwd=self.home)
        await eventually(lambda: self._has_ended() or (self._enter() and self._is_up()), "the login is ready")
        if self._has_ended():
            pytest.skip(f"no login can be made here: {self.log.read_text(encoding='utf-8').strip()[-300:]}")

    def _enter(self) -> bool:
        assert self._login is not None
        children = Path(f"/proc/{self._login.pid}/task/{self._login.pid}/children").read_text(encoding="ascii").split()
        if children:
            self._inside = ["nsenter", "--target", children[0], "--mount", "--pid"]
        return bool(children)

    def _has_ended(self) -> bool:
        return self._login is None or self._login.poll() is not None

    def _is_up(self) -> bool:
        return self.run("systemctl", "--user", "is-system-running").stdout.strip() in ("running", "degraded")

    def _end(self) -> None:
        if self._login is not None:
            self._login.kill()
            self._login.wait()
        self._login, self._inside = None, []


def _is_removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError as error:
        if error.errno != errno.EBUSY:  # who was killed is only going
            raise
        return False
    return True


def _cgroups() -> set[Path]:
    """Return the groups that there are now: a manager that is killed leaves its own."""
    return {Path(folder) for folder, _, _ in os.walk(_CGROUPS)}
