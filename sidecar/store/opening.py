"""From a URL to an open engine: the only module that knows which engines there are.

Each is imported when it is asked for, so that the embedded one needs no FoundationDB and the other no LMDB.
"""

import asyncio
from functools import partial
from pathlib import Path

from sidecar.clock import Clock
from sidecar.errors import InvalidError
from sidecar.store import backup
from sidecar.store.engine import Engine
from sidecar.store.findings import Findings
from sidecar.store.options import EngineOptions

__all__ = ["EngineOptions", "Findings", "inspect", "open_engine", "restore", "salvage"]

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


async def restore(path: Path, url: str, *, clock: Clock, options: EngineOptions | None = None) -> str:
    """Fill the empty store that ``url`` names from a backup, and return its new epoch.

    The backup is read twice: first to see that it is whole, before anything is written.

    Raises:
        ConflictError: The store is not empty.
        CorruptStoreError: The backup is cut off or changed.
        StoreFormatError: A newer version wrote the backup.
        UnavailableError: The backup can not be read, or the store not written.
    """
    scheme, place = _parsed(url)
    options = options or EngineOptions()
    loop = asyncio.get_running_loop()
    header, _ = await loop.run_in_executor(None, backup.check, path)
    if scheme == "embedded":
        from sidecar.store.embedded.create import restore_embedded  # noqa: PLC0415 -- the same

        work = partial(restore_embedded, path, place, header, options=options)
        return await loop.run_in_executor(None, work)
    from sidecar.store.foundationdb.connecting import open_foundationdb  # noqa: PLC0415 -- the same

    engine = await open_foundationdb(place, clock=clock, options=options)
    try:
        return await loop.run_in_executor(None, engine.restore, path, header)
    finally:
        await engine.close()


def _parsed(url: str) -> tuple[str, Path]:
    scheme, _, place = url.partition(":")
    if not place or scheme not in ("embedded", "fdb"):
        raise InvalidError(f"{url!r} is no store; give {_FORMS}.")
    return scheme, Path(place)


async def inspect(url: str) -> Findings:
    """Walk a store that nobody has open, in a process of its own, and say what can be read."""
    from sidecar.store.embedded import inspection  # noqa: PLC0415 -- engines are imported when asked for

    return await asyncio.get_running_loop().run_in_executor(None, inspection.inspect, _folder(url))


async def salvage(url: str, path: Path) -> Findings:
    """Write what can be read of a damaged store to a backup file, which ``restore`` takes."""
    from sidecar.store.embedded import inspection  # noqa: PLC0415 -- the same

    return await asyncio.get_running_loop().run_in_executor(None, inspection.salvage, _folder(url), path)


def _folder(url: str) -> Path:
    scheme, place = _parsed(url)
    if scheme != "embedded":
        raise InvalidError(f"{url!r} is no embedded store; a cluster is checked with FoundationDB's own tools.")
    return place
