"""Watches: the binding's futures, seen from threads and from event loops."""

import asyncio
import threading
from typing import Any

from sidecar.errors import TransactionError


class FoundationWatch:
    """A watch: the binding's future, seen from threads and from event loops."""

    def __init__(self, future: Any, error_class: type[Exception]) -> None:  # noqa: ANN401 -- the binding has no types
        self._future = future
        self._error_class = error_class
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        future.on_ready(self._end)

    async def changed(self) -> None:
        """Return when the value has changed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            waiting = not self._ended.is_set()
            if waiting:
                self._waiters.append((loop, future))
        if waiting:
            await future
        try:
            self._future.wait()
        except self._error_class as error:
            raise numbered(error) from error

    def fired(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether the watch ended within the time."""
        return self._ended.wait(timeout_seconds)

    def cancel(self) -> None:
        """Stop watching."""
        self._future.cancel()

    def _end(self, _future: object) -> None:
        with self._lock:
            self._ended.set()
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, future)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def numbered(error: Exception) -> TransactionError:
    """Return our error for one of the binding's."""
    return TransactionError(int(getattr(error, "code", 4100)))
