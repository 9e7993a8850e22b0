"""How a watcher waits for the file system of its root, which may never answer: it is on a network, or it hangs.

Used by ``watcher.py``. Whatever asks the root runs in a thread of its own, so that it holds neither the event loop nor
the comparisons of others; and whoever is waited for in vain is left behind.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Self, TypeVar

from sidecar import limits
from sidecar.clock import Clock
from sidecar.file_systems import in_own_thread
from sidecar.waiting import ended

T = TypeVar("T")


class Turn:
    """A turn that is given back at the end, or earlier.

    Args:
        turns: Where it is waited for.
    """

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns: asyncio.Semaphore | None = turns

    async def __aenter__(self) -> Self:
        assert self._turns is not None  # noqa: S101 - a turn is taken once
        await self._turns.acquire()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Let another have it; idempotent."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.release()


class Calls:
    """Runs what asks a root, one thing at a time.

    Args:
        clock: Tells the time.
        show: Called now and then while something runs, on the event loop.
        turned: Called when ``is_silent`` has changed.

    Attributes:
        is_silent: Nothing has come of what runs for ``limits.silent_seconds``.
    """

    def __init__(self, clock: Clock, show: Callable[[], object], turned: Callable[[], object]) -> None:
        self._clock = clock
        self._show = show
        self._turned = turned
        self.is_silent = False

    async def run(
        self, work: Callable[[], T], *, stop: threading.Event | None = None, done: Callable[[], int] = lambda: 0
    ) -> T:
        """Return what ``work`` gives; when cancelled, return only after it has stopped, or been left behind.

        Args:
            stop: Set to end it early.
            done: Tells how much it has done; called on the event loop.
        """
        seen, since = done(), self._clock.monotonic()

        def look() -> float | None:
            nonlocal seen, since
            now, before, seen = self._clock.monotonic(), seen, done()
            since = now if seen != before else since
            self._note(is_silent=now - since >= limits.silent_seconds)
            if self.is_silent:
                return limits.silent_look_seconds
            self._show()
            return None

        try:
            return await ended(
                in_own_thread(work, name="watch"),
                (stop or threading.Event()).set,
                show=look,
                every_seconds=limits.progress_publish_seconds,
                leave_after_seconds=limits.leave_hanging_seconds,
            )
        finally:
            self._note(is_silent=False)

    def _note(self, *, is_silent: bool) -> None:
        if is_silent != self.is_silent:
            self.is_silent = is_silent
            self._turned()
