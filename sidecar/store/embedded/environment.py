"""The edge to LMDB: opening, snapshots, write transactions, growth of the map, and its errors as ours.

LMDB's data is one tree. Keys of the store stand behind the byte ``0x01``, because LMDB has no empty key; our own few
keys (format, epoch, version) stand behind ``0x00``. LMDB's map can be resized, and its environment reopened, only
while no transaction of this process is open. So growth *ends* every open snapshot: each call into LMDB holds its
snapshot's lock, growth takes them all, and whoever reads on is answered 1007 and tries again on a new snapshot.
"""

import logging
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path
from typing import TypeVar, cast

import lmdb

from sidecar import limits
from sidecar.errors import CorruptStoreError, SidecarError, TransactionError, UnavailableError
from sidecar.store.embedded.reader_table import in_memory

T = TypeVar("T")
log = logging.getLogger(__name__)

DATA_FILE = "data.mdb"
DATA = b"\x01"
DATA_END = b"\x02"
OWN = b"\x00"
OWN_NAMES = (b"epoch", b"format", b"version")
_KEY_BYTES_MAX = limits.store_embedded_key_bytes_max

Rows = list[tuple[bytes, bytes]]


class Snapshot:
    """The store as it was at one version. Thread-safe; ended by ``close``, or by the environment (then 1007)."""

    __slots__ = ("_folder", "_get", "_give_way", "_lock", "_txn", "ended", "opened_at", "version")

    def __init__(self, txn: "lmdb.Transaction", opened_at: float, folder: Path, give_way: Callable[[], None]) -> None:
        self._give_way = give_way
        self._lock = threading.Lock()
        self._txn: lmdb.Transaction | None = txn
        self._get = cast("Callable[[bytes], bytes | None]", txn.get)
        self.ended = False  # whether it can no longer be read
        self.opened_at = opened_at
        self._folder = folder
        self.version = int.from_bytes(self._get(OWN + b"version") or b"", "big")

    def get(self, key: bytes) -> bytes | None:
        """Return a value."""
        self._give_way()
        try:
            with self._lock:
                return self._get(DATA + key)
        except lmdb.BadValsizeError:  # longer than any stored key; asking before costs every other read
            return None
        except lmdb.Error as error:
            raise translated(error, self._folder) from error

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of keys, in their order."""
        self._give_way()
        try:
            with self._lock:
                get = self._get
                return [get(DATA + key) for key in keys]
        except lmdb.BadValsizeError:  # one is longer than any stored key
            return [self.get(key) for key in keys]
        except lmdb.Error as error:
            raise translated(error, self._folder) from error

    def rows(self, begin: bytes, end: bytes, limit: int, *, reverse: bool = False) -> Rows:
        """Return the rows from ``begin`` to before ``end``, or from before ``end`` down; ``limit`` 0 is none."""
        return self._walked(_rows_down if reverse else _rows_up, begin, end, limit)

    def keys(self, begin: bytes, end: bytes, limit: int, *, reverse: bool = False) -> list[bytes]:
        """Return the keys of what ``rows`` returns; the values, which may lie on pages of their own, are not read."""
        return self._walked(_keys_down if reverse else _keys_up, begin, end, limit)

    def _walked(
        self, walk: "Callable[[lmdb.Cursor, bytes, bytes, int], list[T]]", begin: bytes, end: bytes, limit: int
    ) -> list[T]:
        if begin >= end:
            return []
        self._give_way()
        with self._lock:
            if self._txn is None:
                raise TransactionError(1007)
            try:
                with self._txn.cursor() as cursor:
                    return walk(cursor, begin, end, limit)
            except lmdb.Error as error:
                raise translated(error, self._folder) from error

    def close(self) -> None:
        """Release LMDB's reader slot; later reads raise 1007."""
        with self._lock:
            if self._txn is not None:
                self._txn.abort()
                self._txn = None
                self._get = _ended
                self.ended = True


def _ended(_key: bytes) -> bytes | None:
    raise TransactionError(1007)


def _to_first(cursor: "lmdb.Cursor", begin: bytes) -> bool:
    """Stand on the first key from ``begin`` on; tell whether there is one."""
    place = DATA + begin[:_KEY_BYTES_MAX]
    if not cursor.set_range(place):
        return False
    # No key is as long as a `begin` that is cut, so the one that equals its head lies before it.
    return len(begin) <= _KEY_BYTES_MAX or cursor.key() != place or cursor.next()


def _to_last(cursor: "lmdb.Cursor", end: bytes) -> bool:
    """Stand on the last key before ``end``; tell whether there is one."""
    place = DATA + end[:_KEY_BYTES_MAX]
    found = cursor.set_range(place)
    if found and len(end) > _KEY_BYTES_MAX and cursor.key() == place:
        return True
    return cursor.prev() if found else cursor.last()


