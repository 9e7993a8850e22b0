"""Opening an embedded store: the folder, the lock, the format, the epoch."""

import os
import uuid
from pathlib import Path

import lmdb

from sidecar.clock import Clock
from sidecar.errors import StoreFormatError, UnavailableError
from sidecar.store.embedded.engine import EmbeddedEngine
from sidecar.store.embedded.environment import OWN, Environment, default_map_bytes, translated
from sidecar.store.embedded.lock_file import LockFile
from sidecar.store.options import EngineOptions

FORMAT = 1


def open_embedded(folder: Path, *, clock: Clock, options: EngineOptions) -> EmbeddedEngine:
    """Open the store in ``folder``, making it when it is not there.

    Raises:
        AlreadyRunningError: Another process holds it.
        UnavailableError: The folder can not be made or written.
        CorruptStoreError: What lies there is damaged.
        StoreFormatError: It was written by a newer version.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"The store's folder {folder} can not be made: {error.strerror}.") from error
    lock = LockFile(folder / "owner.lock")
    try:
        environment = Environment(folder, options.map_bytes or default_map_bytes())
        try:
            epoch = _epoch(environment, folder)
            return EmbeddedEngine(environment, lock, epoch, clock=clock, options=options)
        except BaseException:
            environment.close()
            raise
    except (lmdb.Error, OSError) as error:
        lock.release()
        raise translated(error, folder) from error
    except BaseException:
        lock.release()
        raise


def _epoch(environment: Environment, folder: Path) -> str:
    stored = environment.read_own(b"format")
    if stored is None:
        epoch = str(uuid.UUID(bytes=os.urandom(16), version=4))
        environment.write(lambda txn: _write_own(txn, epoch))
        return epoch
    found = int(stored)
    if found > FORMAT:
        raise StoreFormatError(
            f"The store in {folder} has format {found}, written by a newer version; this one reads up to {FORMAT}.",
            details={"found": found, "supported": FORMAT},
        )
    return (environment.read_own(b"epoch") or b"").decode()


def _write_own(txn: "lmdb.Transaction", epoch: str) -> None:
    txn.put(OWN + b"format", str(FORMAT).encode())
    txn.put(OWN + b"epoch", epoch.encode())
    txn.put(OWN + b"version", (0).to_bytes(8, "big"))
