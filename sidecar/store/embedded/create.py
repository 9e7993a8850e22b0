"""Opening an embedded store: the folder, the lock, the format, the epoch."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import lmdb

from sidecar import limits
from sidecar.clock import Clock
from sidecar.drafts import sync_folder
from sidecar.errors import StoreFormatError, TransactionError, UnavailableError
from sidecar.store import backup
from sidecar.store.embedded import replacement
from sidecar.store.embedded.engine import EmbeddedEngine
from sidecar.store.embedded.environment import DATA, DATA_FILE, OWN, Environment, default_map_bytes, translated
from sidecar.store.embedded.inspection import check_file, is_begun
from sidecar.store.embedded.lock_file import LOCK_FILE, LockFile
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
        replacement.finish(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"The store's folder {folder} can not be made: {error.strerror}.") from error
    lock = LockFile(folder / LOCK_FILE)
    try:
        replacement.clear(folder)
        check_file(folder, distrusted=lock.left_open)
        if not is_begun(folder):
            _begin(folder, options)
        environment = Environment(folder, options.map_bytes or default_map_bytes())
        try:
            epoch = _epoch(environment, folder)
            return EmbeddedEngine(environment, lock, epoch, clock=clock, options=options)
        except BaseException:
            environment.close()
            raise
    except (lmdb.Error, OSError) as error:
        lock.release(clean=not lock.left_open)
        raise translated(error, folder) from error
    except BaseException:
        lock.release(clean=not lock.left_open)
        raise


def exists(folder: Path) -> bool:
    """Tell whether there is a store in a folder, or one that only waits to be moved there."""
    try:
        return is_begun(folder) or replacement.waits(folder)
    except OSError as error:
        raise UnavailableError(f"The store's folder {folder} can not be read: {error.strerror}.") from error


def _begin(folder: Path, options: EngineOptions) -> None:
    """Put an empty store in its place whole: LMDB writes its first pages where they stay, and who dies then has half.

    What is left of an attempt that died is cleared away by the next.
    """
    draft = folder / "beginning"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _fill(draft, iter(()), 0, options)
    (draft / DATA_FILE).replace(folder / DATA_FILE)
    sync_folder(folder)
    sync_folder(folder.parent)
    shutil.rmtree(draft)


def _epoch(environment: Environment, folder: Path) -> str:
    stored = environment.read_own(b"format")
    if stored is None:  # an earlier version of ours died before it had written it
        epoch = _new_epoch()
        environment.write(lambda txn: _write_own(txn, epoch, 0))
        return epoch
    found = int(stored)
    if found > FORMAT:
        raise StoreFormatError(
            f"The store in {folder} has format {found}, written by a newer version; this one reads up to {FORMAT}.",
            details={"found": found, "supported": FORMAT},
        )
    return (environment.read_own(b"epoch") or b"").decode()


def _write_own(txn: "lmdb.Transaction", epoch: str, version: int) -> None:
    txn.put(OWN + b"format", str(FORMAT).encode())
    txn.put(OWN + b"epoch", epoch.encode())
    txn.put(OWN + b"version", version.to_bytes(8, "big"))


def restore_embedded(
    path: Path,
    folder: Path,
    header: backup.Header,
    *,
    replace: bool,
    options: EngineOptions,
    progress: backup.Progress,
) -> backup.Restored:
    """Make a store in ``folder`` from a checked backup; what ``progress`` raises stops it.

    It is made beside its place and moved there when it is whole: who is killed leaves the old store or the new one.

    Args:
        replace: Move what is there aside.

    Raises:
        ConflictError: There is something in ``folder`` already.
        AlreadyRunningError: Another process has open what is to be replaced.
        UnavailableError: The disk is full or can not be written.
    """
    try:
        with replacement.replacing(folder, replace=replace) as draft:
            epoch = _fill(draft, backup.rows(path, progress), header.version, options)
            return backup.Restored(epoch, replacement.take_place(folder))
    except lmdb.Error as error:
        raise translated(error, folder) from error
    except OSError as error:
        raise UnavailableError(f"The store can not be restored to {folder}: {error.strerror}.") from error


def _fill(folder: Path, rows: Iterator[backup.Row], version: int, options: EngineOptions) -> str:
    environment = Environment(folder, options.map_bytes or default_map_bytes())
    try:
        chunk: list[tuple[bytes, bytes]] = []
        size = 0
        for key, value in rows:
            if len(key) > limits.store_embedded_key_bytes_max:
                raise TransactionError(
                    2102, f"The backup holds a key of {len(key)} bytes; this engine takes up to 510."
                )
            chunk.append((DATA + key, value))
            size += len(key) + len(value)
            if size >= limits.store_restore_chunk_bytes:
                _put(environment, chunk)
                chunk, size = [], 0
        _put(environment, chunk)
        epoch = _new_epoch()
        environment.write(lambda txn: _write_own(txn, epoch, version))
        return epoch
    finally:
        environment.close()


def _put(environment: Environment, rows: list[tuple[bytes, bytes]]) -> None:
    def work(txn: "lmdb.Transaction") -> None:
        with txn.cursor() as cursor:
            cursor.putmulti(rows)

    environment.write(work)


def _new_epoch() -> str:
    return str(uuid.UUID(bytes=os.urandom(16), version=4))
