"""What the daemon runs on: its event loop, how often Python looks for garbage, how threads take turns.

For ``cli.up``, and benches like it.
"""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from sidecar import limits

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run the daemon's coroutine to its end, as ``asyncio.run`` does.

    On uvloop, where that is made for the system: measured, a GET costs a fifth less processor time on it.
    """
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(main)


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - there is none on Windows

    return uvloop.new_event_loop()


def settle() -> None:
    """Leave what there is now, that is what the imports made, out of every later search for garbage, and search less.

    The longest search then holds the event loop for 3 ms instead of 33 on a restart over 56,000 files, and for half as
    long during their first index; and storing a session takes a tenth less time. Middle-aged objects are few, so that
    searching them takes 12 ms instead of 40 when 52,000 files have gone at once (all measured).

    Threads that compute give way to the event loop sooner than after the 5 ms of Python's default, each time that it
    needs the interpreter's lock; those that read as well do by ``turns``.
    """
    gc.freeze()
    searches = limits.garbage_young_searches_max, limits.garbage_middle_searches_max
    gc.set_threshold(limits.garbage_young_objects_max, *searches)
    sys.setswitchinterval(limits.thread_switch_seconds)
