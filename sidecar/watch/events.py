"""The port of event sources: who tells a watcher where to look.

A source is started before the first walk, and told each folder before it is listed, so that nothing falls in between.
Two keep it: ``inotify.py`` on Linux, ``native.py`` (watchfiles) elsewhere.
"""

from collections.abc import Callable
from typing import Protocol

from sidecar.watch.hints import Hints


class WatchLimitError(Exception):
    """The system gives no more watches.

    Args:
        advice: One sentence: what happens instead, and how to raise the limit.
    """

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice


class EventSource(Protocol):
    """Puts hints into ``hints`` and calls ``wake``, both on the event loop, from ``start`` until ``close``."""

    def start(self) -> None:
        """Begin.

        Raises:
            WatchLimitError: There are no events to be had.
            OSError: The root is gone.
        """

    def enter(self, folder: bytes) -> None:
        """Make sure that a folder (relative, a slash behind, or empty) gives events; from any thread.

        Raises:
            WatchLimitError: The system gives no more watches.
        """

    def follow(self, path: bytes) -> None:
        """Make sure that ``hints.rules`` is set when a file outside the walk (absolute) changes; from any thread."""

    async def close(self) -> None:
        """End, and give back what the system keeps for it; idempotent."""


Wake = Callable[[], None]
MakeSource = Callable[[bytes, Hints, Wake], EventSource]
