"""Files, and the index of a workspace that a scan compares the disk with."""

import mimetypes
import struct
from collections.abc import Sequence
from typing import Any, Final, get_args

from sidecar import limits
from sidecar.models.base import milliseconds, timestamp
from sidecar.models.changes import ChangeOp
from sidecar.models.files import File, FileEntry, FileKind, shown_path
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.new_files import NewFiles, Spaces
from sidecar.repositories.transactions import Reading, Writing

_KINDS: Final[tuple[FileKind, ...]] = get_args(FileKind)
# size, mtime_ns, ctime_ns, inode, kind, deleted, length of the checksum that follows; then the path when the key holds
# only its hash.
_ENTRY = struct.Struct(">QqqQBBB")
_ID_BYTES = 16


def _covering(record: File) -> bytes:
    return _covering_entry(record.entry())


def _covering_entry(entry: FileEntry) -> bytes:
    head = _ENTRY.pack(
        entry.size,
        entry.mtime_ns,
        entry.ctime_ns,
        entry.inode,
        _KINDS.index(entry.kind),
        entry.is_deleted,
        len(entry.checksum),
    )
    return head + entry.checksum + (b"" if keys.is_whole_path(keys.path_order(entry.path)) else entry.path)


def _path_tail(workspace_path: str, path: bytes) -> tuple[bytes, bytes]:
    return keys.workspace_element(workspace_path), keys.path_order(path)


BY_PATH = Index[File](
    keys.FILES_BY_PATH,
    tails=lambda file: [_path_tail(file.workspace_path, file.raw_path)],
    unique=True,
    covering=_covering,
)
BY_SESSION = Index[File](
    keys.FILES_BY_SESSION,
    tails=lambda file: [(keys.id_element(file.workspace_session_id),)] if file.workspace_session_id else [],
)
BY_DELETION = Index[File](
    keys.FILES_BY_DELETION,
    tails=lambda file: [(milliseconds(file.deleted_at),)] if file.deleted_at else [],
)


