"""What is wrong with the machine or the daemon now: looked for now and then, told to the log and to ``status``.

What lasts (a full disk, a folder that can not be written, a clock that was set back) is logged when it begins and when
it is over. What has happened and is over is shown for an hour; whoever noticed it has logged it.
"""

import asyncio
import errno
import itertools
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sidecar import limits
from sidecar.config import Settings
from sidecar.daemon.logs import lines_lost
from sidecar.daemon.loop_watch import LoopWatch
from sidecar.daemon.runtime_files import Notice
from sidecar.errors import SidecarError
from sidecar.repositories import machine
from sidecar.repositories.transactions import Database, Writing

log = logging.getLogger(__name__)

_CLOCK_ADVICE = "until it is right again, new records bear earlier times than older ones."
_GONE_ADVICE = "the daemon still has what it holds: `sidecar backup` saves it, and after a restart it is gone."
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE})


class Health:
    """Looks at the daemon that it is part of.

    Args:
        settings: Tell where its data lies.
        database: Asked for its trouble, and given a chance to be over it.
        loop_watch: Asked whether the loop, or the whole process, stood still.
        notice: Published again when it has gone.
        newest_ms: When the newest record was written; None in a new store.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        loop_watch: LoopWatch,
        notice: Notice,
        *,
        newest_ms: int | None,
    ) -> None:
        self._settings = settings
        self._notice = notice
        self._database = database
        self._loop_watch = loop_watch
        self._latest_ms = newest_ms or 0
        self._lasting: dict[str, str] = {}
        self._shortage_at: float | None = None
        self._relief: Callable[[], None] = lambda: None

    def look(self) -> list[str]:
        """Return what is wrong, one sentence each; log what has begun since the last look, and what is over."""
        before, self._lasting = self._lasting, dict(self._find())
        for key, sentence in self._lasting.items():
            if key not in before:
                log.warning("%s", sentence)
        for key, sentence in before.items():
            if key not in self._lasting:
                log.warning("This is over: %s", sentence)
        return [*self._told_elsewhere(), *self._lasting.values()]

    async def look_forever(self) -> None:
        """Look now and then until cancelled; while the store has trouble, try whether it still has."""
        while True:
            self.look()
            if self._database.trouble:
                await self._try_to_store()
            await asyncio.sleep(limits.health_interval_seconds)

    def take_reports_of(self, loop: asyncio.AbstractEventLoop, *, relief: Callable[[], None]) -> None:
        """Take what the event loop reports from now on.

        Args:
            relief: Called when a connection found no descriptor; the loop waits a second, and accepts it then.
        """
        self._relief = relief
        loop.set_exception_handler(self._reported)

    def _reported(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _SHORTAGES:
            loop.default_exception_handler(dict(context))
            return
        now = time.monotonic()
        if self._shortage_at is None or now - self._shortage_at > limits.health_interval_seconds:
            log.error("Connections have to wait: out of file descriptors (%s).", error.strerror)
        self._shortage_at = now
        self._relief()

    async def _try_to_store(self) -> None:
        """Write one row as it is: then the trouble is over as soon as its cause is, also when nobody writes."""
        keyspace = self._database.keyspace

        def body(tr: Writing) -> None:
            found = machine.find(tr, keyspace)
            if found is not None:
                machine.put(tr, keyspace, found)

        try:
            await self._database.transact(body)
        except SidecarError as error:
            log.debug("It still can not be written: %s", error.message)

    def _find(self) -> Iterator[tuple[str, str]]:
        """Yield what lasts, with a key that stays while the sentence changes."""
        free = _disk_free(self._settings.data_dir)
        if free is not None and free < limits.disk_free_warning_bytes:
            where = self._settings.data_dir
            yield "disk", f"Only {free / 1_000_000:.1f} MB are free where the data lies ({where}); make room there."
        yield from itertools.islice(self._places_in_trouble(), 1)  # of a folder, and not of all that is in it
        if trouble := self._notice.renew():
            yield "notice", f"New clients do not find the daemon: {trouble}"
        used, allowed = open_files(), open_files_max()
        if used is not None and allowed and used > allowed * limits.open_files_warning_share:
            yield "files", f"{used} of at most {allowed} files are open; raise the limit (ulimit -n)."
        now_ms = self._database.clock.now_ms()
        self._latest_ms = max(self._latest_ms, now_ms)
        behind = (self._latest_ms - now_ms) / 1000
        if behind > limits.wall_jump_seconds:
            yield "clock", f"The machine's clock is {_span(behind)} behind what was the time already: {_CLOCK_ADVICE}"

    def _places_in_trouble(self) -> Iterator[tuple[str, str]]:
        for path in self._places():
            try:
                is_there = path.exists()
            except OSError as error:  # a failing disk, a server that is away, a folder above that is closed
                yield str(path), f"{path} can not be looked at: {error.strerror}."
                continue
            if not is_there:
                yield str(path), f"{path} was removed; {_GONE_ADVICE}"
            elif not os.access(path, os.W_OK):
                yield str(path), f"{path} can not be written to; changes may be refused until it can."

    def _places(self) -> Iterator[Path]:
        """Yield what has to be written to."""
        yield self._settings.data_dir
        scheme, _, place = self._settings.store.partition(":")
        if scheme == "embedded":
            yield Path(place)
            yield Path(place) / "data.mdb"

    def _told_elsewhere(self) -> Iterator[str]:
        """Yield what those who noticed it have logged."""
        if self._database.trouble:
            yield f"The last change could not be stored: {self._database.trouble}"
        if lines_lost():
            yield f"{lines_lost()} log lines could not be written to {self._settings.log_file}."
        watch, now = self._loop_watch, time.monotonic()
        if watch.stuck_now:
            yield "The daemon stands still; its log tells where."
        elif watch.stuck_at is not None and now - watch.stuck_at < limits.health_past_seconds:
            yield f"The daemon stood still {_span(now - watch.stuck_at)} ago; its log tells where."
        if watch.stopped_at is not None and now - watch.stopped_at < limits.health_past_seconds:
            yield (
                f"The process was stopped for {_span(watch.stopped_seconds)}, until {_span(now - watch.stopped_at)} "
                "ago: by a signal, a debugger or a machine that slept."
            )
        if self._shortage_at is not None and now - self._shortage_at < limits.health_past_seconds:
            yield (
                f"Connections had to wait {_span(now - self._shortage_at)} ago: out of file descriptors, of which "
                f"{open_files_max()} are allowed; raise the limit (ulimit -n)."
            )


def open_files() -> int | None:
    """Return how many file descriptors this process has, where the system tells."""
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
    except OSError as error:
        return open_files_max() if error.errno in _SHORTAGES else None  # there is none left to count them with


def open_files_max() -> int | None:
    """Return how many file descriptors this process may have."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - Windows has none

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _disk_free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _span(seconds: float) -> str:
    """Return a span of time as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} hours"
