"""One listener's way through a tenant's log: which message comes next, and from where it would go on."""

import asyncio
import json

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import CursorExpiredError
from sidecar.feed.hub import Hub
from sidecar.feed.log import SINCE_BEGINNING, ChangeLog, Filter, Moment


class Subscription:
    """Gives the messages of what a listener wants, and now and then a newer cursor if it wants nothing of what comes.

    Without that its cursor would stay behind until the log is trimmed past it, and be a reason to read everything anew.

    Args:
        feed: The tenant's log and hub.
        wanted: What it wants to hear of.

    Attributes:
        newest_ms: When the newest change of the last message was committed, ms since 1970; 0 when it has none.
    """

    def __init__(self, feed: tuple[ChangeLog, Hub], wanted: Filter, clock: Clock) -> None:
        self._log, self._hub = feed
        self._wanted = wanted
        self._clock = clock
        self._stamp = b""
        self._moments: list[Moment] = []
        self._is_all_ahead = False  # all that is kept is wanted, and nothing of it told yet
        self._passed_over = 0  # changes, since the last message,
        self._passed_over_since = 0.0  # the first of them then
        self.newest_ms = 0

    @property
    def cursor(self) -> str:
        """From where a later subscription would go on."""
        return self._log.cursor(self._stamp)

    async def begin(self, since: str) -> bytes | None:
        """Go to a cursor, ``beginning`` or ``now``; return the message of a reset when it can't be gone on from.

        Raises:
            InvalidError: It is no cursor.
        """
        self._is_all_ahead = since == SINCE_BEGINNING
        try:
            self._stamp = await self._log.position(since)
        except CursorExpiredError as error:
            return self._reset(error)
        return None

    async def next(self) -> bytes:
        """Return the next message, waiting until there is one: changes, none of them but a newer cursor, or a reset."""
        while True:
            try:
                if message := self._message(self._moments or await self._news()):
                    self._is_all_ahead = False
                    self._passed_over = 0
                    return message
            except CursorExpiredError as error:
                if not self._is_all_ahead:
                    return self._reset(error)
                self._is_all_ahead = False  # once: it may be a row that can't be read, and no trim
                self._stamp = await self._log.position(SINCE_BEGINNING)

    async def _news(self) -> list[Moment]:
        """Return what comes next, or nothing once the listener should have a newer cursor."""
        seconds = self._seconds_to_cursor() if self._passed_over else None
        try:
            async with asyncio.timeout(seconds):
                return await self._hub.after(self._stamp)
        except TimeoutError:
            return []

    def _message(self, moments: list[Moment]) -> bytes | None:
        """Return what there is to say when ``moments`` have come, which may be none; those that it leaves are next."""
        message = None
        if moments:
            message, self._stamp = self._log.message(moments, self._wanted)
        self._moments = [moment for moment in moments if moment.stamp > self._stamp]
        passed = moments[: len(moments) - len(self._moments)]
        self.newest_ms = passed[-1].at_ms if message else 0
        if message is None:
            self._pass_over(sum(len(moment.events) for moment in passed))
            if self._passed_over >= limits.feed_passed_over_max or self._seconds_to_cursor() <= 0:
                message = self._log.empty_message(self._stamp)
        return message

    def _pass_over(self, changes: int) -> None:
        if not self._passed_over:
            self._passed_over_since = self._clock.monotonic()
        self._passed_over += changes

    def _seconds_to_cursor(self) -> float:
        return self._passed_over_since + limits.feed_passed_over_seconds_max - self._clock.monotonic()

    def _reset(self, error: CursorExpiredError) -> bytes:
        cursor = str(error.details["cursor"])
        self._stamp, self._moments = self._log.stamp_of(cursor), []
        self.newest_ms = self._passed_over = 0
        self._is_all_ahead = False
        return json.dumps({"type": "reset", "cursor": cursor}).encode()
