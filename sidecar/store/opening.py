"""From a URL to an open engine: the only module that knows which engines there are. Each is imported when it is asked for."""

from pathlib import Path

from sidecar.clock import Clock
from sidecar.errors import InvalidError
from sidecar.store.engine import Engine
from sidecar.store.options import EngineOptions

__all__ = ["EngineOptions", "open_engine"]

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
    scheme, _, place = url.partition(":")
    if not place or scheme not in ("embedded", "fdb"):
        raise InvalidError(f"{url!r} is no store; give {_FORMS}.")
    options = options or EngineOptions()
    if scheme == "embedded":
        from sidecar.store.embedded.create import open_embedded  # noqa: PLC0415 -- engines are imported when asked for

        return open_embedded(Path(place), clock=clock, options=options)
    from sidecar.store.foundationdb import open_foundationdb  # noqa: PLC0415 -- the same

    return await open_foundationdb(Path(place), clock=clock, options=options)
