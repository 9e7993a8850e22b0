"""Time, as an object that is passed in, so that a test can hold it still.

The only module that reads the system's clocks.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """What the rooms know of time."""

    def now_ms(self) -> int:
        """Return wall-clock time: milliseconds since 1970-01-01 UTC. May jump, also backwards."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Return wall-clock time: milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        return time.monotonic()
