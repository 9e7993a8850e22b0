"""Clocks that tests hold still, or move."""

from sidecar.clock import SystemClock


class FakeClock:
    """Stands at a time until it is moved."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def move(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


class ShiftedClock:
    """The machine's own time, moved on by a test: a whole daemon lives by it."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._shift_seconds = 0.0
        self._back_ms = 0

    def now_ms(self) -> int:
        return self._clock.now_ms() + int(self._shift_seconds * 1000) - self._back_ms

    def monotonic(self) -> float:
        return self._clock.monotonic() + self._shift_seconds

    def move(self, seconds: float) -> None:
        self._shift_seconds += seconds

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back (or, below zero, on); what measures spans of time goes on."""
        self._back_ms += int(seconds * 1000)
