"""The launchd agent of macOS: one property list, loaded into the user's session."""

import os
import plistlib
import time
from pathlib import Path

from sidecar import limits
from sidecar.cli.login_services.command import Command, must_tell, removed, tell, template, write_whole
from sidecar.cli.login_services.port import Report
from sidecar.errors import UnavailableError

LABEL = "sidecar"


class LaunchAgent:
    """Our agent among a user's.

    Args:
        command: What it starts.
        folder: ``~/Library/LaunchAgents``.
    """

    def __init__(self, command: Command, folder: Path) -> None:
        self._command = command
        self.file = folder / f"{LABEL}.plist"

    def content(self) -> bytes:
        """Return the property list."""
        agent = plistlib.loads(template("launchd/sidecar.plist").encode())
        agent["ProgramArguments"] = [*self._command.words, "up", "--service"]
        if self._command.environment:
            agent["EnvironmentVariables"] = dict(self._command.environment)
        return plistlib.dumps(agent)

    def install(self) -> bool:
        """Write the agent; launchd takes it at the next login, or by ``start``."""
        write_whole(self.file, self.content())
        return _running() is not None

    def start(self) -> None:
        """Load the agent anew, which starts it."""
        tell("launchctl", "bootout", f"{_domain()}/{LABEL}")
        _wait_until_unloaded()
        must_tell("launchctl", "bootstrap", _domain(), str(self.file))

    def uninstall(self) -> list[Path]:
        """Unload the agent and remove its file."""
        tell("launchctl", "bootout", f"{_domain()}/{LABEL}")
        return removed(self.file)

    def report(self) -> Report:
        """Compare what is there with what would be written now, and ask launchd."""
        return Report.of(self.file, self.content(), running=_running())


def _wait_until_unloaded() -> None:
    """Wait for the end of the agent, which `bootout` does not always; while it is there, `bootstrap` fails."""
    deadline = time.monotonic() + limits.service_stop_seconds_max
    while (answer := tell("launchctl", "print", f"{_domain()}/{LABEL}")) is not None and answer.returncode == 0:
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"launchd has not ended the agent {LABEL} within {limits.service_stop_seconds_max:.0f} s; try again."
            )
        time.sleep(limits.stop_poll_seconds)


def _running() -> bool | None:
    if tell("launchctl", "print", _domain()) is None:
        return None
    answer = tell("launchctl", "print", f"{_domain()}/{LABEL}")
    return answer is not None and answer.returncode == 0 and "state = running" in answer.stdout


def _domain() -> str:
    return f"gui/{os.getuid()}"
