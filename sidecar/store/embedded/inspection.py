"""Looking at a store's file without trusting it: is it whole, and what can still be read.

LMDB checks little of what it reads, and a damaged page can end the process that reads it. So the walk runs in a
process of its own (``python -m sidecar.store.embedded.inspection``), which hands its rows over a pipe: whatever
happens to it, the rows before are good. Only what the file says of itself is checked by LMDB and here (pages, order,
counts); a value changed in place is not seen.
"""

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import lmdb

from sidecar import limits
from sidecar.errors import StoreFormatError, UnavailableError
from sidecar.store.backup import BackupWriter, Header, Progress
from sidecar.store.embedded.environment import DATA, DATA_END, DATA_FILE, OWN, OWN_NAMES, damaged
from sidecar.store.embedded.loose_pages import rows_of_leaf_pages
from sidecar.store.findings import Findings

_LENGTHS = struct.Struct(">II")
_END = _LENGTHS.pack(0xFFFFFFFF, 0)
_ROOT = Path(__file__).resolve().parents[3]
_PAGE_HEADER_BYTES = 16
_USUAL_PAGE_BYTES = 4_096
_META = struct.Struct("<II8xQ")  # magic, version, address, map size; then two table headers of 48 bytes
_META_TAIL = struct.Struct("<QQ")  # last page, transaction
_MAGIC = 0xBEEFC0DE
_DATA_VERSION = 1  # LMDB 0.9; its development versions write 999


def is_begun(folder: Path) -> bool:
    """Tell whether a store was ever made in a folder; an empty file is none."""
    path = folder / DATA_FILE
    return path.exists() and path.stat().st_size > 0


def check_file(folder: Path, *, distrusted: bool) -> None:
    """Check what LMDB would trust blindly at opening.

    A file that is shorter than it says, or whose last holder died (up to a size), is walked first: if it is damaged,
    reading it might have been what killed the holder.

    Args:
        folder: Of the store.
        distrusted: Whether its last holder died.

    Raises:
        CorruptStoreError: It is damaged.
        StoreFormatError: Another version of LMDB wrote it.
    """
    path = folder / DATA_FILE
    if not is_begun(folder):
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        pages_bytes = max(_used_bytes(file, 0, path), _used_bytes(file, None, path))
    distrusted = distrusted and size <= limits.store_walk_bytes_max
    if (size < pages_bytes or distrusted) and not _is_whole(folder):
        raise damaged(
            folder,
            f"it has {size} bytes and needs {pages_bytes}" if size < pages_bytes else "it can not be read to its end",
        )


def _used_bytes(file: BinaryIO, page_bytes: int | None, path: Path) -> int:
    """Return how long the file has to be by one of its two first pages; the second's place is told by the first."""
    if page_bytes is None:
        file.seek(_PAGE_HEADER_BYTES + _META.size)
        page_bytes = int.from_bytes(file.read(4), "little")
        if page_bytes & (page_bytes - 1) or not 512 <= page_bytes <= 65_536:
            raise damaged(path.parent, "its first page is not what was written")
    file.seek(page_bytes + _PAGE_HEADER_BYTES)
    head, tables, tail = file.read(_META.size), file.read(96), file.read(_META_TAIL.size)
    if len(tail) < _META_TAIL.size:
        raise damaged(path.parent, "it ends within its first two pages")
    magic, version, _ = _META.unpack(head)
    if magic != _MAGIC:
        raise damaged(path.parent, "its first pages are not what was written")
    if version != _DATA_VERSION:
        raise StoreFormatError(
            f"The file {path} was written by another LMDB (data version {version}; this one reads {_DATA_VERSION}).",
            details={"found": version, "supported": _DATA_VERSION},
        )
    last_page, _ = _META_TAIL.unpack(tail)
    return int(last_page + 1) * int.from_bytes(tables[:4], "little")


def _is_whole(folder: Path) -> bool:
    """Walk in a process of its own that sends no rows."""
    command = [sys.executable, "-m", __name__, str(folder), DATA.hex(), "check"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, check=False)  # noqa: S603 -- our own module on our own interpreter
    return done.returncode == 0 and done.stdout == _END


def inspect(folder: Path, progress: Progress) -> Findings:
    """Walk the whole store and say what can be read; what ``progress`` raises ends it."""
    return _gathered(folder, None, progress)


def salvage(folder: Path, target: Path, progress: Progress) -> Findings:
    """Write what can be read to a backup file, which a restore takes; what ``progress`` raises ends it.

    Raises:
        CorruptStoreError: Nothing can be read.
        UnavailableError: There is no store, or the file can not be written.
    """
    with BackupWriter(target, Header("salvaged", _SALVAGED_VERSION)) as writer:
        findings = _gathered(folder, writer, progress)
        if not findings.rows and not findings.whole:
            raise damaged(folder, "nothing of it can be read")
        writer.finish()
    return findings


