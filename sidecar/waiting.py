"""Waiting for work in a thread or a task that can be stopped, but must not be left alone: it holds files or a store."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def ended(
    work: asyncio.Future[T],
    stop: Callable[[], object],
    *,
    show: Callable[[], float | None] | None = None,
    every_seconds: float | None = None,
    leave_after_seconds: float | None = None,
) -> T:
    """Return what ``work`` gives. When cancelled, stop it, and return only after it has ended.

    Args:
        work: What has begun.
        stop: Asks it to end.
        show: Called now and then while it goes on, and at its end; what it returns is when to call it again.
        every_seconds: How often, unless ``show`` says.
        leave_after_seconds: Once stopped, it is waited for so long, and then left alone: a file system may hang. None
            waits for ever.
    """
    pause = every_seconds
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=pause)
            if show is not None:
                pause = show() or every_seconds
    except asyncio.CancelledError:
        stop()
        await asyncio.wait({work}, timeout=leave_after_seconds)
        if work.done() and not work.cancelled():
            work.exception()  # it was stopped: what it raised says nothing more
        raise
    return work.result()
