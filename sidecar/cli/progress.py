"""A bar that moves on a terminal while something long goes on, and is gone afterwards; nothing elsewhere."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Self, TextIO, TypeVar

from sidecar import limits
from sidecar.waiting import ended

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID


T = TypeVar("T")


async def shown(what: str, begin: Callable[[Callable[[int], None]], Awaitable[T]], unit: str = "") -> T:
    """Begin work whose end is not known, and show that it goes on until it ends; cancelled, wait for its own end.

    Args:
        what: The work, in one word.
        begin: Begins it; it is given what to call with how far it is.
        unit: What it counts.
    """
    reached = 0

    def tell(count: int) -> None:
        nonlocal reached
        reached = count

    with Bar(what) as bar:

        def show() -> None:
            bar.move(0, None, f"{reached:,} {unit}" if reached else "")

        show()
        task = asyncio.ensure_future(begin(tell))
        return await ended(task, task.cancel, show=show, every_seconds=limits.progress_interval_seconds)


class Bar:
    """Moves on standard error by default, so that what a command writes can go elsewhere.

    Args:
        what: What goes on, in one word.
        stream: Where it moves, if that is a terminal.
    """

    def __init__(self, what: str, *, stream: TextIO | None = None) -> None:
        self._what = what
        self._stream = stream or sys.stderr
        self._shown: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn(self._what), BarColumn(), TextColumn("{task.fields[counts]}"), TimeElapsedColumn())
            console = Console(file=self._stream)
            self._shown = Progress(*columns, console=console, transient=True, auto_refresh=False)
            self._task = self._shown.add_task("", counts="", total=None)
            self._shown.start()
        return self

    def move(self, done: int, total: int | None, counts: str) -> None:
        """Show how far it is.

        Args:
            done: So much of ``total`` is done; where that is None, the bar only shows that something goes on.
            counts: The same for people.
        """
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=done, total=total, counts=counts, refresh=True)

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._shown is not None:
            self._shown.stop()