def _rows_up(cursor: "lmdb.Cursor", begin: bytes, end: bytes, limit: int) -> Rows:
    rows: Rows = []
    if not _to_first(cursor, begin):
        return rows
    stop = DATA + end
    for key, value in cast("Iterator[tuple[bytes, bytes]]", cursor.iternext()):
        if key >= stop:
            break
        rows.append((key[1:], value))
        if len(rows) == limit:
            break
    return rows


def _rows_down(cursor: "lmdb.Cursor", begin: bytes, end: bytes, limit: int) -> Rows:
    rows: Rows = []
    if not _to_last(cursor, end):
        return rows
    first = DATA + begin
    for key, value in cast("Iterator[tuple[bytes, bytes]]", cursor.iterprev()):
        if key < first:
            break
        rows.append((key[1:], value))
        if len(rows) == limit:
            break
    return rows


def _keys_up(cursor: "lmdb.Cursor", begin: bytes, end: bytes, limit: int) -> list[bytes]:
    if not _to_first(cursor, begin):
        return []
    keys = islice(cast("Iterator[bytes]", cursor.iternext(values=False)), limit or None)
    stop = DATA + end
    return [key[1:] for key in takewhile(lambda key: key < stop, keys)]


def _keys_down(cursor: "lmdb.Cursor", begin: bytes, end: bytes, limit: int) -> list[bytes]:
    if not _to_last(cursor, end):
        return []
    keys = islice(cast("Iterator[bytes]", cursor.iterprev(values=False)), limit or None)
    first = DATA + begin
    return [key[1:] for key in takewhile(lambda key: key >= first, keys)]


class Environment:
    """An open LMDB environment.

    Args:
        folder: Where ``data.mdb`` lies.
        map_bytes: The size of the map to begin with; address space, not disk. It grows by itself.
    """

    def __init__(self, folder: Path, map_bytes: int) -> None:
        self.folder = folder
        self._map_bytes = map_bytes
        self._gate = threading.Lock()  # held while snapshots are made, and while none may be open
        self._live: set[Snapshot] = set()
        self._env = self._open()
        self._broken = False
        self._info: dict[str, int] = {}

    def snapshot(self, now_seconds: float, *, give_way: Callable[[], None] = lambda: None) -> Snapshot:
        """Open a snapshot of the last commit.

        Args:
            now_seconds: Its age counts from then.
            give_way: Called before each read.
        """
        with self._gate:
            try:
                snapshot = Snapshot(self._env.begin(buffers=False), now_seconds, self.folder, give_way)
            except lmdb.Error as error:
                raise self.translated(error) from error
            self._live.add(snapshot)
            return snapshot

    def release(self, snapshot: Snapshot) -> None:
        """Close a snapshot."""
        snapshot.close()
        self._live.discard(snapshot)

    def release_older(self, opened_before: float) -> None:
        """Close the snapshots that would keep LMDB from using its free pages again; their readers get 1007."""
        for snapshot in list(self._live):
            if snapshot.opened_at < opened_before:
                self.release(snapshot)

    def write(self, work: Callable[["lmdb.Transaction"], None]) -> None:
        """Run ``work`` in a write transaction, commit and sync it; when the map is full, grow it and do it again.

        After one that failed, ``recovered`` comes first.

        Raises:
            UnavailableError: The disk is full or failing; the message tells whether it may have been stored.
            CorruptStoreError: LMDB found damage.
        """
        while True:
            ready = None  # the transaction's number in LMDB, once it is asked to commit
            try:
                with self._env.begin(write=True, buffers=False) as txn:
                    work(txn)
                    ready = txn.id()
            except lmdb.MapFullError:
                self._grow()
            except (lmdb.Error, OSError) as error:
                self._broken = True  # after a failed write or sync LMDB refuses to go on; a new environment can
                raise translated(error, self.folder, kept=ready is not None and self._may_hold(ready)) from error
            else:
                return

    def _may_hold(self, number: int) -> bool:
        """Tell whether a transaction whose commit failed may lie in the file all the same."""
        try:
            with self._gate, self._env.begin() as txn:
                return txn.id() >= number
        except lmdb.Error:  # its last page was refused, and LMDB itself does not know what the disk holds
            return True

    def read_own(self, name: bytes) -> bytes | None:
        """Return a value of our own area."""
        with self._gate, self._env.begin() as txn:
            return txn.get(OWN + name)

    def close(self) -> None:
        """End every snapshot and close LMDB."""
        with self._gate:
            self._end_snapshots()
            self._env.close()

    def info(self) -> dict[str, int]:
        """Return the sizes: bytes of the map, of the file in use, and of one page."""
        try:
            info, stat = self._env.info(), self._env.stat()
        except lmdb.Error:  # closed, because it could not be opened again: what was known stays
            return self._info
        self._info = {
            "map_bytes": info["map_size"],
            "used_bytes": (info["last_pgno"] + 1) * stat["psize"],
            "page_bytes": stat["psize"],
            "entries": stat["entries"],
        }
        return self._info

    def _open(self) -> "lmdb.Environment":
        with in_memory(self.folder):
            return lmdb.open(
                str(self.folder),
                mode=0o600,
                map_size=self._map_bytes,
                max_readers=limits.store_embedded_snapshots_max,
                max_spare_txns=limits.store_embedded_spare_transactions_max,
                meminit=False,  # pages are overwritten whole; clearing them first costs a tenth of a commit
                writemap=False,  # a stray write can not reach the file, and a full disk is an error, not a SIGBUS
            )

    def _grow(self) -> None:
        with self._gate:
            self._end_snapshots()
            if self._map_bytes >= limits.store_map_bytes_max:
                raise UnavailableError(f"The store in {self.folder} has reached its limit of {self._map_bytes} bytes.")
            self._map_bytes = min(2 * self._map_bytes, limits.store_map_bytes_max)
            self._env.set_mapsize(self._map_bytes)
            log.info("store map grown", extra={"map_bytes": self._map_bytes})

    def recovered(self) -> int | None:
        """Open the file again if a write has failed, and return the version that is stored then; None if none has.

        What failed may lie in the file all the same: its last page was written, and only the sync was refused.

        Raises:
            UnavailableError: It can not be opened yet; reads go on.
        """
        if not self._broken:
            return None
        self._reopen()
        version = int.from_bytes(self.read_own(b"version") or b"", "big")
        self._broken = False
        return version

    def _reopen(self) -> None:
        if not (self.folder / DATA_FILE).exists():  # opened again it would be a new one, and what it holds be lost
            raise UnavailableError(f"The store in {self.folder} was removed; what it holds can be read until the end.")
        with self._gate:
            self._end_snapshots()
            self._env.close()
            try:
                self._env = self._open()
            except (lmdb.Error, OSError) as error:
                self._open_to_read()
                raise self.translated(error) from error

    def _open_to_read(self) -> None:
        """Let reads go on while nothing can be written; the next write tries again to open it whole."""
        with suppress(lmdb.Error, OSError):
            # Without LMDB's own lock, whose file could not be written: the store is ours, and nobody writes.
            self._env = lmdb.open(str(self.folder), readonly=True, lock=False)

    def _end_snapshots(self) -> None:
        for snapshot in list(self._live):
            snapshot.close()
        self._live.clear()

    def translated(self, error: Exception) -> SidecarError:
        """Return one of our errors for one of LMDB's."""
        return translated(error, self.folder)


