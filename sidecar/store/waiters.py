"""Who waits for a watch, in threads and on event loops: both engines' watches stand on it. Thread-safe."""

import asyncio
import threading


class Waiters:
    """Wait for one thing to happen, once."""

    def __init__(self) -> None:
        self._happened = threading.Event()
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    async def wait(self) -> None:
        """Return when it has happened; raise what it happened with."""
        loop = asyncio.get_running_loop()
        waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] = (loop, loop.create_future())
        with self._lock:
            waiting = not self._happened.is_set()
            if waiting:
                self._waiting.append(waiter)
        if waiting:
            try:
                await waiter[1]
            finally:
                with self._lock:
                    if waiter in self._waiting:
                        self._waiting.remove(waiter)
        if self._error is not None:
            raise self._error

    def happened(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether it happened within the time."""
        return self._happened.wait(timeout_seconds)

    def wake(self, error: Exception | None = None) -> bool:
        """Say that it has happened, as it should or with an error; return whether that was news."""
        with self._lock:
            if self._happened.is_set():
                return False
            self._error = error
            self._happened.set()
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, future)
        return True


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
