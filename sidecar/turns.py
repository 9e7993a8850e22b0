"""Threads that work for long let the event loop have its turn.

Python's lock has no queue. Who waits for it asks the holder to let go after the switch interval, but counts that anew
whenever it is let go for a moment; and a thread that often calls what runs without it for some microseconds, such as a
read of LMDB, has it back before the one who waits has woken. One such thread keeps the event loop waiting for 95 ms in
a burst of 5,000 changed files, and for two seconds at the worst (measured, with a read every 0.1 ms); a shorter
interval does not help. When such a thread waits for the loop itself now and then, it is 7 ms.

Called by the store, whose reads all long work has in it.
"""

import asyncio
import threading
import time

from sidecar import limits


class Turns:
    """Whose turn it is, the threads' or the loop's.

    Args:
        loop: The one that runs in the thread that makes this.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._last = _Last()

    def give_way(self) -> None:
        """Wait until the loop has run, if this thread has worked for ``limits.turn_seconds`` since it last did so.

        To be called often. On the loop itself it does nothing.
        """
        last, now = self._last, time.monotonic()
        if now - last.looked < limits.turn_seconds:  # the quicker of two clocks
            return
        last.looked = now
        worked = time.thread_time()
        if worked - last.worked < limits.turn_seconds or threading.get_ident() == self._thread:
            return
        last.worked = worked
        waiting = threading.Lock()
        waiting.acquire()
        try:
            self._loop.call_soon_threadsafe(waiting.release)
        except RuntimeError:  # it is closed, so nobody wants a turn
            return
        waiting.acquire(timeout=limits.turn_wait_seconds_max)


class _Last(threading.local):
    """When a thread last looked how much it has worked, and what that was when it last gave way: processor time."""

    looked = 0.0
    worked = 0.0
