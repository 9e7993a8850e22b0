"""A file as last seen on disk, and its short form that the index of a workspace holds."""

import base64
import mimetypes
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import StringConstraints

from sidecar import limits
from sidecar.ids import new_id
from sidecar.models.base import Count, Flag, Id, Number, Path, Record, Time, timestamp

FileKind = Literal["file", "symlink", "unreadable"]
_UNKNOWN_TYPE = "application/octet-stream"


class FileEntry(NamedTuple):
    """What the index of a workspace says of one path: enough to tell whether the disk has moved on.

    Attributes:
        path: Relative to the workspace, ``/`` between names, the exact bytes of the operating system.
        id: The file's id.
        size: Bytes.
        mtime_ns: Nanoseconds since 1970.
        inode: Of the file system; 0 where it has none.
        checksum: The 32 bytes of the SHA-256; empty when there is none (unreadable).
        kind: As in the record.
        is_deleted: The file is gone, the entry keeps its id for a return.
        ctime_ns: When the file's inode changed, which no program can set back; 0 when not known.
    """

    path: bytes
    id: str
    size: int
    mtime_ns: int
    inode: int
    checksum: bytes
    kind: FileKind
    is_deleted: bool
    ctime_ns: int = 0


class File(Record):
    r"""A file of a workspace.

    Attributes:
        workspace_session_id: The session in which this version was recorded.
        workspace_path: Root of the workspace.
        file_path: Relative to it, ``/`` between names; bytes that are not UTF-8 are shown as ``\xNN``.
        path_bytes: The exact name in base64, present only when it is not UTF-8.
        kind: A ``symlink`` is recorded as what it says, never followed; an ``unreadable`` file has no checksum.
        file_size: Bytes.
        mime_type: Guessed by the name.
        checksum: SHA-256 of the content (of the target's text for a symlink), 64 hexadecimal digits, or empty.
        mtime_ns: Time of the last change on disk, nanoseconds since 1970.
        inode: The file system's number of the file.
        ctime_ns: Time of the inode's last change, nanoseconds since 1970: unlike mtime it can not be set back.
        last_accessed_at: When the daemon last read it.
        is_deleted: It is gone from the disk, or from what is watched.
        deleted_at: Since when.
    """

    workspace_session_id: Id | None = None
    workspace_path: Path
    file_path: Path
    path_bytes: Annotated[str, StringConstraints(max_length=limits.path_base64_chars_max)] | None = None
    kind: FileKind = "file"
    file_size: Count
    mime_type: Annotated[str, StringConstraints(max_length=limits.mime_type_chars_max)]
    checksum: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
    mtime_ns: Number
    inode: Count
    ctime_ns: Number = 0
    last_accessed_at: Time
    is_deleted: Flag = False
    deleted_at: Time | None = None

    @classmethod
    def new(cls, *, tenant_id: str, workspace_path: str, entry: FileEntry, mime_type: str, now_ms: int) -> Self:
        """Build the record of a file that was just seen for the first time; ``entry.id`` may be empty."""
        now = timestamp(now_ms)
        file_path, path_bytes = shown_path(entry.path)
        return cls(
            id=entry.id or new_id(now_ms),
            tenant_id=tenant_id,
            created_at=now,
            updated_at=now,
            workspace_path=workspace_path,
            file_path=file_path,
            path_bytes=path_bytes,
            kind=entry.kind,
            file_size=entry.size,
            mime_type=mime_type,
            checksum=entry.checksum.hex(),
            mtime_ns=entry.mtime_ns,
            inode=entry.inode,
            ctime_ns=entry.ctime_ns,
            last_accessed_at=now,
        )

    @property
    def raw_path(self) -> bytes:
        """The exact bytes of the relative path."""
        return self.file_path.encode() if self.path_bytes is None else base64.b64decode(self.path_bytes)

    def entry(self) -> FileEntry:
        """Return what the workspace's index holds of this file."""
        return FileEntry(
            path=self.raw_path,
            id=self.id,
            size=self.file_size,
            mtime_ns=self.mtime_ns,
            inode=self.inode,
            checksum=bytes.fromhex(self.checksum),
            kind=self.kind,
            is_deleted=self.is_deleted,
            ctime_ns=self.ctime_ns,
        )


def shown_path(path: bytes) -> tuple[str, str | None]:
    """Return a path as text, and its base64 when the text alone does not tell the bytes (not UTF-8)."""
    try:
        return path.decode(), None
    except UnicodeDecodeError:
        return path.decode("utf-8", "backslashreplace"), base64.b64encode(path).decode()


def guessed_mime_type(entry: FileEntry) -> str:
    """Return the MIME type that a file's name suggests."""
    if entry.kind == "symlink":
        return "inode/symlink"
    # What is guessed hangs on the last two extensions ("a.tar.gz"); a name that is all dots in front has none.
    extensions = entry.path[entry.path.rfind(b"/") + 1 :].lstrip(b".").rsplit(b".", 2)[1:]
    return _mime_type_of(b".".join(extensions)) if extensions else _UNKNOWN_TYPE


@lru_cache(limits.mime_types_cached_max)
def _mime_type_of(extensions: bytes) -> str:
    return mimetypes.guess_type("name." + extensions.decode("utf-8", "replace"))[0] or _UNKNOWN_TYPE
