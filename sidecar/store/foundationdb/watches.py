"""Watches: the binding's futures, seen from threads and from event loops."""

from typing import Any

from sidecar.errors import LimitExceededError, TransactionError
from sidecar.store.waiters import Waiters

_TOO_MANY = 1032


class FoundationWatch:
    """A watch: the binding's future, seen from threads and from event loops."""

    def __init__(self, future: Any, error_class: type[Exception]) -> None:  # noqa: ANN401 -- the binding has no types
        self._future = future
        self._error_class = error_class
        self._waiters = Waiters()
        future.on_ready(lambda _: self._waiters.wake())

    async def changed(self) -> None:
        """Return when the value has changed."""
        await self._waiters.wait()
        try:
            self._future.wait()
        except self._error_class as error:
            ours = numbered(error)
            if ours.number == _TOO_MANY:
                raise LimitExceededError(
                    "Too many watches are open on the FoundationDB cluster; end some first."
                ) from error
            raise ours from error

    def fired(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether the watch ended within the time."""
        return self._waiters.happened(timeout_seconds)

    def cancel(self) -> None:
        """Stop watching."""
        self._future.cancel()


def numbered(error: Exception) -> TransactionError:
    """Return our error for one of the binding's."""
    return TransactionError(int(getattr(error, "code", 4100)))
