"""A command on a terminal of its own, as a person sees it: what it shows, and what is typed."""

import contextlib
import fcntl
import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.daemons import DaemonProcess, eventually


class Terminal:
    """What a running command shows.

    Attributes:
        heard: All of it so far.
    """

    def __init__(self, process: subprocess.Popen[bytes], ours: int) -> None:
        self.process = process
        self.heard = bytearray()
        self._ours = ours

    async def shows(self, text: bytes) -> None:
        """Wait until it has been shown."""

        def is_shown() -> bool:
            self._read()
            return text in self.heard

        await eventually(is_shown, f"{text!r} is shown")

    def types(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    async def ended(self) -> int:
        """Wait for the command's end, reading on, so that it is not held up; return its exit code."""

        def has_ended() -> bool:
            self._read()
            return self.process.poll() is not None

        await eventually(has_ended, "it ends")
        self._read()
        return self.process.wait()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # nothing yet, or the other end is closed
            while block := os.read(self._ours, 65_536):
                self.heard += block


@contextmanager
def on_a_terminal(daemon: DaemonProcess, *arguments: str, **variables: str) -> Iterator[Terminal]:
    """Run a command of ours with a terminal that it is the foreground of."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        daemon.command(*arguments),
        env={**daemon.environment, "TERM": "xterm-256color", **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - a terminal sends Ctrl-C to its session
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    with process:
        try:
            yield Terminal(process, ours)
        except BaseException:
            process.kill()
            raise
    os.close(ours)
