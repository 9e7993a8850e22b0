"""What goes when something is deleted. All of it in bounded transactions, finished after a crash.

The first transaction removes the record itself, so that it is gone for everyone at once, and writes down that the
deletion is under way. What depends on it is found by its indexes and removed in batches; the last transaction, which
finds nothing more, ends the deletion; small ones are ended several at a time. Two may work on one deletion at a time.

- A conversation takes its messages along; sessions that had it for theirs have none then.
- A session takes its snapshots along. Its children stay and have no parent then; conversations begun in it stay. Files,
  logins and the audit trail keep its id: that it was there is part of what they tell.
- A user takes logins, sessions, conversations and settings along. The audit trail stays until it is too old.
- A tenant takes everything along.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from sidecar import limits
from sidecar.errors import CorruptStoreError, ForbiddenError, SidecarError, UnavailableError
from sidecar.models.base import Record
from sidecar.models.conversations import Conversation
from sidecar.models.workspace_sessions import StoredSession
from sidecar.repositories import auth_sessions, conversations, machine, messages, settings, snapshots, users
from sidecar.repositories import deletions as under_way
from sidecar.repositories import workspace_sessions as sessions
from sidecar.repositories.base import Index, Repository
from sidecar.repositories.deletions import Deletion
from sidecar.repositories.keys import TenantKeys, id_element
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Writing, finishing
from sidecar.store.engine import KeySelector

R = TypeVar("R", bound=Record)
log = logging.getLogger(__name__)
# Removes a batch and tells how many at most, 0 when nothing is left; notes the deletions that it has begun.
Step = Callable[[Writing, list[Deletion]], int]


class Cascades:
    """Deletes what others depend on.

    Args:
        database: Where it lies.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keyspace = database.keyspace

    async def delete_conversation(
        self, tenant: TenantKeys, conversation_id: str, *, if_version: int | None = None
    ) -> None:
        """Delete a conversation and its messages.

        Raises:
            NotFoundError: There is none of that id.
            VersionConflictError: ``if_version`` is not the version that is stored.
        """
        await self._delete(conversations.Conversations(tenant), conversation_id, if_version)

    async def delete_session(self, tenant: TenantKeys, session_id: str, *, if_version: int | None = None) -> None:
        """Delete a workspace session and its snapshots; raises as ``delete_conversation``."""
        await self._delete(sessions.WorkspaceSessions(tenant), session_id, if_version)

    async def delete_user(self, tenant: TenantKeys, user_id: str, *, if_version: int | None = None) -> None:
        """Delete a user and what is theirs; raises as ``delete_conversation``.

        Raises:
            ForbiddenError: The user owns the tenant.
        """

        def check(tr: Writing) -> None:
            owned = Tenants(tenant).find(tr, tenant.tenant_id)
            if owned is not None and owned.owner_user_id == user_id:
                raise ForbiddenError("The tenant's owner can't be removed.", code="owner")

        await self._delete(users.Users(tenant), user_id, if_version, check)

    async def delete_tenant(self, tenant: TenantKeys, *, if_version: int | None = None) -> None:
        """Delete a tenant and everything in it; raises as ``delete_conversation``.

        Raises:
            ForbiddenError: It is the machine's own.
        """

        def check(tr: Writing) -> None:
            own = machine.find(tr, self._keyspace)
            if own is not None and own.tenant_id == tenant.tenant_id:
                raise ForbiddenError("The machine's own tenant can't be removed.", code="own_tenant")

        await self._delete(Tenants(tenant), tenant.tenant_id, if_version, check)

    async def finish_all(self) -> int:
        """Finish every deletion that is under way, also those that a crash left; return how many.

        One that can't be finished is told to the log, and stays under way.
        """
        finished, last = 0, None
        while found := await self._database.read(partial(under_way.under_way, keyspace=self._keyspace, after=last)):
            for deletion in found:
                try:
                    await self._finish(deletion)
                    finished += 1
                except UnavailableError:
                    raise
                except SidecarError as error:
                    log.warning("The deletion of %s in %s is not finished: %s", deletion.id, deletion.kind, error)
            last = found[-1]
        return finished

    async def _delete(
        self,
        repository: Repository[Any],
        identifier: str,
        if_version: int | None,
        check: Callable[[Writing], None] = lambda _: None,
    ) -> None:
        deletion = Deletion(repository.tenant.tenant_id, repository.kind, identifier)

        def body(tr: Writing) -> Record:
            check(tr)
            gone: Record = repository.delete(tr, identifier, if_version=if_version)
            under_way.begin(tr, self._keyspace, deletion)
            return gone

        await self._database.transact(body)
        with finishing():
            await self._finish(deletion)

    async def _finish(self, deletion: Deletion) -> None:
        """Remove what depends on what is deleted, and what depends on that in turn."""
        left = [deletion]
        while left:
            ended, begun = await self._database.transact(partial(self._go_on, left), background=True)
            left = [*begun, *left[ended:]]

    def _go_on(self, deletions: Sequence[Deletion], tr: Writing) -> tuple[int, list[Deletion]]:
        """Do as much of some deletions, one behind the other, as one transaction takes: a user's sessions are many.

        Returns:
            How many are ended, and those that the next one has begun.
        """
        for ended, deletion in enumerate(deletions):
            steps, begun = self._steps(deletion), list[Deletion]()
            is_tenant = deletion.kind == under_way.TENANTS  # whose rows of changes go too: one is written at our end
            while any(step(tr, begun) for step in steps):
                if begun or is_tenant or tr.kv.size_bytes() >= limits.deletion_bytes_enough:
                    return ended, begun
            under_way.end(tr, self._keyspace, deletion)
            if tr.kv.size_bytes() >= limits.deletion_bytes_enough:
                return ended + 1, []
        return len(deletions), []

    def _steps(self, deletion: Deletion) -> list[Step]:
        tenant = self._keyspace.tenant(deletion.tenant_id)
        by_kind: dict[str, Callable[[TenantKeys, str], list[Step]]] = {
            "conversations": _of_conversation,
            "sessions": _of_session,
            "users": self._of_user,
            under_way.TENANTS: _of_tenant,
        }
        if deletion.kind not in by_kind:
            raise CorruptStoreError(f"The deletion of {deletion.id} is of {deletion.kind!r}, which are not known.")
        return by_kind[deletion.kind](tenant, deletion.id)

    def _of_user(self, tenant: TenantKeys, user_id: str) -> list[Step]:
        owned = sessions.WorkspaceSessions(tenant)
        begun = conversations.Conversations(tenant)
        return [
            _removal(auth_sessions.AuthSessions(tenant), auth_sessions.BY_USER, user_id),
            _removal(settings.Settings(tenant), settings.BY_USER, user_id),
            self._nested(owned, sessions.BY_USER, user_id),
            self._nested(begun, conversations.BY_USER, user_id),
        ]

    def _nested(self, repository: Repository[R], index: Index[R], owner: str) -> Step:
        """Begin to delete, each with its own dependants, what an index names."""

        def delete(tr: Writing, record: R, begun: list[Deletion]) -> None:
            repository.delete(tr, record.id)
            begun.append(Deletion(repository.tenant.tenant_id, repository.kind, record.id))
            under_way.begin(tr, self._keyspace, begun[-1])

        return _each(repository, index, owner, delete)


