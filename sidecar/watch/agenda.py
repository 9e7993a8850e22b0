"""What a watcher has to look at next, and when: events, second looks, the hourly comparison, ticks.

Nothing in it runs while nothing is due.
"""

import asyncio
import heapq
import itertools
import math
import random
from collections.abc import Sequence

from sidecar import limits
from sidecar.clock import Clock
from sidecar.watch.hints import Hints


class Agenda:
    """The agenda of one watcher; used on the event loop alone.

    Args:
        clock: Tells the time.

    Attributes:
        hints: Where to look now.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.hints = Hints()
        self._woken = asyncio.Event()
        self._again: list[tuple[float, int, Sequence[bytes] | None]] = []
        self._order = itertools.count()
        self._full_at = 0.0
        self._names_at = math.inf
        self._gap = self._clock_gap()

    def wake(self) -> None:
        """Tell that ``hints`` hold something."""
        self._woken.set()

    def touch_path(self, path: bytes) -> None:
        """Look at a file now."""
        self.hints.touch_path(path)
        self.wake()

    def look_again(self, paths: Sequence[bytes], *, after_seconds: float) -> None:
        """Look at some files again after a while."""
        if paths:
            due = self._clock.monotonic() + after_seconds
            heapq.heappush(self._again, (due, next(self._order), paths if len(paths) <= limits.rechecks_max else None))

    def seek_names(self, *, after_seconds: float) -> None:
        """Seek other names of linked files after a while."""
        self._names_at = self._clock.monotonic() + after_seconds

    def plan_full(self, seconds: float, *, jitter_seconds: float = 0.0) -> None:
        """Compare everything after a while, at the latest."""
        # Not for secrets: the jitter keeps several workspaces from being compared at the same time.
        self._full_at = self._clock.monotonic() + seconds + random.uniform(0, jitter_seconds)  # noqa: S311 - no secret

    async def wait(self, seconds_max: float) -> None:
        """Return when ``hints`` hold something that has settled, and otherwise after ``seconds_max``."""
        now = self._clock.monotonic()
        due = min(now + seconds_max, self._full_at, self._names_at, self._again[0][0] if self._again else math.inf)
        if await self._is_woken(max(0.0, due - now)):
            await self._settled()
        self._take_due()

    async def pause(self, seconds: float) -> None:
        """Return when woken, and otherwise after some seconds, whatever is due meanwhile."""
        await self._is_woken(seconds)
        self._woken.clear()

    async def _settled(self) -> None:
        """Gather events until none came for a moment: most changes are several events."""
        latest = self._clock.monotonic() + limits.debounce_ms / 1000
        while self._clock.monotonic() < latest:
            self._woken.clear()
            if not await self._is_woken(limits.quiet_ms / 1000):
                return
        self._woken.clear()

    async def _is_woken(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    def _take_due(self) -> None:
        now = self._clock.monotonic()
        if now >= self._full_at:
            self.hints.touch_everything()
        if now >= self._names_at:
            self._names_at, self.hints.names = math.inf, True
        while self._again and self._again[0][0] <= now:
            paths = heapq.heappop(self._again)[2]
            if paths is None:
                self.hints.touch_everything()
            for path in paths or ():
                self.hints.touch_path(path)
        gap = self._clock_gap()
        if abs(gap - self._gap) > limits.wall_jump_seconds:
            self.hints.touch_everything()  # the machine slept, or its clock was set: who knows what was missed
        self._gap = gap

    def _clock_gap(self) -> float:
        return self._clock.now_ms() / 1000 - self._clock.monotonic()
