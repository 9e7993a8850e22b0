"""A process that kills itself before its n-th step: before each call with which Python changes something on disk."""

import os
import signal
import sys
from typing import Any

_CHANGES = frozenset(
    f"os.{name}" for name in ("mkdir", "rename", "remove", "rmdir", "symlink", "link", "chmod", "truncate")
)


def kill_before(step: int, *, below: str) -> None:
    """Have this process kill itself before its n-th step, from 1, that changes something below a folder."""
    left = step

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and int(arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in _CHANGES) and any(os.fsdecode(each).startswith(below) for each in _paths(arguments)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)


def _paths(arguments: tuple[Any, ...]) -> list[str | bytes]:
    return [os.fspath(each) for each in arguments if isinstance(each, str | bytes | os.PathLike)]