def _of_conversation(tenant: TenantKeys, conversation_id: str) -> list[Step]:
    holders = sessions.WorkspaceSessions(tenant)

    def unlink(tr: Writing, session: StoredSession, _begun: list[Deletion]) -> None:
        holders.unlink(tr, session, "conversation_id")

    def forget(tr: Writing, _begun: list[Deletion]) -> int:
        conversations.Conversations(tenant).clear_counts(tr, conversation_id)
        return 0

    return [
        _removal(messages.Messages(tenant), messages.BY_CONVERSATION, conversation_id),
        _each(holders, sessions.BY_CONVERSATION, conversation_id, unlink),
        forget,
    ]


def _of_session(tenant: TenantKeys, session_id: str) -> list[Step]:
    children = sessions.WorkspaceSessions(tenant)
    begun = conversations.Conversations(tenant)

    def orphan(tr: Writing, child: StoredSession, _begun: list[Deletion]) -> None:
        children.unlink(tr, child, "parent_session_id")

    def release(tr: Writing, conversation: Conversation, _begun: list[Deletion]) -> None:
        begun.replace(tr, conversation, conversation, workspace_session_id=None)

    return [
        _removal(snapshots.Snapshots(tenant), snapshots.BY_SESSION, session_id),
        _each(children, sessions.CHILDREN, session_id, orphan),
        _each(begun, conversations.BY_SESSION, session_id, release),
    ]


def _of_tenant(tenant: TenantKeys, _tenant_id: str) -> list[Step]:
    people = users.Users(tenant)

    def leave(tr: Writing, _begun: list[Deletion]) -> int:  # what users have outside the tenant's own rows
        between = people.spaces[users.BY_EMAIL.name].range()
        return people.delete_between(tr, users.BY_EMAIL, between, limit=limits.job_batch_rows_max)

    def clear(tr: Writing, _begun: list[Deletion]) -> int:
        begin, end = tenant.tenant.range()
        if not tr.kv.get_range(begin, end, limit=1):
            return 0
        behind = tr.kv.get_key(KeySelector(begin, or_equal=False, offset=1 + limits.clear_batch_rows_max))
        tr.kv.clear_range(begin, min(behind, end))  # whose values, some 80 kB of a blob each, are not read
        return limits.clear_batch_rows_max

    return [leave, clear]


def _removal(repository: Repository[Any], index: Index[Any], owner: str) -> Step:
    """Remove what an index names below an owner's id."""

    def step(tr: Writing, _begun: list[Deletion]) -> int:
        between = repository.spaces[index.name].range((id_element(owner),))
        return repository.delete_between(tr, index, between, limit=limits.job_batch_rows_max)

    return step


def _each(
    repository: Repository[R], index: Index[R], owner: str, change: Callable[[Writing, R, list[Deletion]], None]
) -> Step:
    """Change what an index names below an owner's id, so that it names it no more."""

    def step(tr: Writing, begun: list[Deletion]) -> int:
        between = repository.spaces[index.name].range((id_element(owner),))
        changed = 0
        for record in repository.taken_between(tr, index, between, limit=limits.job_batch_rows_max):
            if record is not None:
                change(tr, record, begun)
            changed += 1
        return changed

    return step
