"""On battery files are read in a share of the time; what the system tells is read where it tells it."""

import sys
import threading
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.watch.power import Pace, linux_says, runs_on_battery
from tests.clocks import FakeClock

AC = {"type": "Mains", "online": "1"}
NO_AC = {"type": "Mains", "online": "0"}
DRAWN = {"type": "Battery", "status": "Discharging"}
FULL = {"type": "Battery", "status": "Full"}
MOUSE = {"type": "Battery", "scope": "Device", "status": "Discharging"}


@pytest.mark.parametrize(
    ("supplies", "on_battery"),
    [
        ([], False),
        ([AC], False),
        ([DRAWN], True),
        ([NO_AC, DRAWN], True),
        ([AC, DRAWN], False),
        ([NO_AC, FULL, DRAWN], True),
        ([NO_AC, FULL], False),
        ([MOUSE], False),
        ([{"type": "USB", "online": "1"}, DRAWN], False),
        ([{}], False),
    ],
    ids=str,
)
def test_linux_tells_by_its_power_supplies(tmp_path: Path, supplies: list[dict[str, str]], *, on_battery: bool) -> None:
    for number, said in enumerate(supplies):
        folder = tmp_path / f"supply{number}"
        folder.mkdir()
        for name, text in said.items():
            (folder / name).write_text(f"{text}\n")
    assert linux_says(tmp_path) is on_battery


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are asked by other means")
def test_a_system_that_tells_nothing_counts_as_mains(tmp_path: Path) -> None:
    assert linux_says(tmp_path / "nothing") is False
    assert runs_on_battery() is linux_says(Path("/sys/class/power_supply"))


class Stop(threading.Event):
    """Notes how long it was waited for, and moves the clock on instead."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(round(timeout or 0.0, 3))
        self.clock.move(timeout or 0.0)
        return False


def test_on_mains_nothing_is_waited_for() -> None:
    clock = FakeClock()
    pace, stop = Pace(clock, lambda: False), Stop(clock)
    for _ in range(3):
        pace.rest(stop)
        pace.spent(1.0)
    assert stop.waited == []


def test_on_battery_files_are_read_in_a_share_of_the_time() -> None:
    clock = FakeClock()
    pace, stop = Pace(clock, lambda: True), Stop(clock)
    began = clock.monotonic()
    for _ in range(20):
        pace.rest(stop)
        clock.move(0.1)
        pace.spent(0.1)
    pace.rest(stop)
    assert len(stop.waited) == 20
    assert 20 * 0.1 / (clock.monotonic() - began) == pytest.approx(limits.battery_reading_share, rel=0.01)


def test_the_system_is_asked_now_and_then() -> None:
    clock = FakeClock()
    answers = iter([True, False])
    pace, stop = Pace(clock, lambda: next(answers)), Stop(clock)
    pace.spent(0.1)
    pace.spent(0.1)
    pace.rest(stop)
    clock.move(limits.power_look_seconds)
    pace.spent(0.1)
    pace.rest(stop)
    assert len(stop.waited) == 1
