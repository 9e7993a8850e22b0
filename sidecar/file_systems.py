"""Questions to file systems that may never answer: a network's that is away, a user's own that hangs.

Nothing ends a call into such a one, so each is made in a thread of its own, which is left behind if need be. It must
not hold the event loop, nor a thread that others wait for. Made by the wiring; knows no room.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sidecar import limits
from sidecar.errors import UnavailableError

T = TypeVar("T")


class _Asked(NamedTuple):
    answer: asyncio.Future[Any]
    until: float


class FileSystems:
    """Asks about paths; used on the event loop alone."""

    def __init__(self) -> None:
        self._asked: dict[tuple[Callable[[str], Any], str], _Asked] = {}

    async def ask(self, question: Callable[[str], T], path: str) -> T:
        """Return ``question(path)``; who asks the same meanwhile gets the same answer.

        Raises:
            UnavailableError: There is no answer in time, or many questions wait for theirs.
        """
        asked = self._asked.get((question, path)) or self._begin(question, path)
        try:
            async with asyncio.timeout_at(asked.until):  # who comes late waits no longer than the first
                answer: T = await asyncio.shield(asked.answer)
        except TimeoutError:
            raise UnavailableError(f"The file system of {path} does not answer.", code="file_system_silent") from None
        return answer

    def _begin(self, question: Callable[[str], T], path: str) -> _Asked:
        if len(self._asked) >= limits.questions_at_once_max:
            raise UnavailableError("File systems do not answer, and no more are asked.", code="file_system_silent")
        loop, key = asyncio.get_running_loop(), (question, path)
        answer = in_own_thread(lambda: question(path), name="question")
        asked = self._asked[key] = _Asked(answer, loop.time() + limits.question_seconds)
        asked.answer.add_done_callback(lambda _answer: self._asked.pop(key))
        return asked


def in_own_thread(work: Callable[[], T], *, name: str) -> asyncio.Future[T]:
    """Return what will be the result of ``work``, which runs in a thread of its own, of that name.

    Nobody has to wait for its end: the process may end while it hangs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    future.add_done_callback(lambda ended: None if ended.cancelled() else ended.exception())  # seen, whoever left

    def run() -> None:
        try:
            settle = partial(future.set_result, work())
        except BaseException as error:  # noqa: BLE001 - it is the future's now
            settle = partial(future.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, future, settle)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _settle(future: asyncio.Future[Any], settle: Callable[[], None]) -> None:
    if not future.done():
        settle()
