"""Workspace sessions: their state, its history, forks, and how one is gone back to.

A session that is changed keeps a snapshot of what it was, at most one every ``limits.snapshot_interval_seconds``: its
present state is the session itself, so the history and the session together lose no more than that interval.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from sidecar import limits
from sidecar.errors import InvalidError
from sidecar.models.base import milliseconds
from sidecar.models.snapshots import SNAPSHOT_PARTS, Reason, Snapshot
from sidecar.models.workspace_sessions import PartName, Parts, StoredSession, WorkspaceSession
from sidecar.repositories.blobs import Blobs
from sidecar.repositories.codec import Served, served
from sidecar.repositories.keys import TenantKeys, id_element
from sidecar.repositories.paging import Page
from sidecar.repositories.parts import Split, split, with_splits
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.workspace_sessions import RECENT, WorkspaceSessions, split_fields, state_of
from sidecar.services import plans
from sidecar.services.cascades import Cascades
from sidecar.services.remembered import Remembered

T = TypeVar("T")


class SessionService:
    """Changes workspace sessions.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cascades = Cascades(database)
        self._served: Remembered[tuple[str, str], Served] = Remembered(
            database, size_max=limits.sessions_served_bytes_max
        )
        self._recent: Remembered[tuple[str, str, str | None, int], Page[bytes]] = Remembered(
            database, size_max=limits.sessions_served_bytes_max
        )

    async def list_recent(self, tenant: TenantKeys, user_id: str, *, cursor: str | None, limit: int) -> Page[bytes]:
        """Return a page of a user's sessions as lists show them, newest activity first.

        It is not read again while nothing is committed.
        """
        kept_as = (tenant.tenant_id, user_id, cursor, limit)
        known = self._recent.recall(kept_as)
        if known is not None:
            return known
        version, under = self._database.engine.newest_version(), (id_element(user_id),)
        page = await self._database.read(
            lambda tr: WorkspaceSessions(tenant).page_served(
                tr, RECENT, under=under, cursor=cursor, limit=limit, reverse=True
            )
        )
        size = sum(map(len, page.items))
        if size <= limits.session_served_bytes_max:
            self._recent.keep(kept_as, page, (), version=version, size=size)
        return page

    def recall_served(self, tenant: TenantKeys, session_id: str) -> Served | None:
        """Return what ``find_served`` would, if nothing was committed since it did; else None."""
        return self._served.recall((tenant.tenant_id, session_id))

    async def find_served(self, tenant: TenantKeys, session_id: str) -> Served | None:
        """Return a session with its state as the API serves it, or None when there is none of that id.

        Its row names contents by hash, so as long as the row is the same, so is the whole.
        """
        sessions, kept_as = WorkspaceSessions(tenant), (tenant.tenant_id, session_id)
        version = self._database.engine.newest_version()

        def body(tr: Reading) -> Served | None:
            known = self._served.confirm(tr, kept_as, version)
            if known is not None:
                return known
            key = sessions.key(session_id)
            row = tr.kv.get(key)
            if row is None:
                return None
            found = served(sessions.rendered(tr, row))
            if len(found.text) <= limits.session_served_bytes_max:
                self._served.keep(kept_as, found, [(key, row)], version=version, size=len(found.text))
            return found

        return await self._database.read(body)

    async def create(
        self, tenant: TenantKeys, session: WorkspaceSession, *, size_bytes: int | None = None
    ) -> StoredSession:
        """Store a new session.

        Args:
            size_bytes: Of its JSON, where it is known: a small one is split at once, not in a thread.

        Raises:
            ConflictError: The id is taken.
            LimitExceededError: The state is too large.
        """
        splits = await _computed(partial(split, state_of(session)), size_bytes)
        await self._upload(tenant, splits, lambda tr: _check_fits(tr, tenant, {}, splits))
        return await self._database.transact(lambda tr: WorkspaceSessions(tenant).create_split(tr, session, splits))

    async def update(
        self,
        tenant: TenantKeys,
        session_id: str,
        fields: Mapping[str, object],
        *,
        if_version: int | None = None,
        size_bytes: int | None = None,
    ) -> StoredSession:
        """Change some fields of a session; state fields are replaced whole.

        The state is let go as soon as it is split: its many small objects would otherwise live until the commit, and
        be gone through by each search for garbage meanwhile (measured with 64 writers: a seventh of all time).

        Args:
            size_bytes: As in ``create``.

        Raises:
            NotFoundError: There is none of that id.
            VersionConflictError: ``if_version`` is not the version that is stored.
            InvalidError: A field is not what the model allows.
            LimitExceededError: The state would be too large.
        """
        own, splits = await _computed(partial(split_fields, fields), size_bytes)
        del fields
        sessions = WorkspaceSessions(tenant)

        def current(tr: Reading) -> StoredSession:
            old = sessions.get(tr, session_id)
            sessions.check_version(old, if_version)
            return old

        await self._upload(tenant, splits, lambda tr: _check_fits(tr, tenant, current(tr).parts, splits))

        def body(tr: Writing) -> StoredSession:
            old = current(tr)
            new = sessions.replace_split(tr, old, own, splits)
            if _view(new) != _view(old):
                self._keep(tr, tenant, old)
            return new

        return await self._database.transact(body)

    async def fork(
        self, tenant: TenantKeys, session_id: str, *, user_id: str, name: str | None = None
    ) -> StoredSession:
        """Store a user's new session with the same state, by reference, and this one for its parent."""
        return await self._database.transact(
            lambda tr: WorkspaceSessions(tenant).fork(tr, session_id, user_id=user_id, name=name)
        )

    async def delete(self, tenant: TenantKeys, session_id: str, *, if_version: int | None = None) -> None:
        """Delete a session and its snapshots; its children stay."""
        await self._cascades.delete_session(tenant, session_id, if_version=if_version)

    async def resume(self, tenant: TenantKeys, fresh: WorkspaceSession) -> tuple[StoredSession, bool]:
        """Return the user's latest session of a workspace and branch, or store ``fresh``; and whether it is new.

        All in one transaction: of two windows that open at once, one goes on with what the other has begun.

        Args:
            fresh: Names the user, the workspace and the branch, and has no state yet.
        """

        def body(tr: Writing) -> StoredSession:
            sessions = WorkspaceSessions(tenant)
            latest = sessions.find_latest(tr, fresh.user_id, fresh.workspace_path, fresh.git_branch)
            return sessions.create(tr, fresh) if latest is None else sessions.update(tr, latest.id, {})

        session = await self._database.transact(body)
        return session, session.id == fresh.id

    async def take_snapshot(self, tenant: TenantKeys, session_id: str, *, label: str | None = None) -> Snapshot:
        """Keep a session's state as it is, because somebody asks; with a label it is kept for good."""
        return await self._database.transact(
            lambda tr: _snapshot(
                tr, tenant, WorkspaceSessions(tenant).get(tr, session_id), reason="manual", label=label
            )
        )

    async def restore(
        self, tenant: TenantKeys, session_id: str, snapshot_id: str, *, if_version: int | None = None
    ) -> StoredSession:
        """Give a session the state of one of its snapshots, after a snapshot of what that replaces.

        Raises:
            NotFoundError: There is no such session, or no such snapshot of it.
        """

        def body(tr: Writing) -> StoredSession:
            sessions = WorkspaceSessions(tenant)
            old = sessions.get(tr, session_id)
            sessions.check_version(old, if_version)
            chosen = Snapshots(tenant).get(tr, snapshot_id)
            if chosen.workspace_session_id != session_id:
                raise Snapshots.missing(snapshot_id)
            _snapshot(tr, tenant, old, reason="restore")
            kept = {name: part for name, part in old.parts.items() if name not in SNAPSHOT_PARTS}
            return sessions.put_parts(tr, old, {**kept, **chosen.parts})

        return await self._database.transact(body)

    def _keep(self, tr: Writing, tenant: TenantKeys, old: StoredSession) -> None:
        """Snapshot what a session was, unless that is empty, or the newest snapshot is young or the same."""
        newest = Snapshots(tenant).newest(tr, old.id)
        if not _view(old) or (newest is not None and newest.parts == _view(old)):
            return
        age_ms = tr.now_ms - milliseconds(newest.created_at if newest else old.created_at)
        if not 0 <= age_ms < limits.snapshot_interval_seconds * 1_000:  # a session may be of a clock that was put back
            _snapshot(tr, tenant, old, reason="auto")

    async def _upload(
        self, tenant: TenantKeys, splits: Mapping[PartName, Split], check: Callable[[Reading], None]
    ) -> None:
        """Store large contents ahead of the transaction that names them, in transactions of their own.

        Args:
            check: Raises what that transaction would raise, as far as it is known before: what is refused would leave
                its contents for ``limits.blob_grace_seconds``.
        """
        contents = [each for split in splits.values() for each in split.contents.items()]
        large = [(digest, content) for digest, content in contents if len(content) > limits.blob_upload_bytes]
        if large:
            await self._database.read(check)
        for digest, content in large:
            await self._upload_one(Blobs(tenant), digest, content)

    async def _upload_one(self, blobs: Blobs, digest: bytes, content: bytes) -> None:
        if len(content) > limits.blob_bytes_max:
            raise InvalidError(f"A value has {len(content)} bytes; at most {limits.blob_bytes_max} are kept.")

        def body(tr: Writing) -> bool:
            return blobs.write_slices(tr, digest, content, bytes_max=limits.blob_upload_bytes)

        while not await self._database.transact(body):
            pass


def _check_fits(tr: Reading, tenant: TenantKeys, parts: Parts, splits: Mapping[PartName, Split]) -> None:
    """Raise LimitExceededError when a state would be too large with what is split, or its tenant has too much."""
    with_splits(parts, splits)
    plans.check(tr, tenant, {})


async def _computed(call: Callable[[], T], size_bytes: int | None) -> T:
    """Return what ``call`` gives; of what is large, or of unknown size, in a thread.

    A hand-over costs more than a small one takes: under load the thread waits for its turn of the interpreter.
    """
    if size_bytes is not None and size_bytes <= limits.split_at_once_bytes_max:
        return call()
    return await asyncio.to_thread(call)


def _view(session: StoredSession) -> dict[PartName, object]:
    return {name: part for name, part in session.parts.items() if name in SNAPSHOT_PARTS}


def _snapshot(
    tr: Writing, tenant: TenantKeys, session: StoredSession, *, reason: Reason, label: str | None = None
) -> Snapshot:
    return Snapshots(tenant).create(tr, Snapshot.new(session, reason=reason, now_ms=tr.now_ms, label=label))
