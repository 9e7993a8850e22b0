"""Who asks a root that does not answer says so, lets others have its turn, and is left behind at the end."""

import asyncio
import itertools
import threading
from collections.abc import Iterator

import pytest

from sidecar import limits
from sidecar.clock import SystemClock
from sidecar.watch.patience import Calls, Turn


@pytest.fixture
def may_answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    for name in ("silent_seconds", "silent_look_seconds", "progress_publish_seconds", "leave_hanging_seconds"):
        monkeypatch.setattr(limits, name, 0.01)
    event = threading.Event()
    yield event
    event.set()


class Watcher:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.turned: list[bool] = []
        self.has_fallen_silent = asyncio.Event()
        self.shown = 0
        self.calls = Calls(SystemClock(), self._show, self._turned)

    def _show(self) -> None:
        self.shown += 1

    def _turned(self) -> None:
        self.turned.append(self.calls.is_silent)
        self.has_fallen_silent.set()


async def test_what_answers_is_never_called_silent_however_long_it_takes(may_answer: threading.Event) -> None:
    watcher, looks = Watcher(), itertools.count()

    def done() -> int:
        look = next(looks)
        if look == 20:
            may_answer.set()
        return look

    assert await watcher.calls.run(lambda: may_answer.wait(60), done=done)
    assert watcher.shown
    assert watcher.turned == []


async def test_silence_is_told_and_its_end_too(may_answer: threading.Event) -> None:
    watcher = Watcher()
    running = asyncio.ensure_future(watcher.calls.run(lambda: may_answer.wait(60)))
    await watcher.has_fallen_silent.wait()
    assert watcher.calls.is_silent
    may_answer.set()
    assert await running
    assert watcher.turned == [True, False]


async def test_cancelled_it_stops_what_can_be_stopped_and_leaves_behind_what_hangs(may_answer: threading.Event) -> None:
    watcher, stop = Watcher(), threading.Event()
    running = asyncio.ensure_future(watcher.calls.run(lambda: may_answer.wait(60), stop=stop))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stop.is_set()
    assert not watcher.calls.is_silent


async def test_a_turn_can_be_given_back_early_and_is_given_back_once() -> None:
    turns = asyncio.Semaphore(1)
    async with Turn(turns) as turn:
        assert turns.locked()
        turn.give_back()
        async with Turn(turns):
            assert turns.locked()
    await turns.acquire()
    assert turns.locked(), "it was not given back twice"
