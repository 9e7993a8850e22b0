"""The systemd user unit: one file, and the link by which it starts at login.

The link is made here, as ``systemctl enable`` would, so that installing also works where no manager can be asked (a
container, ``su``); a manager that is there is told.
"""

import os
from contextlib import suppress
from pathlib import Path

from sidecar.cli.login_services.command import Command, must_tell, read_if_there, removed, tell, template, write_whole
from sidecar.cli.login_services.port import Report
from sidecar.errors import UnavailableError

UNIT = "sidecar.service"


class UserUnit:
    """Our unit in a user's configuration.

    Args:
        command: What it starts.
        config_home: ``~/.config``, or where XDG_CONFIG_HOME says.
    """

    def __init__(self, command: Command, config_home: Path) -> None:
        self._command = command
        self._home = config_home
        self.file = config_home / "systemd" / "user" / UNIT
        self.link = self.file.parent / "default.target.wants" / UNIT

    def text(self) -> str:
        """Return the unit's content."""
        environment = "\n".join(
            f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(self._command.environment.items())
        )
        program, *arguments = map(_quoted, self._command.words)
        words = " ".join(
            [program, *(each.replace("$", "$$") for each in arguments)]
        )  # no variable in the program's path
        filled = template(f"systemd/{UNIT}").replace("@COMMAND@", words)
        return filled.replace("@ENVIRONMENT@\n", environment + "\n" if environment else "")

    def install(self) -> bool:
        """Write the unit and its link, and tell the manager."""
        write_whole(self.file, self.text().encode())
        try:
            self.link.parent.mkdir(parents=True, exist_ok=True)
            self.link.unlink(missing_ok=True)
            self.link.symlink_to(self.file)
        except OSError as error:
            raise UnavailableError(f"{self.link} can not be made: {error.strerror}.") from error
        if not _manager_is_there():
            return False
        must_tell("systemctl", "--user", "daemon-reload")
        return True

    def start(self) -> None:
        """Start it anew."""
        tell("systemctl", "--user", "reset-failed", UNIT)
        must_tell("systemctl", "--user", "restart", UNIT)

    def uninstall(self) -> list[Path]:
        """Stop the unit, remove it and its link, and the folders that are then empty."""
        manager_is_there = _manager_is_there()
        if manager_is_there and read_if_there(self.file) is not None:
            must_tell("systemctl", "--user", "stop", UNIT)
        gone = removed(self.link) + removed(self.file)
        for folder in (self.link.parent, self.file.parent, self._home / "systemd") if gone else ():
            with suppress(OSError):  # it holds something else, or is not ours to remove
                folder.rmdir()
        if manager_is_there and gone:
            must_tell("systemctl", "--user", "daemon-reload")
            tell("systemctl", "--user", "reset-failed", UNIT)
        return gone

    def report(self) -> Report:
        """Compare what is there with what would be written now, and ask the manager."""
        running = None
        if _manager_is_there():
            answer = tell("systemctl", "--user", "is-active", UNIT)
            running = answer is not None and answer.returncode == 0
        return Report.of(self.file, self.text().encode(), running=running, is_whole=os.path.exists(self.link))  # noqa: PTH110 - unlike pathlib's, it answers for any folder


def _manager_is_there() -> bool:
    answer = tell("systemctl", "--user", "show-environment")
    return answer is not None and answer.returncode == 0


def _quoted(text: str) -> str:
    """Return a word as systemd.syntax(7) and systemd.service(5) read it."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n").replace("\t", "\\t")
    )
    return f'"{escaped}"'
