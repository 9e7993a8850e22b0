"""A thread that works for long waits for the event loop, and nobody else does."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sidecar import limits
from sidecar.turns import Turns


class Loop(asyncio.SelectorEventLoop):
    """A loop that runs when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: queue.SimpleQueue[Callable[..., object]] = queue.SimpleQueue()

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *_args: object, **_options: object
    ) -> asyncio.Handle:
        self.asked.put(callback)
        return asyncio.Handle(callback, (), self)


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def work() -> None:
    end = time.thread_time() + 2 * limits.turn_seconds
    while time.thread_time() < end:
        pass


def in_thread(body: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=body)
    thread.start()
    return thread


def test_a_thread_that_has_worked_waits_until_the_loop_has_run(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "turn_wait_seconds_max", 60.0)
    turns = Turns(loop)
    order: list[str] = []

    def body() -> None:
        work()
        turns.give_way()
        order.append("thread")

    thread = in_thread(body)
    has_run = loop.asked.get()
    order.append("loop")
    has_run()
    thread.join()
    assert order == ["loop", "thread"]


def test_it_waits_no_longer_than_the_bound_for_a_loop_that_does_not_run(loop: Loop) -> None:
    turns = Turns(loop)

    def body() -> None:
        work()
        turns.give_way()

    in_thread(body).join()
    assert loop.asked.qsize() == 1


def test_it_does_not_wait_again_before_it_has_worked_again(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "turn_wait_seconds_max", 0.0)
    turns = Turns(loop)

    def body() -> None:
        work()
        turns.give_way()
        turns.give_way()

    in_thread(body).join()
    assert loop.asked.qsize() == 1


def test_the_loops_own_thread_never_waits(loop: Loop) -> None:
    turns = Turns(loop)
    work()
    turns.give_way()
    assert loop.asked.empty()


def test_a_closed_loop_is_not_waited_for() -> None:
    closed = asyncio.new_event_loop()
    turns = Turns(closed)
    closed.close()
    ended: list[bool] = []

    def body() -> None:
        work()
        turns.give_way()
        ended.append(True)

    in_thread(body).join()
    assert ended
