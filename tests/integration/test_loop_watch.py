import asyncio
import logging
import threading
import time

import pytest

from sidecar.daemon.loop_watch import LoopWatch
from sidecar.metrics import Metrics

STEP = 0.02


async def until(watch: LoopWatch, *, stuck: bool) -> None:
    while watch.stuck_now != stuck:  # noqa: ASYNC110 - a thread sets it
        await asyncio.sleep(STEP)


def hold_the_loop(watch: LoopWatch) -> None:
    """Stand still until the watch has noticed."""
    while not watch.stuck_now:
        time.sleep(STEP)


async def test_the_lag_is_measured_and_each_timer_shows_that_the_loop_runs() -> None:
    metrics, beats, enough = Metrics(), [], asyncio.Event()

    def beat() -> None:
        beats.append(threading.get_ident())
        if len(beats) == 3:
            enough.set()

    with LoopWatch(metrics, beat=beat, interval_seconds=STEP, stuck_seconds=60):
        await enough.wait()
    assert set(beats) == {threading.get_ident()}
    assert metrics.value("loop_lag_seconds") >= 3


async def test_a_loop_that_stands_still_is_noticed_with_its_stack_and_no_beat(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    beats: list[int] = []
    with LoopWatch(Metrics(), beat=lambda: beats.append(1), interval_seconds=STEP, stuck_seconds=STEP) as watch:
        beats.clear()
        hold_the_loop(watch)
        assert not beats
        await until(watch, stuck=False)
        assert watch.stuck_times >= 1
    stuck = next(record for record in caplog.records if "stands still" in record.getMessage())
    assert "hold_the_loop" in vars(stuck)["stack"]
    assert "goes on" in caplog.text


async def test_it_ends_with_its_block() -> None:
    with LoopWatch(Metrics(), beat=lambda: None, interval_seconds=3600):
        pass
    assert "sidecar-loop-watch" not in {thread.name for thread in threading.enumerate()}
