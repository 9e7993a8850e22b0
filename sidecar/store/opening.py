"""From a URL to an open engine: the only module that knows which engines there are.

Each is imported when it is asked for, so that the embedded one needs no FoundationDB and the other no LMDB.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from sidecar.clock import Clock
from sidecar.errors import InvalidError, UnavailableError
from sidecar.store import backup
from sidecar.store.backup import Restored
from sidecar.store.engine import Engine
from sidecar.store.findings import Findings
from sidecar.store.options import EngineOptions
from sidecar.waiting import ended

__all__ = ["EngineOptions", "Findings", "Restored", "exists", "inspect", "open_engine", "restore", "salvage"]

T = TypeVar("T")
_FORMS = "`embedded:` and the path of a folder, or `fdb:` and the path of a cluster file"


async def open_engine(url: str, *, clock: Clock, options: EngineOptions | None = None) -> Engine:
    """Open the store that ``url`` names.

    Args:
        url: ``embedded:/path/to/folder`` (made when absent) or ``fdb:/path/to/cluster/file``.
        clock: For ages; never for order.
        options: Bounds and TLS files.

    Raises:
        InvalidError: The URL has neither form.
        AlreadyRunningError: Another process holds the embedded store.
        UnavailableError: It can not be opened now: the folder is not writable, the client library is absent, ….
        CorruptStoreError: The embedded store's file is damaged.
        StoreFormatError: It was written by a newer version.
    """
    scheme, place = _parsed(url)
    options = options or EngineOptions()
    if scheme == "embedded":
        from sidecar.store.embedded.create import open_embedded  # noqa: PLC0415 -- engines are imported when asked for

        return open_embedded(place, clock=clock, options=options)
    from sidecar.store.foundationdb.connecting import open_foundationdb  # noqa: PLC0415 -- the same

    return await open_foundationdb(place, clock=clock, options=options)


def exists(url: str) -> bool:
    """Tell whether there is a store; a cluster always has one.

    Raises:
        UnavailableError: That can not be found out.
    """
    scheme, place = _parsed(url)
    if scheme != "embedded":
        return True
    from sidecar.store.embedded.create import exists as exists_embedded  # noqa: PLC0415 -- the same

    return exists_embedded(place)


async def restore(
    path: Path,
    url: str,
    *,
    clock: Clock,
    replace: bool = False,
    options: EngineOptions | None = None,
    progress: backup.Progress = lambda _rows: None,
) -> Restored:
    """Fill the empty store that ``url`` names from a backup.

    The backup is read twice: first to see that it is whole, before anything is written. Cancelled, it returns when it
    has stopped; an embedded store is then as it was.

    Args:
        replace: Move an embedded store that is there aside, when the new one is whole.
        progress: Told now and then, in a thread, how many rows have been read.

    Raises:
        ConflictError: The store is not empty.
        AlreadyRunningError: Another process has open what is to be replaced.
        CorruptStoreError: The backup is cut off or changed.
        StoreFormatError: A newer version wrote the backup.
        UnavailableError: The backup can not be read, or the store not written.
    """
    scheme, place = _parsed(url)
    if replace and scheme != "embedded":
        raise InvalidError("Only an embedded store can be moved aside; empty the cluster's key range yourself.")
    options = options or EngineOptions()
    cancelled, tell = _stoppable(progress)
    header, _ = await _in_thread(partial(backup.check, path, tell), cancelled)
    if scheme == "embedded":
        from sidecar.store.embedded.create import restore_embedded  # noqa: PLC0415 -- the same

        work = partial(restore_embedded, path, place, header, replace=replace, options=options, progress=tell)
        return await _in_thread(work, cancelled)
    from sidecar.store.foundationdb.connecting import open_foundationdb  # noqa: PLC0415 -- the same

    engine = await open_foundationdb(place, clock=clock, options=options)
    try:
        return Restored(await _in_thread(partial(engine.restore, path, header, tell), cancelled), None)
    finally:
        await engine.close()


def _stoppable(progress: backup.Progress) -> tuple[threading.Event, backup.Progress]:
    """Return what stops work in a thread, and the progress that ends it then."""
    cancelled = threading.Event()

    def tell(rows: int) -> None:
        if cancelled.is_set():
            raise UnavailableError("It was stopped.", code="stopped")
        progress(rows)

    return cancelled, tell


async def _in_thread(work: Callable[[], T], cancelled: threading.Event) -> T:
    return await ended(asyncio.get_running_loop().run_in_executor(None, work), cancelled.set)


def _parsed(url: str) -> tuple[str, Path]:
    scheme, _, place = url.partition(":")
    if not place or scheme not in ("embedded", "fdb"):
        raise InvalidError(f"{url!r} is no store; give {_FORMS}.")
    return scheme, Path(place).absolute()  # now: who looks at it may be a process elsewhere


async def inspect(url: str, *, progress: backup.Progress = lambda _rows: None) -> Findings:
    """Walk a store that nobody has open, in a process of its own, and say what can be read; ``progress`` as above."""
    from sidecar.store.embedded import inspection  # noqa: PLC0415 -- engines are imported when asked for

    cancelled, tell = _stoppable(progress)
    return await _in_thread(partial(inspection.inspect, _folder(url), tell), cancelled)


async def salvage(url: str, path: Path, *, progress: backup.Progress = lambda _rows: None) -> Findings:
    """Write what can be read of a damaged store to a backup file, which ``restore`` takes; cancelled, it leaves none.

    Raises:
        CorruptStoreError: Nothing can be read.
        UnavailableError: There is no store, or the file can not be written.
    """
    from sidecar.store.embedded import inspection  # noqa: PLC0415 -- the same

    cancelled, tell = _stoppable(progress)
    return await _in_thread(partial(inspection.salvage, _folder(url), path, tell), cancelled)


def _folder(url: str) -> Path:
    scheme, place = _parsed(url)
    if scheme != "embedded":
        raise InvalidError(f"{url!r} is no embedded store; a cluster is checked with FoundationDB's own tools.")
    return place