def damaged(folder: Path, what: str) -> CorruptStoreError:
    """Return the error that says what is wrong and what can be done."""
    return CorruptStoreError(
        f"The store in {folder} is damaged: {what}. Nothing was changed. `sidecar doctor` tells what can still be "
        "read; restore a backup, or move the folder away to begin anew.",
        details={"folder": str(folder)},
    )


def translated(error: Exception, folder: Path, *, kept: bool = False) -> SidecarError:
    """Return one of our errors for one of LMDB's or of the operating system's.

    Args:
        kept: Whether what was written may have been stored all the same.
    """
    damage = (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.PageFullError, lmdb.CursorFullError)
    if isinstance(error, damage):
        return damaged(folder, str(error))
    text = str(error)
    outcome = "what was written may have been stored: look before you repeat it" if kept else "nothing was written"
    if "No space left" in text or ("Input/output error" in text and _full(folder)):
        return UnavailableError(f"The disk that holds {folder} is full; {outcome}. Make room and try again.")
    if isinstance(error, lmdb.ReadonlyError | PermissionError) or "Permission denied" in text or "Read-only" in text:
        return UnavailableError(f"The store in {folder} can not be written: {text}; {outcome}.")
    return UnavailableError(f"The store in {folder} failed: {text}; {outcome}.")


def _full(folder: Path) -> bool:
    """Tell whether the disk is full: LMDB says "input/output error" when only a part of a write found room."""
    try:
        return shutil.disk_usage(folder).free < limits.store_disk_free_bytes_min
    except OSError:  # the disk can not even be asked: then it is no lack of room
        return False


def default_map_bytes() -> int:
    """Return how much address space to map at first: much where that is free, little on Windows, which allocates it."""
    return limits.store_map_bytes_windows if sys.platform == "win32" else limits.store_map_bytes_start
