"""When a watcher looks, by a clock that the test moves."""

import asyncio

from sidecar import limits
from sidecar.watch.agenda import Agenda


class Clock:
    def __init__(self) -> None:
        self.wall_ms = 1_000_000
        self.ticks = 100.0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic(self) -> float:
        return self.ticks

    def pass_seconds(self, seconds: float) -> None:
        self.ticks += seconds
        self.wall_ms += int(seconds * 1000)


async def looked(agenda: Agenda) -> tuple[bool, bool]:
    """Let the agenda's time come, and return whether there is something, and whether it is everything."""
    await agenda.wait(0)
    taken = agenda.hints.take()
    return bool(taken), taken.everything


async def test_nothing_is_looked_at_before_its_time() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    agenda.plan_full(3600)
    agenda.look_again([b"a"], after_seconds=2)
    clock.pass_seconds(1.9)
    assert await looked(agenda) == (False, False)
    clock.pass_seconds(0.2)
    assert await looked(agenda) == (True, False)
    clock.pass_seconds(3000)
    assert await looked(agenda) == (False, False)
    clock.pass_seconds(600)
    assert await looked(agenda) == (True, True)


async def test_a_pause_lasts_until_it_is_woken_whatever_is_due() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    agenda.plan_full(10)
    clock.pass_seconds(20)
    pause = asyncio.ensure_future(agenda.pause(3600))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not pause.done()
    agenda.wake()
    await pause
    assert await looked(agenda) == (True, True)


async def test_a_machine_that_slept_is_compared_wholly() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    agenda.plan_full(3600)
    clock.pass_seconds(60)
    assert await looked(agenda) == (False, False)
    clock.wall_ms += int(limits.wall_jump_seconds * 1000) + 1
    assert await looked(agenda) == (True, True)
    assert await looked(agenda) == (False, False)


async def test_a_clock_that_is_set_back_is_no_harm() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    agenda.plan_full(3600)
    clock.wall_ms -= 3_600_000
    assert await looked(agenda) == (True, True)
    assert await looked(agenda) == (False, False)


async def test_too_many_second_looks_become_one_at_everything() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    agenda.plan_full(3600)
    agenda.look_again([b"%d" % number for number in range(limits.rechecks_max + 1)], after_seconds=2)
    clock.pass_seconds(3)
    assert await looked(agenda) == (True, True)
