"""Work that is waited for gives what it gives, and is stopped before it is left."""

import asyncio
import threading

import pytest

from sidecar.waiting import ended


def begun(work: threading.Event, error: Exception | None = None) -> "asyncio.Future[str]":
    def run() -> str:
        assert work.wait(60)
        if error is not None:
            raise error
        return "done"

    return asyncio.get_running_loop().run_in_executor(None, run)


async def test_what_work_gives_or_raises_is_given_and_shown_meanwhile() -> None:
    stop, may_end = threading.Event(), threading.Event()
    shown: list[int] = []

    def show() -> None:
        shown.append(1)
        if len(shown) == 3:
            may_end.set()

    assert await ended(begun(may_end), stop.set, show=show, every_seconds=0.001) == "done"
    assert len(shown) >= 3
    assert not stop.is_set()
    with pytest.raises(OSError, match="broken"):
        await ended(begun(may_end, OSError("broken")), stop.set)


@pytest.mark.parametrize("error", [None, OSError("it was stopped")])
async def test_cancelled_it_returns_when_the_work_has_ended_and_says_nothing_of_what_that_raised(
    error: Exception | None,
) -> None:
    stop = threading.Event()
    work = begun(stop, error)  # which ends when it is stopped
    task = asyncio.ensure_future(ended(work, stop.set))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.done()
