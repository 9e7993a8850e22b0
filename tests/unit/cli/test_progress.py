import asyncio
import io
from collections.abc import Callable

import pytest

from sidecar.cli.progress import Bar, shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_moves_on_a_terminal_and_is_gone_afterwards() -> None:
    terminal = Terminal()
    with Bar("Scanning", stream=terminal) as bar:
        bar.move(1, 4, "1 of 4 files")
        assert "1 of 4 files" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K"), "the line is cleared"


def test_elsewhere_nothing_is_shown() -> None:
    pipe = io.StringIO()
    with Bar("Scanning", stream=pipe) as bar:
        bar.move(1, 4, "1 of 4 files")
    assert pipe.getvalue() == ""


async def test_work_is_shown_until_its_end_with_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setattr("sidecar.limits.progress_interval_seconds", 0.0)

    async def work(tell: Callable[[int], None]) -> str:
        tell(1_500)
        while "1,500 rows" not in terminal.getvalue():  # noqa: ASYNC110 - what a terminal shows is no event
            await asyncio.sleep(0)
        return "done"

    assert await shown("Examining", work, "rows") == "done"


async def test_cancelled_work_is_waited_for() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    task = asyncio.ensure_future(shown("Examining", lambda _tell: work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_the_error_of_work_is_raised() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await shown("Examining", lambda _tell: work())
