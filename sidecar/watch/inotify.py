"""Linux's own events: one watch for each folder that is walked, and none for ignored ones.

Why not watchfiles here: it watches ignored folders too, hides an overflowing queue, fails on names that are not UTF-8,
and polls its own list 20 to 100 times a second while nothing happens. Source: inotify(7).
"""

import asyncio
import ctypes
import errno
import os
import struct
import threading
from bisect import bisect_left, insort
from typing import Final

from sidecar import limits
from sidecar.watch.events import Wake, WatchLimitError
from sidecar.watch.hints import Hints
from sidecar.watch.mounts import Mounts

_MODIFY: Final = 0x2
_ATTRIB: Final = 0x4
_CLOSE_WRITE: Final = 0x8
_MOVED_FROM: Final = 0x40
_MOVED_TO: Final = 0x80
_CREATE: Final = 0x100
_DELETE: Final = 0x200
_DELETE_SELF: Final = 0x400
_MOVE_SELF: Final = 0x800
_UNMOUNT: Final = 0x2000
_Q_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000
_ONLYDIR: Final = 0x0100_0000
_DONT_FOLLOW: Final = 0x0200_0000
_EXCL_UNLINK: Final = 0x0400_0000
_ISDIR: Final = 0x4000_0000
_CHANGES = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
_FOLDER_MASK = _CHANGES | _ONLYDIR | _DONT_FOLLOW | _EXCL_UNLINK
_OUTSIDE_MASK = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLYDIR
_EVENT = struct.Struct("iIII")
_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG})


