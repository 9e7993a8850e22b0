"""What the environment tells a process besides its settings: the user's folders, their terminal, who has started it.

Called by ``daemon`` and ``cli``; settings are read in ``config``, and nobody else reads the environment.
"""

import os
from pathlib import Path
from typing import NamedTuple


class UserEnvironment(NamedTuple):
    """What git reads from a user's environment to find the global excludes.

    Attributes:
        home: HOME, or the account's folder.
        xdg_config_home: XDG_CONFIG_HOME, or None when it is not set.
    """

    home: Path
    xdg_config_home: Path | None


class NotifySocket(NamedTuple):
    """Where a service manager listens (sd_notify(3)), and whom its watchdog expects to hear from.

    Attributes:
        path: Of the socket; one that begins with ``@`` is abstract.
        watchdog_pid: Only this process is watched; None for whoever it is.
        watchdog_seconds: It has to be heard of within so long; None for never.
    """

    path: str
    watchdog_pid: int | None
    watchdog_seconds: float | None = None


def user_environment() -> UserEnvironment:
    """Return the values of the environment that git would read."""
    xdg = os.environ.get("XDG_CONFIG_HOME", "")
    return UserEnvironment(Path.home(), Path(xdg) if xdg.startswith("/") else None)


def wants_color() -> bool:
    """Tell whether the user of a terminal wants colours there: NO_COLOR, set to anything, says no (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def notify_socket() -> NotifySocket | None:
    """Return where the service manager that started this process listens; None when there is none."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    pid, microseconds = os.environ.get("WATCHDOG_PID", ""), os.environ.get("WATCHDOG_USEC", "")
    if path[:1] not in ("/", "@") or not path[1:]:
        return None
    seconds = int(microseconds) / 1_000_000 if microseconds.isdigit() else None
    return NotifySocket(path, int(pid) if pid.isdigit() else None, seconds)
