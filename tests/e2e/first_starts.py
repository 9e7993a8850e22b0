"""Starts a daemon for the first time, again and again, kills it each time at another moment, and starts it again.

``python -m tests.e2e.first_starts FOLDER`` kills it before each step in turn: before each call with which Python
changes something on disk. ``--random N`` kills it at N random moments instead, which also lie inside what libraries
write. Each start is a fork of this process, which has imported everything: so it takes a fifth of a second.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

import sidecar.cli
import sidecar.daemon.running
import sidecar.daemon.wiring
import sidecar.store.embedded.create
from sidecar.endpoint import ENDPOINT_FILE
from tests.e2e.daemons import DEADLINE_SECONDS, clean_environment
from tests.e2e.kills import kill_before

_POLL_SECONDS = 0.002


class FirstStarts:
    """First starts below a folder, each in a home of its own.

    Args:
        folder: Empty, or not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._homes = 0
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        (self.workspace / "file.txt").write_text("content", encoding="utf-8")

    def killed_before(self, step: int) -> bool:
        """Kill a first start, or its stop, before its n-th step, from 1, and start again; false when it has fewer."""
        home = self._new_home()
        pid = _forked(home, self.workspace, step)
        code = _ended_or_serves(home, pid)
        code = _stopped(pid) if code is None else code
        self._starts_again(home, f"before step {step}")
        assert code in (0, -signal.SIGKILL), f"the first start ended with {code}"
        return code != 0

    def killed_after(self, seconds: float) -> None:
        """Kill a first start some time after it began, and start again."""
        home = self._new_home()
        pid = _forked(home, self.workspace, 0)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self._starts_again(home, f"after {seconds:.4f} s")

    def took(self) -> float:
        """Return how many seconds a first start takes."""
        home = self._new_home()
        began = time.monotonic()
        pid = _forked(home, self.workspace, 0)
        _ended_or_serves(home, pid)
        seconds = time.monotonic() - began
        _stopped(pid)
        return seconds

    def _new_home(self) -> Path:
        self._homes += 1
        home = self._folder / f"home-{self._homes}"
        (home / "user").mkdir(parents=True)
        return home

    def _starts_again(self, home: Path, when: str) -> None:
        pid = _forked(home, self.workspace, 0)
        code = _ended_or_serves(home, pid)
        code = _stopped(pid) if code is None else code
        assert code == 0, f"killed {when}, the next start ended with {code}: {(home / 'output').read_text()}"
        shutil.rmtree(home)


def _forked(home: Path, workspace: Path, step: int) -> int:
    """Start ``sidecar up`` in a fork and return its pid; it kills itself before its n-th step, if n is not 0."""
    pid = os.fork()
    if pid == 0:
        _run(home, workspace, step)
    return pid


def _run(home: Path, workspace: Path, step: int) -> NoReturn:
    code = 1
    try:
        os.environ.update(clean_environment(home))  # noqa: TID251 - of this process, which is to be a daemon
        output = os.open(home / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if step:
            kill_before(step, below=str(home))
        code = sidecar.cli.run(["up", str(workspace)])
    finally:
        os._exit(code)


def _ended_or_serves(home: Path, pid: int) -> int | None:
    """Wait until a daemon has published where it serves, and return None, or until it has ended: its exit code."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        file = home / "side" / "run" / ENDPOINT_FILE
        if file.exists() and json.loads(file.read_bytes())["pid"] == pid:
            return None
        time.sleep(_POLL_SECONDS)
    raise AssertionError("the daemon neither serves nor ends")


def _stopped(pid: int) -> int:
    """Stop a daemon as a service manager does, and return its exit code."""
    os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> int:
    """Kill first starts, and tell how many."""
    parser = argparse.ArgumentParser(prog="first_starts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--random", type=int, default=0, help="kill at so many random moments")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    starts = FirstStarts(options.folder)
    kills = 0
    if options.random:
        chance = random.Random(options.seed)  # noqa: S311 -- a plan of kills, no secret
        longest = starts.took()
        for kills in range(1, options.random + 1):  # noqa: B007 - told below
            starts.killed_after(chance.uniform(0, longest))
    else:
        while starts.killed_before(kills + 1):
            kills += 1
    sys.stdout.write(json.dumps({"kills": kills, "started_again": kills}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
