"""The backup file: all rows of a store at one version, in key order, the same for every engine.

A line that names the format, a line of JSON (epoch, version), the rows (length of key, length of value, key, value),
and an end mark with the number of rows and the SHA-256 of all that stands before it. A file without a right end is no
backup. Called by engines (writing) and by ``opening.restore`` (reading); knows no engine.
"""

import hashlib
import json
import os
import re
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from sidecar import limits
from sidecar.drafts import sync_folder
from sidecar.errors import CorruptStoreError, StoreFormatError, UnavailableError

FORMAT = 1
_MAGIC = b"sidecar-store-backup "
_LENGTHS = struct.Struct(">II")
_END = struct.Struct(">IQ")
_END_MARK = 0xFFFFFFFF
_SHA_BYTES = 32
_DRAFT_SUFFIX = ".partial"

Row = tuple[bytes, bytes]
Progress = Callable[[int], None]
"""Told the number of rows done so far, from a worker thread."""


class Header(NamedTuple):
    """What a backup says of the store it was taken from."""

    epoch: str
    version: int


class Restored(NamedTuple):
    """What a restore has made.

    Attributes:
        epoch: Of the store, which is a new one.
        aside: Where what was there before is now; None when nothing was.
    """

    epoch: str
    aside: Path | None


class BackupWriter:
    """Writes a backup beside its place and moves it there when it is synced and found whole; leaves nothing otherwise.

    The file has a name that nobody can guess, and is held as long as it is written: so two that write for one place
    have a file each, and what a killed process has left is told from them and removed by the next for that place.

    Args:
        path: Where the backup will be; what is there is replaced at the end.
        header: Of the store.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self.rows = 0
        try:
            _remove_leftovers(path)
            descriptor, name = tempfile.mkstemp(prefix=_draft_prefix(path), suffix=_DRAFT_SUFFIX, dir=path.parent)
            self._partial, self._file = Path(name), os.fdopen(descriptor, "wb")
            _hold(descriptor)
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            self._put(_MAGIC + str(FORMAT).encode() + b"\n")
            self._put(json.dumps(header._asdict()).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            self._discard()
            raise _unwritable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows; their keys follow those before."""
        try:
            for key, value in rows:
                self._put(_LENGTHS.pack(len(key), len(value)) + key + value)
                self.rows += 1
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def finish(self) -> None:
        """Write the end, sync, read all of it again, and put the file in its place.

        Raises:
            UnavailableError: It can not be written, or reads otherwise; what was there before stays.
        """
        try:
            self._put(_END.pack(_END_MARK, self.rows))
            self._file.write(self._digest.digest())
            self._file.flush()
            os.fsync(self._file.fileno())
            check(self._partial)
            self._file.close()
            self._partial.replace(self._path)
            sync_folder(self._path.parent)
        except CorruptStoreError as error:
            raise UnavailableError(f"The backup {self._path} did not reach the disk as it was written.") from error
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _discard(self) -> None:
        with suppress(OSError):  # on a full disk, of what was not flushed: it is thrown away
            self._file.close()
        self._partial.unlink(missing_ok=True)

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


def _draft_prefix(path: Path) -> str:
    return f"{path.name[:100]}."


def _remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left of backups to this place: nobody holds it, and it begins as one."""
    name = re.compile(re.escape(_draft_prefix(path)) + "[a-z0-9_]{8}" + re.escape(_DRAFT_SUFFIX))
    with suppress(OSError):  # a folder that can not be listed may still be written to
        for each in path.parent.iterdir():
            if name.fullmatch(each.name) and is_backup(each):
                _remove_unless_held(each)


if sys.platform == "win32":

    def _hold(_descriptor: int) -> None:
        """Do nothing: an open file can not be removed there."""

    def _remove_unless_held(path: Path) -> None:
        with suppress(OSError):  # it is held, or gone
            path.unlink()
else:
    import fcntl

    def _hold(descriptor: int) -> None:
        with suppress(OSError):  # a file system without locks: then leftovers stay
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _remove_unless_held(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            with suppress(OSError):  # it is held, or gone
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        finally:
            os.close(descriptor)


def check(path: Path, progress: Progress = lambda _rows: None) -> tuple[Header, int]:
    """Read a whole backup and return its header and the number of its rows.

    Args:
        progress: Told now and then how many rows have been read; what it raises ends the reading.

    Raises:
        CorruptStoreError: It is cut off, changed, or no backup.
        StoreFormatError: A newer version wrote it.
        UnavailableError: It can not be read.
    """
    header, count = Header("", 0), 0
    with _opened(path) as file:
        digest = hashlib.sha256()
        header = _header(file, path, digest)
        for _ in _told(_rows(file, path, digest), progress):
            count += 1
    return header, count


def is_backup(path: Path) -> bool:
    """Tell whether a file begins as a backup does; one that can not be read is taken for none."""
    if not path.is_file():
        return False  # who opens a pipe may wait for ever
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def rows(path: Path, progress: Progress = lambda _rows: None) -> Iterator[Row]:
    """Yield the rows of a backup that ``check`` has found whole; see there for ``progress``."""
    with _opened(path) as file:
        digest = hashlib.sha256()
        _header(file, path, digest)
        yield from _told(_rows(file, path, digest), progress)


def _told(rows: Iterator[Row], progress: Progress) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number % limits.store_backup_page_rows == 0:
            progress(number)
        yield row


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnavailableError(f"The backup {path} can not be read: {error.strerror}.") from error


def _header(file: BinaryIO, path: Path, digest: "hashlib._Hash") -> Header:
    first = file.readline(64)
    if not first.startswith(_MAGIC):
        raise CorruptStoreError(f"{path} is no backup of a Sidecar store.")
    number = first[len(_MAGIC) :].removesuffix(b"\n")
    if not number.isdigit():
        raise CorruptStoreError(f"The backup {path} is damaged: its first line names no format.")
    found = int(number)
    if found > FORMAT:
        raise StoreFormatError(
            f"The backup {path} has format {found}, written by a newer version; this one reads up to {FORMAT}.",
            details={"found": found, "supported": FORMAT},
        )
    second = file.readline(4_096)
    digest.update(first + second)
    try:
        return Header(**json.loads(second))
    except (ValueError, TypeError) as error:
        raise _damaged(path) from error


def _rows(file: BinaryIO, path: Path, digest: "hashlib._Hash") -> Iterator[Row]:
    count = 0
    while True:
        head = _exactly(file, _LENGTHS.size, path)
        key_bytes, value_bytes = _LENGTHS.unpack(head)
        if key_bytes == _END_MARK:
            end = head + _exactly(file, _END.size - _LENGTHS.size, path)
            digest.update(end)
            whole = _END.unpack(end)[1] == count and file.read(_SHA_BYTES + 1) == digest.digest()
            if not whole:
                raise _damaged(path)
            return
        if key_bytes > limits.store_key_bytes_max or value_bytes > limits.store_value_bytes_max:
            raise _damaged(path)
        body = _exactly(file, key_bytes + value_bytes, path)
        digest.update(head)
        digest.update(body)
        count += 1
        yield body[:key_bytes], body[key_bytes:]


def _exactly(file: BinaryIO, size: int, path: Path) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise _damaged(path)
    return data


def _damaged(path: Path) -> CorruptStoreError:
    return CorruptStoreError(f"The backup {path} is cut off or changed: its rows do not match its checksum.")


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(f"The backup {path} can not be written: {error.strerror}.")
