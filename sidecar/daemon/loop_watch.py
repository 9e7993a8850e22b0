"""Notices an event loop that stands still, and tells the service manager that it does not.

A timer on the loop measures how late it runs. A thread looks whether the timer still runs; when it does not, the log
gets the stack of what holds the loop. Both wake every few seconds only.
"""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sidecar import limits
from sidecar.metrics import Metrics

log = logging.getLogger(__name__)


class LoopWatch:
    """Watches the loop that it is entered on.

    Args:
        metrics: Told the lag.
        beat: Called on the loop with every timer, and so never while it stands still.
        interval_seconds: How often the timer runs and the thread looks.
        stuck_seconds: A timer so late makes the loop count as stuck.
        stopped_seconds: A thread that looks so late makes the process count as having been stopped.

    Attributes:
        stuck_at: When the loop last began to count as stuck, by ``time.monotonic``; None for never.
        stopped_at: When the process was last found to go on again, in the same way.
        stopped_seconds: How long it had been stopped, within the interval.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        beat: Callable[[], None],
        interval_seconds: float = limits.loop_watch_interval_seconds,
        stuck_seconds: float = limits.loop_stuck_seconds,
        stopped_seconds: float = limits.process_stopped_seconds,
    ) -> None:
        self._metrics = metrics
        self._beat = beat
        self._interval = interval_seconds
        self._stuck_seconds = stuck_seconds
        self._stopped_seconds_min = stopped_seconds
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sidecar-loop-watch", daemon=True)
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0
        self.stuck_times = 0
        self.stuck_now = False
        self.stuck_at: float | None = None
        self.stopped_at: float | None = None
        self.stopped_seconds = 0.0

    def __enter__(self) -> Self:
        self._last = time.monotonic()
        self._timer = self._loop.call_later(self._interval, self._tick, self._last + self._interval)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
        self._thread.join()

    def _tick(self, due: float) -> None:
        self._last = now = time.monotonic()
        self._metrics.observe("loop_lag_seconds", max(now - due, 0.0))
        self._beat()
        self._timer = self._loop.call_later(self._interval, self._tick, now + self._interval)

    def _watch(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(self._interval):
            now = time.monotonic()
            slept, before = now - before, now
            if slept > self._interval + self._stopped_seconds_min:
                self._was_stopped(slept - self._interval, now)
                continue  # the loop is not to blame
            is_stuck = now - self._last > self._interval + self._stuck_seconds
            if is_stuck and not self.stuck_now:
                self.stuck_times += 1
                self.stuck_at = now
                log.error("The event loop stands still.", extra={"stack": self._stack()})
            elif self.stuck_now and not is_stuck:
                log.warning("The event loop goes on.")
            self.stuck_now = is_stuck

    def _was_stopped(self, seconds: float, now: float) -> None:
        """Note that the whole process stood still, and not only the loop: SIGSTOP, a debugger, a machine that slept."""
        self.stopped_at, self.stopped_seconds = now, seconds
        log.warning("The process was stopped for %.0f s.", seconds)

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the documented way to another's stack
        return "".join(traceback.format_stack(frame))
