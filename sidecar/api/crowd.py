"""How many sockets are open at once: those whose clients have shown who they are, and those whose have not yet.

Each kind has its own bound, so that strangers who open sockets and say nothing keep nobody else out. So have the polls
that wait for a change.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from sidecar import limits
from sidecar.errors import UnavailableError


class Crowd:
    """Counts the sockets of one application."""

    def __init__(self) -> None:
        self._known = 0
        self._strangers = 0
        self._left = 0
        self._polls = 0

    @contextmanager
    def poll(self) -> Iterator[None]:
        """Count one more poll that waits, until it is left.

        Raises:
            UnavailableError: There are as many as there may be (code ``too_many_polls``).
        """
        if self._polls >= limits.long_polls_max:
            raise UnavailableError(
                "Too many polls wait; try again in a moment, or without `wait`.",
                code="too_many_polls",
                details={"retry_after_seconds": 1},
            )
        self._polls += 1
        try:
            yield
        finally:
            self._polls -= 1

    def enter(self, *, is_known: bool) -> None:
        """Count one more socket.

        Raises:
            UnavailableError: There are as many as there may be (code ``too_many_sockets``).
        """
        count, bound = (
            (self._known, limits.subscribers_max) if is_known else (self._strangers, limits.subscribers_unknown_max)
        )
        if count >= bound:
            raise UnavailableError(
                "Too many sockets are open; try again in a moment.",
                code="too_many_sockets",
                details={"retry_after_seconds": 1},
            )
        self._move(is_known=is_known, by=1)

    def leave(self, *, is_known: bool) -> None:
        """Count one socket less.

        A socket of aiohttp's that ended is 10 kB in a circle of references. After so many they are searched for: what a
        crowd took would otherwise stay until some other work gives a reason to.
        """
        self._move(is_known=is_known, by=-1)
        self._left += 1
        if self._left >= limits.sockets_left_max:
            self._left = 0
            gc.collect()

    def introduce(self) -> None:
        """Count a stranger among the known from now on.

        Raises:
            UnavailableError: There are as many known as there may be.
        """
        self.enter(is_known=True)
        self.leave(is_known=False)

    def _move(self, *, is_known: bool, by: int) -> None:
        if is_known:
            self._known += by
        else:
            self._strangers += by
