"""Waiting for work in a thread or a task that can be stopped, but must not be left alone: it holds files or a store."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def ended(
    work: asyncio.Future[T],
    stop: Callable[[], object],
    *,
    show: Callable[[], object] | None = None,
    every_seconds: float | None = None,
) -> T:
    """Return what ``work`` gives. When cancelled, stop it, and return only after it has ended.

    Args:
        work: What has begun.
        stop: Asks it to end.
        show: Called now and then while it goes on, and at its end.
        every_seconds: How often.
    """
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=every_seconds)
            if show is not None:
                show()
    except asyncio.CancelledError:
        stop()
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # it was stopped: what it raised says nothing more
        raise
    return work.result()
