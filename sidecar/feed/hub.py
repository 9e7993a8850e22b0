"""The fan-out: one reader of a tenant's log, a bounded ring of its newest rows, any number of listeners.

Listeners pull. Each holds a stamp and asks for what lies behind it: from the ring when it is near the head, from the
store when it is far behind. So nothing waits in a queue for a slow listener, none can be lost, and a lost wake only
delays until the next one. The pump sleeps on a watch of the log's head and costs nothing while nothing is written.
"""

import asyncio
import itertools
import logging
from collections import deque

from sidecar import limits
from sidecar.errors import CursorExpiredError, SidecarError, TransactionError, UnavailableError
from sidecar.feed.log import ChangeLog, Moment
from sidecar.store.engine import Engine, Watch

log = logging.getLogger(__name__)


class Hub:
    """Hands the rows of one tenant's log to its listeners as they are committed.

    Args:
        engine: Watched for commits.
        log: The tenant's.
    """

    def __init__(self, engine: Engine, log: ChangeLog) -> None:
        self._engine = engine
        self._log = log
        self._ring: deque[Moment] = deque()
        self._ring_events = 0
        self._ring_after = b""  # the ring holds every row behind this stamp, up to the head
        self._head = b""
        self._news = asyncio.Event()

    @property
    def ring_changes(self) -> int:
        """How many changes are held in memory."""
        return self._ring_events

    async def run(self) -> None:
        """Read the log as it grows, until cancelled; while it can not be read, try again now and then.

        What is wrong with one tenant's log must not end the daemon.
        """
        while True:
            try:
                await self._follow()
            except CursorExpiredError:  # rows were trimmed unread, or can not be read: who listens finds that out, too
                self._ring.clear()
                self._ring_events, self._head, self._ring_after = 0, b"", b""
            except SidecarError as error:
                log.warning("The change log can not be read: %s", error.message)
                passes = isinstance(error, UnavailableError | TransactionError)
                await asyncio.sleep(limits.failure_wait_seconds_min if passes else limits.failure_wait_seconds_max)

    async def _follow(self) -> None:
        if not self._head:
            self._head = self._ring_after = await self._log.position("now")
            self._tell()  # who began to wait before this point knew of no ring
        while True:
            watch = await self._engine.watch(self._log.head_key)
            try:
                while moments := await self._read(self._head):
                    self._take(moments)
                await _changed(watch)
            finally:
                watch.cancel()

    async def after(self, stamp: bytes) -> list[Moment]:
        """Return the next rows behind ``stamp``, waiting until there is one.

        Raises:
            CursorExpiredError: Rows behind ``stamp`` have been trimmed.
        """
        while True:
            news = self._news
            if self._ring_after and stamp >= self._ring_after:
                if stamp < self._head:
                    return self._from_ring(stamp)
                await news.wait()
            elif moments := await self._read(stamp):
                return moments
            else:
                await news.wait()

    async def _read(self, stamp: bytes) -> list[Moment]:
        await asyncio.sleep(0)  # a read of the embedded store does not wait for anything, so everybody else would
        return await self._log.after(stamp, bytes_max=limits.feed_read_bytes_max)

    def _from_ring(self, stamp: bytes) -> list[Moment]:
        newer = itertools.takewhile(lambda moment: moment.stamp > stamp, reversed(self._ring))
        return list(newer)[::-1][: limits.changes_page_rows_max]

    def _take(self, moments: list[Moment]) -> None:
        for moment in moments:
            self._ring.append(moment)
            self._ring_events += len(moment.events)
        while self._ring_events > limits.feed_ring_changes_max and len(self._ring) > 1:
            oldest = self._ring.popleft()
            self._ring_events -= len(oldest.events)
            self._ring_after = oldest.stamp
        self._head = moments[-1].stamp
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


async def _changed(watch: Watch) -> None:
    """Return when the watch has ended, with an error too: it can no longer tell, so the log is looked at."""
    try:
        await watch.changed()
    except TransactionError as error:
        log.info("The watch of the change log ended early: %s", error.message)
        await asyncio.sleep(limits.failure_wait_seconds_min)
