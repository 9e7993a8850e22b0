"""Files, and the index of a workspace that a scan compares the disk with."""

from collections.abc import Sequence
from typing import Any

from sidecar import limits
from sidecar.models.base import milliseconds, timestamp
from sidecar.models.changes import ChangeOp
from sidecar.models.files import File, FileEntry, guessed_mime_type, shown_path
from sidecar.repositories import file_entries, keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.file_entries import Entries
from sidecar.repositories.new_files import NewFiles, Spaces
from sidecar.repositories.paging import Rows, page
from sidecar.repositories.transactions import Reading, Writing


def _covering(record: File) -> bytes:
    return file_entries.covering(record.entry())


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

    def page_of_workspace(
        self,
        tr: Reading,
        workspace_path: str,
        *,
        prefix: bytes = b"",
        cursor: str | None = None,
        limit: int = limits.page_items_default,
    ) -> Page[bytes]:
        """Return a page of a workspace's files whose paths begin with ``prefix``, by path, deleted ones too."""
        space = self.spaces[BY_PATH.name]
        own = space[keys.workspace_element(workspace_path)]
        between = keys.paths_starting_with(own, prefix)
        rows, next_cursor = page(tr, space.raw, between, cursor=cursor, limit=limit)
        named = self._values(tr, BY_PATH, _starting_with(prefix, own.raw, rows))
        return Page(self.served_all(tr, named), next_cursor)

    def list_by_session(
        self, tr: Reading, session_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[File]:
        """Return a page of the files whose present version was recorded in a session, oldest first."""
        return self.list_by(tr, BY_SESSION, under=(keys.id_element(session_id),), cursor=cursor, limit=limit)

    def read_index(
        self, tr: Reading, workspace_path: str, *, under: bytes = b"", after: bytes | None = None, limit: int
    ) -> Entries:
        """Return the index entries of paths that begin with ``under``, deleted ones too, in ``keys.path_order``.

        Args:
            under: Empty, or a directory's path with a slash behind it.
            after: Only those behind this path.
        """
        space = self.spaces[BY_PATH.name][keys.workspace_element(workspace_path)]
        begin, end = keys.paths_starting_with(space, under)
        if after is not None:
            begin = max(begin, space.pack((keys.path_order(after),)) + b"\x00")
        found: Rows = []
        while len(found) < limit:
            rows = tr.kv.get_range(begin, end, limit=limit, snapshot=True)
            found += _starting_with(under, space.raw, rows)
            if len(rows) < limit:
                break
            begin = rows[-1][0] + b"\x00"
        return Entries.of_rows(space.raw, found[:limit])

    def list_entries(self, tr: Reading, workspace_path: str, *, under: bytes = b"", limit: int) -> list[FileEntry]:
        """Return what ``read_index`` does, unpacked."""
        found = self.read_index(tr, workspace_path, under=under, limit=limit)
        return [found.entry(at) for at in range(len(found))]

    def put_entries(
        self,
        tr: Writing,
        workspace_path: str,
        seen: Sequence[FileEntry],
        gone: Sequence[FileEntry],
        *,
        moved: Sequence[tuple[FileEntry, FileEntry]] = (),
        session_id: str | None = None,
    ) -> None:
        """Write what a comparison with the disk found, all in this transaction.

        Args:
            seen: What is on disk now. With an empty id it is new; with an id it is the next version of the file at this
                path, or that file back from deletion.
            gone: Entries whose files are no longer there; they are soft-deleted and keep their ids.
            moved: What is on disk now, with the id of a file that was at another path, and that file's entry: it keeps
                the id while it is as this entry says, there or deleted. Otherwise the file at the new path is another.
            session_id: The session in which these versions are recorded.
        """
        known = self._known(tr, gone)
        for entry in gone:
            old = known.pop(entry.id, None)
            if old is not None and not old.is_deleted and old.raw_path == entry.path:
                self._soft_deleted(tr, old, session_id)
        by_path = self.spaces[BY_PATH.name][keys.workspace_element(workspace_path)]
        spaces = Spaces(self.records, by_path, self.spaces[BY_SESSION.name])
        new = NewFiles(tr, self.tenant, workspace_path, spaces=spaces, session_id=session_id, hint=self.hint)
        for entry in new.write([entry for entry in seen if not entry.id]):
            old = self.find_by_path(tr, workspace_path, entry.path)
            self._put(tr, workspace_path, entry, old=old, session_id=session_id)
        changed = [entry for entry in seen if entry.id]
        known = self._known(tr, changed)
        for entry in changed:
            old = known.pop(entry.id, None)
            if old is None or old.raw_path != entry.path:
                old = self._other_at(tr, workspace_path, entry.path, known)
            self._put(tr, workspace_path, entry, old=old, session_id=session_id)
        known = self._known(tr, [entry for entry, _ in moved])
        for entry, origin in moved:
            old = known.pop(entry.id, None)
            if old is None or (old.raw_path, old.is_deleted) != (origin.path, origin.is_deleted):
                old = self._other_at(tr, workspace_path, entry.path, known)
            self._put(tr, workspace_path, entry, old=old, session_id=session_id)

    def _known(self, tr: Reading, entries: Sequence[FileEntry]) -> dict[str, File]:
        """Return the files that entries name, by id; who writes one takes it out."""
        found = self.find_many(tr, list(dict.fromkeys(entry.id for entry in entries)))
        return {file.id: file for file in found if file is not None}

    def _other_at(self, tr: Reading, workspace_path: str, path: bytes, known: dict[str, File]) -> File | None:
        """Return the file at a path, and take it out of what is known: it is written next."""
        found = self.find_by_path(tr, workspace_path, path)
        if found is not None:
            known.pop(found.id, None)
        return found

    def _put(
        self, tr: Writing, workspace_path: str, entry: FileEntry, *, old: File | None, session_id: str | None
    ) -> None:
        if old is None:
            self.create(tr, self._new(tr, workspace_path, entry._replace(id=""), session_id))
        elif old.entry() != entry:
            self.replace(tr, old, old, **_fields(tr, entry, session_id))

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
        return self.replace(
            tr, old, old, is_deleted=True, deleted_at=timestamp(tr.now_ms), workspace_session_id=session_id
        )

    def _new(self, tr: Writing, workspace_path: str, entry: FileEntry, session_id: str | None) -> File:
        file = File.new(
            tenant_id=self.tenant.tenant_id,
            workspace_path=workspace_path,
            entry=entry,
            mime_type=guessed_mime_type(entry),
            now_ms=tr.now_ms,
        )
        return file.model_copy(update={"workspace_session_id": session_id})


def _starting_with(under: bytes, prefix: bytes, rows: Rows) -> Rows:
    """Return the index's rows whose paths begin with ``under``: of a very long one the keys hold only the head.

    Args:
        prefix: What the rows' keys begin with.
    """
    if keys.path_head(under) == under:
        return rows
    paths = Entries.of_rows(prefix, rows).paths
    return [row for row, path in zip(rows, paths, strict=True) if path.startswith(under)]


def is_deleted(text: bytes) -> bool:
    """Tell whether a file, as it is served, is gone; inside of a text a quotation mark has a backslash before it."""
    return b'"is_deleted":true' in text


def _fields(tr: Writing, entry: FileEntry, session_id: str | None) -> dict[str, object]:
    file_path, path_bytes = shown_path(entry.path)
    return {
        "workspace_session_id": session_id,
        "file_path": file_path,
        "path_bytes": path_bytes,
        "kind": entry.kind,
        "file_size": entry.size,
        "mime_type": guessed_mime_type(entry),
        "checksum": entry.checksum.hex(),
        "mtime_ns": entry.mtime_ns,
        "inode": entry.inode,
        "ctime_ns": entry.ctime_ns,
        "last_accessed_at": timestamp(tr.now_ms),
        "is_deleted": False,
        "deleted_at": None,
    }
