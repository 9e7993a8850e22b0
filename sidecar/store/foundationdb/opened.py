"""What is open on one engine, so that closing it can end what only waits for the cluster. Thread-safe."""

import threading
from typing import Protocol
from weakref import WeakSet

from sidecar.errors import UnavailableError


class Cancellable(Protocol):
    """A transaction or a watch."""

    def cancel(self) -> None:
        """End what waits for it with an error."""


class Opened:
    """The transactions that may be given up, and the watches; who holds them no more need not take them out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: WeakSet[Cancellable] = WeakSet()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the engine has been closed."""
        return self._closed

    def add(self, member: Cancellable) -> None:
        """Let ``member`` be cancelled by the closing; at once when that has been."""
        with self._lock:
            if not self._closed:
                self._members.add(member)
                return
        member.cancel()

    def spare(self, member: Cancellable) -> None:
        """Let ``member`` go on over the closing: its commit begins."""
        with self._lock:
            self._members.discard(member)

    def check(self) -> None:
        """Raise ``UnavailableError`` when the engine is closed."""
        if self._closed:
            raise UnavailableError("The store is closed.")

    def close(self) -> bool:
        """Cancel all members; return whether that was news."""
        with self._lock:
            was_open, self._closed = not self._closed, True
            for member in list(self._members):
                member.cancel()
        return was_open