class Files(Repository[File]):
    """The files of one tenant."""

    kind = "files"
    primary = keys.FILES
    model = File
    indexes = (BY_PATH, BY_SESSION, BY_DELETION)
    served_as_stored = True

    def find_by_path(self, tr: Reading, workspace_path: str, path: bytes) -> File | None:
        """Return the file at a path relative to its workspace, deleted or not, or None."""
        return self.find_by(tr, BY_PATH, _path_tail(workspace_path, path))

    def list_by_workspace(
        self,
        tr: Reading,
        workspace_path: str,
        *,
        prefix: bytes = b"",
        cursor: str | None = None,
        limit: int = limits.page_items_default,
    ) -> Page[File]:
        """Return a page of a workspace's files whose paths begin with ``prefix``, by path, deleted ones too."""
        space = self.spaces[BY_PATH.name][keys.workspace_element(workspace_path)]
        between = keys.paths_starting_with(space, prefix)
        items, next_cursor = self.list_between(tr, BY_PATH, between, cursor=cursor, limit=limit)
        return Page([file for file in items if file.raw_path.startswith(prefix)], next_cursor)

    def list_by_session(
        self, tr: Reading, session_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[File]:
        """Return a page of the files whose present version was recorded in a session, oldest first."""
        return self.list_by(tr, BY_SESSION, under=(keys.id_element(session_id),), cursor=cursor, limit=limit)

    def list_entries(
        self, tr: Reading, workspace_path: str, *, under: bytes = b"", after: FileEntry | None = None, limit: int
    ) -> list[FileEntry]:
        """Return the index entries of paths that begin with ``under``, deleted ones too, in ``keys.path_order``.

        Args:
            under: Empty, or a directory's path with a slash behind it.
            after: Continue behind this entry of the same listing.
        """
        space = self.spaces[BY_PATH.name][keys.workspace_element(workspace_path)]
        begin, end = keys.paths_starting_with(space, under)
        if after is not None:
            begin = space.pack((keys.path_order(after.path),)) + b"\x00"
        found: list[FileEntry] = []
        while len(found) < limit:
            # Of a very long `under` the keys hold only the head, so rows of its neighbours may have to be passed over.
            rows = tr.kv.get_range(begin, end, limit=limit, snapshot=True)
            entries = (_entry(space.unpack(key)[0], value) for key, value in rows)
            found += [entry for entry in entries if entry.path.startswith(under)]
            if len(rows) < limit:
                break
            begin = rows[-1][0] + b"\x00"
        return found[:limit]

    def put_entries(
        self,
        tr: Writing,
        workspace_path: str,
        seen: Sequence[FileEntry],
        gone: Sequence[FileEntry],
        *,
        session_id: str | None = None,
    ) -> None:
        """Write what a comparison with the disk found, all in this transaction.

        Args:
            seen: What is on disk now. With an empty id it is new; with an id it is that file's next version, at the
                same path, moved to this one, or back from deletion.
            gone: Entries whose files are no longer there; they are soft-deleted and keep their ids.
            session_id: The session in which these versions are recorded.
        """
        for entry in gone:
            old = self.find(tr, entry.id)
            if old is not None and not old.is_deleted and old.raw_path == entry.path:
                self._soft_deleted(tr, old, session_id)
        by_path = self.spaces[BY_PATH.name][keys.workspace_element(workspace_path)]
        spaces = Spaces(self.records, by_path, self.spaces[BY_SESSION.name])
        new = NewFiles(tr, self.tenant, workspace_path, spaces=spaces, session_id=session_id)
        free = _free(tr, [new.key(entry.path) for entry in seen if not entry.id])
        for entry in seen:
            key = new.key(entry.path)
            if not entry.id and (key in free or tr.kv.get(key) is None):
                free.discard(key)
                if new.write(entry, _mime_type(entry), _covering_entry(entry)):
                    continue
                old = None
            else:
                old = self.find(tr, entry.id) if entry.id else self.find_by_path(tr, workspace_path, entry.path)
            if old is None:
                self.create(tr, self._new(tr, workspace_path, entry, session_id))
            elif old.entry() != entry:
                self.replace(tr, old, old.model_copy(update=_fields(tr, entry, session_id)))

    def soft_delete(self, tr: Writing, identifier: str, *, if_version: int | None = None) -> File:
        """Let a file be gone, and return what is kept of it; one that is gone already stays as it is."""
        old = self.get(tr, identifier)
        self.check_version(old, if_version)
        return old if old.is_deleted else self._soft_deleted(tr, old, old.workspace_session_id)

    def cleanup_deleted(self, tr: Writing, days: int, *, limit: int = limits.job_batch_rows_max) -> int:
        """Remove at most ``limit`` files that have been gone for so many days, and return how many."""
        space = self.spaces[BY_DELETION.name]
        between = space.range()[0], space.pack((tr.now_ms - days * 86_400_000,))
        return self.delete_between(tr, BY_DELETION, between, limit=limit)

    def hint(self, record: File) -> dict[str, Any]:
        """Return where it lies and what it holds: enough to keep a copy of the index."""
        hint: dict[str, Any] = {
            "workspace_path": record.workspace_path,
            "file_path": record.file_path,
            "file_size": record.file_size,
            "checksum": record.checksum,
        }
        if record.path_bytes is not None:
            hint["path_bytes"] = record.path_bytes
        return hint

    def op(self, old: File, new: File) -> ChangeOp:
        """Tell a soft delete as deleted, and a return as created."""
        if old.is_deleted == new.is_deleted:
            return "updated"
        return "deleted" if new.is_deleted else "created"

    def _soft_deleted(self, tr: Writing, old: File, session_id: str | None) -> File:
        gone = {"is_deleted": True, "deleted_at": timestamp(tr.now_ms), "workspace_session_id": session_id}
        return self.replace(tr, old, old.model_copy(update=gone))

    def _new(self, tr: Writing, workspace_path: str, entry: FileEntry, session_id: str | None) -> File:
        file = File.new(
            tenant_id=self.tenant.tenant_id,
            workspace_path=workspace_path,
            entry=entry,
            mime_type=_mime_type(entry),
            now_ms=tr.now_ms,
        )
        return file.model_copy(update={"workspace_session_id": session_id})


def _free(tr: Writing, wanted: list[bytes]) -> set[bytes]:
    """Return those of many keys that are known to be absent, by one read of the range that they lie in.

    Nothing is known of them when other keys lie there too, more than fit a read of as many rows.
    """
    if len(wanted) < limits.free_keys_min:
        return set()
    rows = tr.kv.get_range(min(wanted), max(wanted) + b"\x00", limit=len(wanted))
    return set() if len(rows) == len(wanted) else set(wanted) - {key for key, _ in rows}


def _fields(tr: Writing, entry: FileEntry, session_id: str | None) -> dict[str, object]:
    file_path, path_bytes = shown_path(entry.path)
    return {
        "workspace_session_id": session_id,
        "file_path": file_path,
        "path_bytes": path_bytes,
        "kind": entry.kind,
        "file_size": entry.size,
        "mime_type": _mime_type(entry),
        "checksum": entry.checksum.hex(),
        "mtime_ns": entry.mtime_ns,
        "inode": entry.inode,
        "ctime_ns": entry.ctime_ns,
        "last_accessed_at": timestamp(tr.now_ms),
        "is_deleted": False,
        "deleted_at": None,
    }


def _mime_type(entry: FileEntry) -> str:
    if entry.kind == "symlink":
        return "inode/symlink"
    name = entry.path.rpartition(b"/")[2].decode("utf-8", "replace")
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _entry(element: object, value: bytes) -> FileEntry:
    assert isinstance(element, bytes)  # noqa: S101 - keys.py packs nothing else here
    size, mtime_ns, ctime_ns, inode, kind, deleted, checksum_bytes = _ENTRY.unpack_from(value, _ID_BYTES)
    at = _ID_BYTES + _ENTRY.size
    path = element if keys.is_whole_path(element) else value[at + checksum_bytes :]
    return FileEntry(
        path=path,
        id=_id_text(value[:_ID_BYTES]),
        size=size,
        mtime_ns=mtime_ns,
        inode=inode,
        checksum=value[at : at + checksum_bytes],
        kind=_KINDS[kind],
        is_deleted=bool(deleted),
        ctime_ns=ctime_ns,
    )


def _id_text(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
