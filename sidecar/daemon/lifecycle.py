"""The daemon's life as the operating system sees it: its lock, its signals, its background tasks.

Knows nothing of stores, records or HTTP; ``daemon.wiring`` and ``cli`` use it. The files that it leaves for clients are
``daemon.runtime_files``'s.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sidecar.errors import AlreadyRunningError, UnavailableError
from sidecar.limits import instance_lock_attempts_max, instance_lock_retry_seconds

log = logging.getLogger(__name__)

LOCK_FILE = "sidecar.lock"


class InstanceLock:
    """One daemon per data folder, by a lock of the operating system, which ends with its process however that ends.

    The file itself stays: it holds the pid of the last holder, and means nothing while nobody holds its lock.

    Args:
        folder: The data folder; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            AlreadyRunningError: Another process holds it; its pid is in the message and in ``details``.
            UnavailableError: The file can not be made.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise UnavailableError(f"{self._path} can not be opened: {error.strerror}.") from error
        for attempt in range(instance_lock_attempts_max):
            if attempt:  # ``is_held`` of a client holds it for microseconds
                time.sleep(instance_lock_retry_seconds)
            if _try_lock(descriptor, exclusive=True):
                self._descriptor = descriptor
                self._write_pid(descriptor)
                return
        pid = _pid_in(descriptor)
        os.close(descriptor)
        raise AlreadyRunningError(
            f"Sidecar already runs on {self._path.parent}: process {pid or 'unknown'} holds it.", details={"pid": pid}
        )

    def _write_pid(self, descriptor: int) -> None:
        try:
            os.write(descriptor, f"{os.getpid():<20}\n".encode())  # one width, so that it overwrites any other
        except OSError as error:
            self.release()
            raise UnavailableError(f"{self._path} can not be written: {error.strerror}.") from error

    def release(self) -> None:
        """Give the lock back. Idempotent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_held(folder: Path) -> bool:
    """Tell whether a daemon holds the lock of a data folder now.

    Raises:
        UnavailableError: That can not be found out.
    """
    path = folder / LOCK_FILE
    try:
        # To lock it, reading is enough, which also goes where nothing can be written; but for Windows.
        descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise UnavailableError(f"{path} can not be opened: {error.strerror}.") from error
    try:
        return not _try_lock(descriptor, exclusive=False)
    finally:
        os.close(descriptor)


def last_holder(folder: Path) -> int | None:
    """Return the pid of the process that holds the lock of a data folder, or held it last; None when there is none."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        return _pid_in(descriptor)
    finally:
        os.close(descriptor)


def _pid_in(descriptor: int) -> int | None:
    holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
    return int(holder) if holder.isdigit() else None


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 30  # far behind the pid: a locked region can not be read by others

    def _try_lock(descriptor: int, *, exclusive: bool) -> bool:
        del exclusive  # Windows' region locks here are always exclusive
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, *, exclusive: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the running loop at the first SIGTERM, SIGINT or SIGHUP; a second one ends the process at once.

    Ending at once is safe for data: what is acknowledged is on disk.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    seen = False

    def handle(number: int, _frame: object) -> None:
        nonlocal seen
        if seen:
            os._exit(128 + number)
        seen = True
        loop.call_soon_threadsafe(stop)

    for number in STOP_SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def run_until(stop: asyncio.Event, *coroutines: Coroutine[Any, Any, object]) -> None:
    """Run coroutines until ``stop`` is set, then cancel what still runs; raise what the first failing one raised."""
    loop = asyncio.get_running_loop()
    stopping = loop.create_task(stop.wait())
    running = {loop.create_task(coroutine) for coroutine in coroutines}
    pending = {stopping, *running}
    try:
        while not stopping.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


@contextmanager
def deadline(seconds: float, expired: Callable[[], None]) -> Iterator[None]:
    """Call ``expired`` from a thread of its own when the block takes longer; for a loop that may be stuck."""
    timer = threading.Timer(seconds, expired)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Tasks:
    """Background tasks that are not forgotten: each is kept until it ends, and a failure is told.

    The event loop itself keeps only weak references, and a task's exception is silent until somebody asks for it.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, coroutine: Coroutine[Any, Any, object], *, name: str) -> asyncio.Task[Any]:
        """Run a coroutine in the background; an exception that it raises is logged and makes ``failed`` raise it.

        It knows nothing of the request that may have started it: what it writes is not that user's doing.
        """
        task = asyncio.get_running_loop().create_task(coroutine, name=name, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def __len__(self) -> int:
        return len(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        log.error("Background task %s failed.", task.get_name(), exc_info=error)
        if not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # seen: nobody need wait for ``failed``

    async def failed(self) -> None:
        """Wait until a task fails, and raise its exception. Never returns otherwise."""
        await asyncio.shield(self._failure)

    async def close(self) -> None:
        """Cancel all tasks and wait until each has ended; their own clean-up runs. Idempotent."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._failure.cancel()
