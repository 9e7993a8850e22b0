"""Whether this machine runs on its battery, and how fast files are read then.

Called by ``hasher.py``. What a system does not tell counts as mains.
"""

import ctypes
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sidecar import limits
from sidecar.clock import Clock

SLOW_NOTICE: Final = (
    f"This machine runs on its battery, so files are read for {limits.battery_reading_share:.0%} of the time only."
)
_POWER_SUPPLIES: Final = Path("/sys/class/power_supply")


def runs_on_battery() -> bool:
    """Ask the system."""
    platform: str = sys.platform  # a plain text to mypy, so that it checks every way
    if platform == "win32":
        return _windows_says()
    return _macos_says() if platform == "darwin" else linux_says(_POWER_SUPPLIES)


def linux_says(supplies: Path) -> bool:
    """Tell whether a battery of the machine is drawn from, and nothing feeds it.

    Source: the kernel's ``Documentation/ABI/testing/sysfs-class-power``. Batteries of mice and headsets have the scope
    "Device".
    """
    try:
        folders = list(supplies.iterdir())
    except OSError:
        return False
    drawn = False
    for folder in folders:
        if _said(folder / "type") != "Battery":
            if _said(folder / "online") == "1":
                return False
        elif _said(folder / "scope") != "Device":
            drawn = drawn or _said(folder / "status") == "Discharging"
    return drawn


def _said(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _macos_says() -> bool:
    command = ["/usr/bin/pmset", "-g", "batt"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.power_command_seconds_max, check=False)  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"'Battery Power'" in done.stdout


class _WindowsPower(ctypes.Structure):
    """SYSTEM_POWER_STATUS of winbase.h."""

    _fields_ = (
        ("ac_line_status", ctypes.c_ubyte),
        ("battery_flag", ctypes.c_ubyte),
        ("battery_life_percent", ctypes.c_ubyte),
        ("system_status_flag", ctypes.c_ubyte),
        ("battery_life_time", ctypes.c_ulong),
        ("battery_full_life_time", ctypes.c_ulong),
    )


def _windows_says() -> bool:
    status = _WindowsPower()
    told = ctypes.CDLL("kernel32").GetSystemPowerStatus(ctypes.byref(status))
    return bool(told) and status.ac_line_status == 0


class Pace:
    """How fast files are read: on mains as fast as they can be, on battery in a share of the time.

    Safe to use from several threads, which share the one pace.

    Args:
        clock: Tells the time.
        on_battery: Asks the system; now and then.

    Attributes:
        is_slow: Whether it was on battery when it was asked last.
    """

    def __init__(self, clock: Clock, on_battery: Callable[[], bool] = runs_on_battery) -> None:
        self._clock = clock
        self._on_battery = on_battery
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self.is_slow = False
        self._rested_at = 0.0

    def rest(self, stop: threading.Event) -> None:
        """Wait until it is time to read on, or ``stop`` is set."""
        seconds = self._rested_at - self._clock.monotonic()
        if seconds > 0:
            stop.wait(min(seconds, limits.battery_rest_seconds_max))

    def spent(self, seconds: float) -> None:
        """Note for how long files were read."""
        with self._lock:
            now = self._clock.monotonic()
            if self._asked_at is None or now - self._asked_at >= limits.power_look_seconds:
                self._asked_at = now
                self.is_slow = self._on_battery()
            if self.is_slow:
                self._rested_at = max(self._rested_at, now) + seconds * (1 / limits.battery_reading_share - 1)