class Inotify:
    """An ``EventSource``; see there.

    Args:
        root: Absolute.
        hints: Where to put what was touched.
        wake: Called after something was put.
    """

    def __init__(self, root: bytes, hints: Hints, wake: Wake) -> None:
        self._root = root
        self._hints = hints
        self._wake = wake
        self._descriptor = -1
        self._calls = 0  # under way; the last of them closes the descriptor if it is no longer ours
        self._lock = threading.Lock()  # never held during a call: a file system may hang, and the loop needs it
        self._paths: dict[int, bytes] = {}  # watch -> folder
        self._also: dict[int, set[bytes]] = {}  # watch -> other paths of its folder: it is mounted there as well
        self._watches: dict[bytes, int] = {}  # folder -> watch
        self._order: list[bytes] = []  # the same folders, sorted, so that those below one are found at once
        self._outside: dict[int, set[bytes]] = {}  # watch -> names that hold rules
        self._mounts = Mounts(root, self._take_mount)

    def start(self) -> None:
        """Begin; see ``EventSource``."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._add_watch = libc.inotify_add_watch
        self._remove_watch = libc.inotify_rm_watch
        descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if descriptor < 0:
            raise WatchLimitError(_advice("fs.inotify.max_user_instances"))
        self._descriptor = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._read)
        self._mounts.start()

    def enter(self, folder: bytes) -> None:
        """Make sure that a folder gives events; see ``EventSource``."""
        watch = self._add(os.path.join(self._root, folder[:-1]), _FOLDER_MASK)  # a slash would follow a link
        if watch is None:
            return
        # The same folder at another path has the same watch: it was moved, or is mounted there as well.
        before = self._paths.get(watch)
        is_mounted_twice = before is not None and before != folder and self._is_same(before, folder)
        with self._lock:
            if before is not None and before != folder:
                if is_mounted_twice:
                    self._also.setdefault(watch, set()).add(before)
                else:
                    self._drop(before)
            self._paths[watch] = folder
            if folder not in self._watches:
                insort(self._order, folder)
            self._watches[folder] = watch

    def _is_same(self, before: bytes, folder: bytes) -> bool:
        try:
            return os.path.samefile(os.path.join(self._root, before), os.path.join(self._root, folder))
        except OSError:
            return False

    def follow(self, path: bytes) -> None:
        """Tell of changes to a file outside the walk; see ``EventSource``."""
        folder, name = os.path.split(path)
        watch = self._add(folder, _OUTSIDE_MASK | 0x2000_0000)  # IN_MASK_ADD: the folder may be walked as well
        if watch is not None:
            with self._lock:
                self._outside.setdefault(watch, set()).add(name)

    async def close(self) -> None:
        """End, in a thread: for some 1,000 watches the system needs 3 ms; idempotent."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
            is_free = not self._calls
        self._mounts.close()
        if descriptor >= 0:
            asyncio.get_running_loop().remove_reader(descriptor)
            if is_free:
                await asyncio.to_thread(os.close, descriptor)

    def _add(self, path: bytes, mask: int) -> int | None:
        with self._lock:
            descriptor = self._descriptor
            if descriptor < 0:
                return None
            self._calls += 1
        watch: int = self._add_watch(descriptor, path, mask)
        number = ctypes.get_errno()
        with self._lock:
            self._calls -= 1
            is_left = self._descriptor < 0 and not self._calls
        if is_left:
            os.close(descriptor)
        if watch >= 0:
            return watch
        if number == errno.ENOSPC:
            raise WatchLimitError(_advice("fs.inotify.max_user_watches"))
        if number not in _VANISHED:
            raise OSError(number, os.strerror(number), path)
        return None  # the walk will see for itself

    def _take_mount(self, path: bytes) -> None:
        self._hints.touch_path(path)
        self._wake()

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, limits.inotify_read_bytes)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            self._take(watch, mask, name)
        if self._hints:
            self._wake()

    def _take(self, watch: int, mask: int, name: bytes) -> None:
        if mask & _Q_OVERFLOW:
            self._hints.touch_everything()
            return
        with self._lock:
            folders = {self._paths[watch], *self._also.get(watch, ())} if watch in self._paths else ()
            if name in self._outside.get(watch, ()):
                self._hints.rules = True
            if mask & (_IGNORED | _UNMOUNT):
                self._forget(watch)
        for folder in folders:
            if not name:
                self._take_self(folder, mask)
                continue
            if mask & _ISDIR and mask & _MOVED_FROM:
                self._drop_below(folder + name + b"/")
            self._hints.touch(folder, name)

    def _take_self(self, folder: bytes, mask: int) -> None:
        if mask & (_DELETE_SELF | _MOVE_SELF | _UNMOUNT) or (mask & _ATTRIB and not folder):
            if folder:
                self._hints.touch_path(folder[:-1])
            else:
                self._hints.touch_everything()  # the root itself: the comparison finds out what has become of it

    def _drop_below(self, folder: bytes) -> None:
        """Take away the watches of a folder that has moved away; where it is now, the walk enters it anew.

        Those of a deleted folder the system takes away itself.
        """
        left: list[int] = []
        with self._lock:
            first = bisect_left(self._order, folder)
            end = bisect_left(self._order, folder[:-1] + b"0", lo=first)  # the character behind the slash
            gone = self._order[first:end]
            del self._order[first:end]
            for path in gone:
                watch = self._watches.pop(path)
                others = self._also.pop(watch, set()) - {path}
                if self._paths.get(watch) == path:
                    del self._paths[watch]
                    if others:
                        self._paths[watch] = others.pop()
                    else:
                        left.append(watch)
                if others:
                    self._also[watch] = others
        if left:
            asyncio.get_running_loop().run_in_executor(None, self._take_away, left)

    def _take_away(self, watches: list[int]) -> None:
        """Take away those that nobody has entered again meanwhile; in a thread, because they may be thousands."""
        for watch in watches:
            with self._lock:
                if self._descriptor >= 0 and watch not in self._paths and watch not in self._outside:
                    self._remove_watch(self._descriptor, watch)

    def _forget(self, watch: int) -> None:
        path = self._paths.pop(watch, None)
        for each in (path, *self._also.pop(watch, ())):
            if each is not None and self._watches.get(each) == watch:
                self._drop(each)
        self._outside.pop(watch, None)

    def _drop(self, path: bytes) -> None:
        if self._watches.pop(path, None) is not None:
            del self._order[bisect_left(self._order, path)]


def _advice(setting: str) -> str:
    return (
        f"The system's limit {setting} is reached, so changes are found by comparing every "
        f"now and then; raise it with: sudo sysctl {setting}=1048576"
    )