# A salvaged store's own version may be lost, and new versionstamps have to come after those in its rows.
_SALVAGED_VERSION = 1 << 48


def _gathered(folder: Path, writer: BackupWriter | None, progress: Progress) -> Findings:
    """Read upwards as far as it goes; if that is not all, downwards too, and the rest from there."""
    if not is_begun(folder):
        raise UnavailableError(f"There is no store in {folder}.")
    up = _Walk(folder, DATA, up=True)
    rows = up.drain(writer, progress)
    if up.ended:
        return Findings(rows, whole=True, gap=None)
    if not rows:
        return _loose(folder, writer)
    down = _Walk(folder, DATA_END, up=False)
    down.drain(None, progress)
    after = max(down.last, up.last + b"\x00") if down.last else DATA_END
    if after < DATA_END:
        rest = _Walk(folder, after, up=True)
        rows += rest.drain(writer, lambda more: progress(rows + more))
    return Findings(rows, whole=False, gap=(up.last[1:], after[1:]))


def _loose(folder: Path, writer: BackupWriter | None) -> Findings:
    path = folder / DATA_FILE
    with path.open("rb") as file:
        file.seek(_PAGE_HEADER_BYTES + _META.size)
        page_bytes = int.from_bytes(file.read(4), "little")
    if page_bytes & (page_bytes - 1) or not 512 <= page_bytes <= 65_536:
        page_bytes = _USUAL_PAGE_BYTES
    found = rows_of_leaf_pages(path, page_bytes)
    rows = [(key[1:], value) for key, value in sorted(found.items()) if DATA <= key < DATA_END]
    if writer is not None:
        writer.write(rows)
    return Findings(len(rows), whole=False, gap=None, loose=True)


class _Walk:
    """One walk in a process of its own."""

    def __init__(self, folder: Path, start: bytes, *, up: bool) -> None:
        self._command = [sys.executable, "-m", __name__, str(folder), start.hex(), "up" if up else "down"]
        self.last = b""
        self.ended = False

    def drain(self, writer: BackupWriter | None, progress: Progress) -> int:
        """Read all rows that come, and return their number; told now and then, what ``progress`` raises ends it."""
        with subprocess.Popen(  # noqa: S603 -- our own module on our own interpreter
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            start_new_session=True,  # an interrupt is for us: if it ended the child, that would look like damage
        ) as child:
            rows = 0
            try:
                for key, value in self._rows(cast("BinaryIO", child.stdout)):
                    self.last = key
                    if rows % limits.store_backup_page_rows == 0:
                        progress(rows)
                    rows += 1
                    if writer is not None:
                        writer.write([(key[1:], value)])
            finally:
                child.kill()
            return rows

    def _rows(self, pipe: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
        while True:
            head = pipe.read(_LENGTHS.size)
            if head == _END:
                self.ended = True
                return
            if len(head) < _LENGTHS.size:
                return
            key_bytes, value_bytes = _LENGTHS.unpack(head)
            body = pipe.read(key_bytes + value_bytes)
            if len(body) < key_bytes + value_bytes:
                return
            yield body[:key_bytes], body[key_bytes:]


def _walk(folder: str, start: bytes, out: BinaryIO, mode: str) -> None:
    """Be the child: send rows in order, and the end mark if all of the tree was met in good order.

    Args:
        folder: Of the store.
        start: The key to begin at, or to begin below.
        out: Where to.
        mode: ``up``, ``down``, or ``check``: upwards, sending no rows.
    """
    up = mode != "down"
    with (
        lmdb.open(
            folder,
            readonly=True,
            create=False,
            lock=False,  # nobody else has the store open; and on a full disk the lock's file could not be made
        ) as environment,
        environment.begin() as txn,
        txn.cursor() as cursor,
    ):
        found = cursor.set_range(start)
        if not up:
            found = cursor.prev() if found else cursor.last()
        last, count = b"", 0
        rows = cursor.iternext() if up else cursor.iterprev()
        for key, value in rows if found else ():
            if last and (key > last) is not up:
                return
            if not DATA <= key < DATA_END:
                break
            if mode != "check":
                out.write(_LENGTHS.pack(len(key), len(value)) + key + value)
            last, count = key, count + 1
        own = sum(1 for name in OWN_NAMES if txn.get(OWN + name) is not None)
        if start != DATA or count + own == txn.stat()["entries"]:
            out.write(_END)


if __name__ == "__main__":
    _walk(sys.argv[1], bytes.fromhex(sys.argv[2]), sys.stdout.buffer, sys.argv[3])
