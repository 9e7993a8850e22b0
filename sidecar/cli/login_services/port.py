"""What every platform's login service can do."""

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from sidecar.cli.login_services.command import read_if_there


class Installed(StrEnum):
    """Whether what is installed starts this program."""

    NO = "no"
    CURRENT = "current"
    OUTDATED = "outdated"  # another version wrote it, or the program has moved since


class Report(NamedTuple):
    """How a login service is.

    Attributes:
        file: What is (or would be) installed.
        running: Whether the service manager runs it; None when it can not be asked.
    """

    installed: Installed
    file: Path
    running: bool | None

    @classmethod
    def of(cls, file: Path, content: bytes, *, running: bool | None, is_whole: bool = True) -> Self:
        """Compare what is installed with what would be written now.

        Args:
            is_whole: All else that ``install`` makes is there too.
        """
        there = read_if_there(file)
        installed = Installed.CURRENT if there == content and is_whole else Installed.OUTDATED
        return cls(Installed.NO if there is None else installed, file, running)


class LoginService(Protocol):
    """Starts the daemon at every login. Everything is idempotent."""

    def install(self) -> bool:
        """Write it anew and have it start at login; return whether a manager was there to be told.

        Raises:
            UnavailableError: It can not be written, or the manager refuses.
        """

    def start(self) -> None:
        """Start the installed service now, or start it anew when it runs."""

    def uninstall(self) -> list[Path]:
        """Stop it, remove all that ``install`` has made, and return what was removed."""

    def report(self) -> Report:
        """Look at it."""
