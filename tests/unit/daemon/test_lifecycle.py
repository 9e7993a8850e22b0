import asyncio
import contextlib
import logging
import os
import signal
import threading
from pathlib import Path

import pytest

from sidecar.daemon.lifecycle import InstanceLock, Tasks, deadline, is_held, run_until, stop_signals
from sidecar.errors import AlreadyRunningError, UnavailableError


def test_one_holder_at_a_time_and_the_second_learns_its_pid(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()} holds it") as caught:
            InstanceLock(tmp_path).acquire()
        assert caught.value.details == {"pid": os.getpid()}
    with InstanceLock(tmp_path):
        pass


def test_nobody_holds_the_lock_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "absent")


def test_a_lock_that_can_not_be_looked_at_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "sidecar.lock").symlink_to("sidecar.lock")  # round and round
    with pytest.raises(UnavailableError, match=r"sidecar\.lock can not be opened: Too many levels"):
        is_held(tmp_path)


def test_asking_does_not_keep_a_daemon_from_starting(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        pass
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            is_held(tmp_path)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for _ in range(20):
            with InstanceLock(tmp_path):
                pass
    finally:
        stop.set()
        asker.join()


def test_a_lock_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=str(tmp_path / "absent")):
        InstanceLock(tmp_path / "absent").acquire()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_asks_to_stop_once_and_the_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop = asyncio.Event()
    with stop_signals(stop.set):
        os.kill(os.getpid(), number)
        await stop.wait()
    assert signal.getsignal(number) is before


async def test_running_until_a_stop_cancels_what_still_runs() -> None:
    stop = asyncio.Event()
    cancelled = False

    async def forever() -> None:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        finally:
            cancelled = True

    async def ends() -> None:
        stop.set()

    await run_until(stop, forever(), ends())
    assert cancelled


async def test_running_until_a_stop_goes_on_when_one_ends_and_raises_what_one_raises() -> None:
    ended = asyncio.Event()

    async def ends() -> None:
        ended.set()

    async def fails() -> None:
        await ended.wait()
        raise ValueError("the reason")

    with pytest.raises(ValueError, match="the reason"):
        await run_until(asyncio.Event(), ends(), fails())


def test_a_deadline_calls_when_it_is_missed_and_not_when_it_is_kept() -> None:
    expired = threading.Event()
    with deadline(0.0, expired.set):
        expired.wait()
    kept = threading.Event()
    with deadline(3600.0, kept.set):
        pass
    assert not kept.is_set()


async def test_a_failing_task_is_logged_and_fails_the_run(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()

    async def fails() -> None:
        raise ValueError("the reason")

    with caplog.at_level(logging.ERROR):
        tasks.start(fails(), name="the failing one")
        with pytest.raises(ValueError, match="the reason"):
            await tasks.failed()
    assert "the failing one" in caplog.text
    assert "the reason" in caplog.text
    await tasks.close()


async def test_closing_cancels_tasks_and_waits_for_their_clean_up() -> None:
    tasks = Tasks()
    cleaned = []

    async def runs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(1)

    for number in range(3):
        tasks.start(runs(), name=f"task {number}")
    await asyncio.sleep(0)
    await tasks.close()
    assert cleaned == [1, 1, 1]
    await tasks.close()


async def test_a_task_that_ends_is_no_failure() -> None:
    tasks = Tasks()

    async def ends() -> None:
        pass

    await tasks.start(ends(), name="ends")
    waiting = asyncio.ensure_future(tasks.failed())
    await asyncio.sleep(0)
    assert not waiting.done()
    await tasks.close()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert waiting.cancelled()
