"""Watches: each tells once that a key's value is no longer what it was. Thread-safe."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable

from sidecar import limits
from sidecar.errors import LimitExceededError, SidecarError, TransactionError
from sidecar.store.embedded.environment import Environment
from sidecar.store.waiters import Waiters

log = logging.getLogger(__name__)


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
        self._waiters = Waiters()

    async def changed(self) -> None:
        """Return when the value has changed."""
        await self._waiters.wait()

    def fired(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether the watch ended within the time."""
        return self._waiters.happened(timeout_seconds)

    def cancel(self) -> None:
        """Stop watching."""
        self.end(TransactionError(1101))

    def end(self, error: TransactionError | None = None) -> None:
        """Wake the waiters: with a change, or with an error."""
        if self._waiters.wake(error):
            self._forget(self)


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


def end_changed(watches: Collection[EmbeddedWatch], environment: Environment, now_seconds: float) -> None:
    """End the watches whose key has another value now; all of them when that can't be read: a watch may be early."""
    if not watches:
        return
    try:
        snapshot = environment.snapshot(now_seconds)
        try:
            changed: Collection[EmbeddedWatch] = [watch for watch in watches if snapshot.get(watch.key) != watch.value]
        finally:
            environment.release(snapshot)
    except SidecarError as error:
        log.warning("Who watches is told without a look at what has changed: %s", error.message)
        changed = watches
    for watch in changed:
        watch.end()
