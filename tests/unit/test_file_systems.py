"""A question that is not answered holds nobody; its thread is left behind."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from sidecar import limits
from sidecar.errors import InvalidError, UnavailableError
from sidecar.file_systems import FileSystems


class Hanging:
    """A question whose answer a test gives, when it will."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = threading.Event()

    def __call__(self, path: str) -> str:
        self.asked.append(path)
        assert self.may_answer.wait(60)
        return path.upper()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    question = Hanging()
    yield question
    question.may_answer.set()


async def test_a_question_is_answered_once_for_all_who_ask_it_meanwhile(hanging: Hanging) -> None:
    systems = FileSystems()
    asking = [asyncio.ensure_future(systems.ask(hanging, "/a")) for _ in range(3)]
    await asyncio.sleep(0)
    hanging.may_answer.set()
    assert await asyncio.gather(*asking) == ["/A"] * 3
    assert hanging.asked == ["/a"]
    assert await systems.ask(hanging, "/a") == "/A", "later it is asked anew"
    assert hanging.asked == ["/a"] * 2


async def test_what_is_raised_is_raised() -> None:
    def refuse(path: str) -> str:
        raise InvalidError(f"{path} is wrong")

    with pytest.raises(InvalidError, match="/a is wrong"):
        await FileSystems().ask(refuse, "/a")


async def test_without_an_answer_it_is_told_and_who_asks_later_does_not_wait_again(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "question_seconds", 0.05)
    systems = FileSystems()
    with pytest.raises(UnavailableError, match="/a does not answer") as told:
        await systems.ask(hanging, "/a")
    assert told.value.code == "file_system_silent"
    monkeypatch.setattr(limits, "question_seconds", 60.0)
    with pytest.raises(UnavailableError, match="/a does not answer"):
        await asyncio.wait_for(systems.ask(hanging, "/a"), 30)
    assert hanging.asked == ["/a"]

    hanging.may_answer.set()
    assert await systems.ask(hanging, "/b") == "/B"


async def test_only_so_many_wait_at_once(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "questions_at_once_max", 2)
    systems = FileSystems()
    asking = [asyncio.ensure_future(systems.ask(hanging, path)) for path in ("/a", "/b")]
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError, match="no more are asked"):
        await systems.ask(hanging, "/c")
    hanging.may_answer.set()
    assert await asyncio.gather(*asking) == ["/A", "/B"]
    assert await systems.ask(hanging, "/c") == "/C"


async def test_an_answer_that_comes_after_everybody_has_left_is_dropped(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "question_seconds", 0.01)
    before = set(threading.enumerate())
    with pytest.raises(UnavailableError):
        await FileSystems().ask(hanging, "/a")
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon, "the process need not wait for it"
    hanging.may_answer.set()
    await asyncio.to_thread(thread.join)
