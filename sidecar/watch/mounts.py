"""File systems that are mounted and unmounted below a root while it is watched: inotify tells of neither.

Used by ``inotify.py``. Source: proc_pid_mountinfo(5), and proc_mounts(5): a change makes the file ready for POLLPRI. It
is always ready to be read too, so an event loop, which asks for that, would never rest; an epoll of our own, which is
ready when there is a change, stands between.
"""

import asyncio
import os
import re
import select
from collections.abc import Callable
from typing import IO, Final

_FILE: Final = "/proc/self/mountinfo"
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
_POINT: Final = 4  # of a line's fields: id, parent's id, device, root in it, mount point


class Mounts:
    """The mounts below one folder.

    Args:
        root: Absolute, without links.
        touch: Told, on the event loop, the path of a mount point that came or went, relative to the root.
    """

    def __init__(self, root: bytes, touch: Callable[[bytes], None]) -> None:
        self._prefix = os.path.join(root, b"")
        self._touch = touch
        self._file: IO[bytes] | None = None
        self._epoll: select.epoll | None = None
        self._known: set[tuple[bytes, ...]] = set()

    def start(self) -> None:
        """Begin; without a ``/proc`` nothing is told, and the next full comparison finds what has changed."""
        try:
            self._file = open(_FILE, "rb")  # noqa: SIM115 - closed by `close`
        except FileNotFoundError:
            return
        self._epoll = select.epoll()
        self._epoll.register(self._file, select.EPOLLPRI | select.EPOLLET)
        self._epoll.poll(0)
        self._known = self._read()
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._look)

    def close(self) -> None:
        """End; idempotent."""
        if self._epoll is not None:
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _look(self) -> None:
        assert self._epoll is not None  # noqa: S101 - it is what called
        self._epoll.poll(0)  # before reading: what changes from now on makes it ready again
        before, self._known = self._known, self._read()
        for point in {mount[_POINT] for mount in before ^ self._known}:
            self._touch(point.removeprefix(self._prefix))

    def _read(self) -> set[tuple[bytes, ...]]:
        with open(_FILE, "rb") as file:
            mounts = (tuple(map(_plain, line.split(b" ", _POINT + 1)[: _POINT + 1])) for line in file)
            return {mount for mount in mounts if mount[_POINT].startswith(self._prefix)}


def _plain(field: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes((int(found[1], 8),)), field) if b"\\" in field else field
