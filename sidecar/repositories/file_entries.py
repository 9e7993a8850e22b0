"""What the index of a workspace holds of a file, packed: its id, the *stamp* of its stat, its checksum.

Called by ``files.py`` and ``new_files.py``, and by the comparison with the disk, which stamps what it sees in the same
way: a file whose stamp is the stored one is unchanged, and nothing of it need be unpacked.
"""

import os
import struct
from collections.abc import Container, Sequence
from typing import Final, Self, get_args

from sidecar import limits
from sidecar.ids import id_bytes, id_text
from sidecar.models.files import FileEntry, FileKind
from sidecar.repositories import keys

_KINDS: Final[tuple[FileKind, ...]] = get_args(FileKind)
_KIND_NUMBERS: Final = {kind: number for number, kind in enumerate(_KINDS)}
# size, mtime_ns, ctime_ns, inode, kind, deleted. Behind it the length of the checksum, the checksum, and the path when
# the key holds only its hash.
_STAMP = struct.Struct(">QqqQBB")
_TIME_NS_MIN: Final = -(1 << 63)
_TIME_NS_MAX: Final = (1 << 63) - 1
_ID_BYTES = 16
_STAMP_END = _ID_BYTES + _STAMP.size
_CHECKSUM_AT = _STAMP_END + 1
_INODE: Final = slice(24, 32)  # in the stamp
_KIND_AT: Final = _INODE.stop


def stamp(status: os.stat_result, kind: FileKind) -> bytes:
    """Return what tells one state of a file that is there from another, without reading it."""
    return stamps((status,), (kind,))[0]


def stamps(statuses: Sequence[os.stat_result], kinds: Sequence[FileKind]) -> list[bytes]:
    """Return the stamps of many files."""
    pack, numbers = _STAMP.pack, _KIND_NUMBERS
    try:
        return [
            pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, numbers[kind], False)
            for status, kind in zip(statuses, kinds, strict=True)
        ]
    except struct.error:  # almost never, so that nobody pays for it
        return [
            _pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, kind)
            for status, kind in zip(statuses, kinds, strict=True)
        ]


def inode_bytes(inode: int) -> bytes:
    """Return an inode as a stamp holds it."""
    return inode.to_bytes(_INODE.stop - _INODE.start)


def stored_ns(time_ns: int) -> int:
    """Return a time of a file as we keep it: within 64 bits, so from 1677 to 2262. Some file systems know more."""
    return min(max(time_ns, _TIME_NS_MIN), _TIME_NS_MAX)


def mtime_ns(stamp: bytes) -> int:
    """Return the mtime that a stamp holds."""
    found: int = _STAMP.unpack(stamp)[1]
    return found


def is_of_stamp(entry: FileEntry, stamp: bytes) -> bool:
    """Tell whether a file is in the state that a stamp tells, whatever kind was read."""
    return _pack(entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode, entry.kind)[:_KIND_AT] == stamp[:_KIND_AT]


def covering(entry: FileEntry) -> bytes:
    """Return what an index entry holds behind the id."""
    checksum = entry.checksum
    packed = _pack(entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode, entry.kind, is_deleted=entry.is_deleted)
    rest = b"" if keys.is_whole_path(entry.path) else entry.path
    return b"%b%c%b%b" % (packed, len(checksum), checksum, rest)


def _pack(  # noqa: PLR0917 - in the stamp's own order
    size: int, mtime_ns: int, ctime_ns: int, inode: int, kind: FileKind, *, is_deleted: bool = False
) -> bytes:
    return _STAMP.pack(size, stored_ns(mtime_ns), stored_ns(ctime_ns), inode, _KIND_NUMBERS[kind], is_deleted)


class Entries:
    """Some of the index of a workspace, in ``keys.path_order``: unpacked as far as anybody asks.

    Attributes:
        paths: Relative to the workspace.
        values: As they are stored.
        stamps: See ``stamp``.
    """

    __slots__ = ("paths", "stamps", "values")

    def __init__(self, paths: list[bytes], values: list[bytes]) -> None:
        self.paths = paths
        self.stamps = [value[_ID_BYTES:_STAMP_END] for value in values]
        self.values = values

    @classmethod
    def of_rows(cls, prefix: bytes, rows: Sequence[tuple[bytes, bytes]]) -> Self:
        """Return what some rows of the store hold, whose keys begin with ``prefix``."""
        begin = len(prefix) + 1  # the code of a byte string, which ends with a zero; a path holds none
        paths = [key[begin:-1] for key, _ in rows]
        values = [value for _, value in rows]
        if max(map(len, paths), default=0) > limits.key_file_path_bytes_max:
            paths = [_path(path, value) for path, value in zip(paths, values, strict=True)]
        return cls(paths, values)

    @classmethod
    def of(cls, entries: Sequence[FileEntry]) -> Self:
        """Return some entries packed."""
        return cls([entry.path for entry in entries], [id_bytes(entry.id) + covering(entry) for entry in entries])

    def __len__(self) -> int:
        return len(self.paths)

    def rest(self, at: int, more: "Entries") -> "Entries":
        """Return those from a place on, and some that follow."""
        return Entries(self.paths[at:] + more.paths, self.values[at:] + more.values)

    def of_inodes(self, inodes: Container[bytes]) -> list[int]:
        """Return the places of those that have one of some inodes; see ``inode_bytes``."""
        return [at for at, stamp in enumerate(self.stamps) if stamp[_INODE] in inodes]

    def entry(self, at: int) -> FileEntry:
        """Return one of them, unpacked."""
        value = self.values[at]
        size, mtime_ns, ctime_ns, inode, kind, deleted = _STAMP.unpack_from(value, _ID_BYTES)
        return FileEntry(
            path=self.paths[at],
            id=id_text(value[:_ID_BYTES].hex()),
            size=size,
            mtime_ns=mtime_ns,
            inode=inode,
            checksum=value[_CHECKSUM_AT : _CHECKSUM_AT + value[_STAMP_END]],
            kind=_KINDS[kind],
            is_deleted=bool(deleted),
            ctime_ns=ctime_ns,
        )


def _path(element: bytes, value: bytes) -> bytes:
    """Return the path of a row: the key's element, or what stands behind the checksum when that holds only a hash."""
    return element if keys.is_whole_path(element) else value[_CHECKSUM_AT + value[_STAMP_END] :]
