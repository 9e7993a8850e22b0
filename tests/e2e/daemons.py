"""A real daemon as a process, for tests: its own home, any free port, its output in a file."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sidecar.endpoint import ENDPOINT_FILE, Endpoint

DEADLINE_SECONDS = 60.0  # generous: nothing here asserts a time, it only ends a test that hangs
SETTLED_SECONDS = 5.0  # an index that follows events settles within one; one that waits for a timer is told from it
_POLL_SECONDS = 0.02


def clean_environment(home: Path) -> dict[str, str]:
    """Return an environment with nothing of the user's: an empty HOME, git without identity or global excludes."""
    inherited = os.environ  # noqa: TID251 - what the process that we start inherits
    kept = {key: value for key, value in inherited.items() if not key.startswith(("SIDECAR_", "XDG_", "GIT_"))}
    return {
        **kept,
        "HOME": str(home / "user"),
        "SIDECAR_HOME": str(home / "side"),
        "SIDECAR_PORT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
    }


async def eventually(
    check: Callable[[], Awaitable[bool] | bool], what: str, *, seconds: float = DEADLINE_SECONDS
) -> None:
    """Wait until ``check`` answers true; fail with ``what`` when it never does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        answer = check()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert loop.time() < deadline, f"never happened: {what}"
        await asyncio.sleep(_POLL_SECONDS)


class DaemonProcess:
    """Starts and ends ``sidecar up`` on one workspace, any number of times."""

    def __init__(self, home: Path, workspace: Path) -> None:
        self.home = home
        self.workspace = workspace
        self.environment = clean_environment(home)
        self.output_file = home / "output.txt"
        self.error_file = home / "errors.txt"
        self._process: subprocess.Popen[bytes] | None = None
        (home / "user").mkdir(parents=True, exist_ok=True)

    @property
    def runtime_dirs(self) -> list[Path]:
        return [self.home / "side" / "run"]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        return self.output_file.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return self.error_file.read_text(encoding="utf-8")

    def start(self, *options: str, command: Sequence[str] = ()) -> None:
        """Start it, with options for ``up`` or by another command; does not wait."""
        with self.output_file.open("wb") as output, self.error_file.open("wb") as errors:
            self._process = subprocess.Popen(
                command or self.command("up", str(self.workspace), *options),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=self.environment,
                start_new_session=True,
            )

    async def wait_for(self, text: str) -> None:
        """Wait until its output has a text."""

        def check() -> bool:
            assert self._process is not None
            assert self._process.poll() is None or text in self.output, f"ended early: {self.output}{self.errors}"
            return text in self.output

        await eventually(check, f"{text!r} in {self.output_file}")

    async def serve(self) -> None:
        """Start it and wait until it answers requests."""
        self.start()
        await self.wait_for("serves http://")
        await eventually(self._is_published, "endpoint.json of this process")

    async def watch(self) -> None:
        """Start it and wait until its first scan is done."""
        await self.serve()
        await self.wait_for("Watching ")

    def _is_published(self) -> bool:
        file = self.runtime_dirs[0] / ENDPOINT_FILE
        return file.exists() and Endpoint.from_json(file.read_bytes()).pid == self.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        process = self._process
        assert process is not None
        await eventually(lambda: process.poll() is not None, "the end of the daemon")
        return process.returncode

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        await self.wait()

    def end(self) -> None:
        """Make sure that nothing is left of it."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """Return the words that start the CLI."""
        return [sys.executable, "-m", "sidecar", *arguments]

    def run(self, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the CLI against the same home, to its end.

        Args:
            given: What stands on its standard input.
            variables: Of its environment.
        """
        return subprocess.run(
            self.command(*arguments),
            env={**self.environment, **variables},
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=DEADLINE_SECONDS,
        )

    def json(self, *arguments: str, given: str = "") -> list[Any]:
        """Run a command that succeeds with --json, and return the objects that it writes."""
        done = self.run(*arguments, "--json", given=given)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def daemon_process(home: Path, workspace: Path) -> Iterator[DaemonProcess]:
    """Yield a daemon that is not started yet, and end it whatever happens."""
    daemon = DaemonProcess(home, workspace)
    try:
        yield daemon
    finally:
        daemon.end()
