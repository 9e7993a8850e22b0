"""Watches: each tells once that a key's value is no longer what it was. Thread-safe."""

import asyncio
import threading
from collections.abc import Callable, Collection, Iterable

from sidecar import limits
from sidecar.errors import LimitExceededError, TransactionError


class EmbeddedWatch:
    """A watch on one key. Made by a transaction, active from its commit on.

    Args:
        key: The key.
        value: The value that it is compared with.
        forget: Called once when the watch has ended.
    """

    def __init__(self, key: bytes, value: bytes | None, forget: Callable[["EmbeddedWatch"], None]) -> None:
        self.key = key
        self.value = value
        self._forget = forget
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._error: TransactionError | None = None
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    async def changed(self) -> None:
        """Return when the value has changed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        waiter = (loop, future)
        with self._lock:
            waiting = not self._ended.is_set()
            if waiting:
                self._waiters.append(waiter)
        if waiting:
            try:
                await future
            finally:
                with self._lock:
                    if waiter in self._waiters:
                        self._waiters.remove(waiter)
        if self._error is not None:
            raise self._error

    def fired(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether the watch ended within the time."""
        return self._ended.wait(timeout_seconds)

    def cancel(self) -> None:
        """Stop watching."""
        self.end(TransactionError(1101))

    def end(self, error: TransactionError | None = None) -> None:
        """Wake the waiters: with a change, or with an error."""
        with self._lock:
            if self._ended.is_set():
                return
            self._error = error
            self._ended.set()
            waiters, self._waiters = self._waiters, []
        self._forget(self)
        for loop, future in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, future)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Watches:
    """All active watches of an engine, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[bytes, set[EmbeddedWatch]] = {}
        self._count = 0
        self._closed = False

    def __len__(self) -> int:
        return self._count

    def make(self, key: bytes, value: bytes | None) -> EmbeddedWatch:
        """Return a watch that is not active yet.

        Raises:
            LimitExceededError: There are too many already.
        """
        if self._count >= limits.store_watches_max:
            raise LimitExceededError(f"More than {limits.store_watches_max} watches are open; end some first.")
        return EmbeddedWatch(key, value, self._forget)

    def activate(self, watch: EmbeddedWatch) -> None:
        """Let commits end the watch. The caller then compares the stored value, so that no change falls between."""
        with self._lock:
            if not self._closed:
                self._by_key.setdefault(watch.key, set()).add(watch)
                self._count += 1
                return
        watch.end(TransactionError(1101))

    def touched(self, keys: Collection[bytes], ranges: Iterable[tuple[bytes, bytes]]) -> list[EmbeddedWatch]:
        """Return the watches on keys that a commit may have changed."""
        with self._lock:
            if not self._by_key:
                return []
            watched = self._by_key
            hit = (
                {key for key in keys if key in watched} if len(keys) < len(watched) else set(watched).intersection(keys)
            )
            for begin, end in ranges:
                hit.update(key for key in watched if begin <= key < end)
            return [watch for key in hit for watch in watched[key]]

    def close(self) -> None:
        """End every watch with an error."""
        with self._lock:
            self._closed = True
            watches = [watch for group in self._by_key.values() for watch in group]
        for watch in watches:
            watch.end(TransactionError(1101))

    def _forget(self, watch: EmbeddedWatch) -> None:
        with self._lock:
            group = self._by_key.get(watch.key)
            if group and watch in group:
                group.discard(watch)
                self._count -= 1
                if not group:
                    del self._by_key[watch.key]
