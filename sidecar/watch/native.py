"""Events by watchfiles, where inotify is not: macOS and Windows.

It watches the whole tree by itself, ignored folders too; what they tell is dropped when the hints are looked at.
"""

import asyncio
import os
import threading

from watchfiles._rust_notify import RustNotify

from sidecar import limits
from sidecar.watch.events import Wake
from sidecar.watch.hints import Hints


class NativeEvents:
    """An ``EventSource``; see there.

    Args:
        root: Absolute.
        hints: Where to put what was touched.
        wake: Called after something was put.
    """

    def __init__(self, root: bytes, hints: Hints, wake: Wake) -> None:
        self._root = os.fsdecode(root)
        self._hints = hints
        self._wake = wake
        self._stop = threading.Event()
        self._followed: set[str] = set()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; see ``EventSource``."""
        notify = RustNotify(
            [self._root],
            debug=False,
            force_polling=False,
            poll_delay_ms=1_000,
            recursive=True,
            ignore_permission_denied=True,
        )
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._gather, args=(notify, loop), name="events", daemon=True)
        self._thread.start()

    def enter(self, folder: bytes) -> None:
        """Nothing: the whole tree is watched."""

    def follow(self, path: bytes) -> None:
        """Tell of changes to a file that is below the root but not walked; others are seen by the watcher's tick."""
        self._followed.add(os.fsdecode(path))

    async def close(self) -> None:
        """End; idempotent."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _gather(self, notify: RustNotify, loop: asyncio.AbstractEventLoop) -> None:
        with notify:
            while not self._stop.is_set():
                try:
                    found = notify.watch(limits.debounce_ms, limits.native_step_ms, 1_000, self._stop)
                except RuntimeError:  # what was lost is not known: an unreadable name, an overflowing queue
                    loop.call_soon_threadsafe(self._take, None)
                    self._stop.wait(limits.tick_seconds)
                    continue
                if not isinstance(found, str):
                    loop.call_soon_threadsafe(self._take, found)

    def _take(self, found: set[tuple[int, str]] | None) -> None:
        if found is None or len(found) >= limits.native_events_max:
            self._hints.touch_everything()
        else:
            for _, path in found:
                self._take_path(path)
        self._wake()

    def _take_path(self, path: str) -> None:
        if path in self._followed:
            self._hints.rules = True
        inner = os.path.relpath(path, self._root)
        if inner != os.curdir and not inner.startswith(os.pardir + os.sep):
            self._hints.touch_path(os.fsencode(inner.replace(os.sep, "/")))
