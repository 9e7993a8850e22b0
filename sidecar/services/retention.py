"""Retention: what is too old, too much, or named by nothing goes, in bounded transactions.

Each job removes a batch in each transaction until it finds nothing more; one that is stopped half-way has only done
less, and the next run goes on. The daemon runs all of them now and then, at times with jitter.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from sidecar import limits
from sidecar.errors import SidecarError, UnavailableError
from sidecar.repositories import tenants
from sidecar.repositories.audit import Audits
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.blobs import Blobs
from sidecar.repositories.changes import Changes
from sidecar.repositories.files import Files
from sidecar.repositories.idempotency import Idempotency
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.snapshots import Snapshots, to_thin
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.cascades import Cascades

log = logging.getLogger(__name__)
_DAY_MS = 86_400_000


class Retention:
    """The jobs.

    Args:
        database: What they keep in bounds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cascades = Cascades(database)

    async def run_forever(self) -> None:
        """Finish deletions that a crash has left, then run all jobs now and then, until cancelled.

        A run that fails is logged, and the next one tries again: a damaged record must not end the daemon.
        """
        await self._attempt(self._cascades.finish_all)
        await asyncio.sleep(limits.retention_first_seconds)
        while True:
            await self._attempt(self.run_all)
            jitter = random.uniform(0, limits.retention_jitter_seconds)  # noqa: S311 - no secret
            await asyncio.sleep(limits.retention_interval_seconds + jitter)

    async def _attempt(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            log.info("Retention removed %s.", await work() or "nothing")
        except SidecarError as error:
            log.warning("Retention stopped early: %s", error.message)

    async def run_all(self) -> Counter[str]:
        """Run every job for every tenant; return how much each has removed."""
        removed: Counter[str] = Counter(deletions=await self._cascades.finish_all())
        cursor: str | None = None
        while True:
            ids, cursor = await self._database.read(
                partial(tenants.list_ids, keyspace=self._database.keyspace, cursor=cursor)
            )
            for tenant_id in ids:
                removed.update(await self._run_for(self._database.keyspace.tenant(tenant_id)))
            if cursor is None:
                return +removed

    async def _run_for(self, tenant: TenantKeys) -> Counter[str]:
        """Run every job; one that meets what is damaged is told to the log, and keeps no other from its work."""
        jobs: dict[str, Callable[[], Awaitable[int]]] = {
            "auth_sessions": lambda: self.cleanup_expired(tenant),
            "audit": lambda: self.cleanup_old_events(tenant, limits.audit_age_days_max),
            "files": lambda: self.cleanup_deleted(tenant, limits.files_deleted_days_max),
            "snapshots": lambda: self.thin_snapshots(tenant),
            "changes": lambda: self.trim_changes(tenant),
            "answers": lambda: self.expire_answers(tenant),
            "blobs": lambda: self.collect_blobs(tenant),
        }
        removed: Counter[str] = Counter()
        for name, job in jobs.items():
            try:
                removed[name] = await job()
            except UnavailableError:
                raise
            except SidecarError as error:
                log.warning("Retention of %s stopped early: %s", name, error.message)
        return removed

    async def cleanup_expired(self, tenant: TenantKeys) -> int:
        """Remove logins whose refresh token has expired; return how many."""
        return await self._in_batches(lambda tr, limit: AuthSessions(tenant).cleanup_expired(tr, limit=limit))

    async def cleanup_old_events(self, tenant: TenantKeys, retention_days: int) -> int:
        """Remove audit entries older than so many days; return how many."""
        return await self._in_batches(
            lambda tr, limit: Audits(tenant).cleanup_old_events(tr, retention_days, limit=limit)
        )

    async def cleanup_deleted(self, tenant: TenantKeys, days: int) -> int:
        """Remove files that have been gone for so many days; return how many."""
        return await self._in_batches(lambda tr, limit: Files(tenant).cleanup_deleted(tr, days, limit=limit))

    async def expire_answers(self, tenant: TenantKeys) -> int:
        """Remove answers that were kept for repeated requests and are too old; return how many."""
        return await self._in_batches(lambda tr, limit: Idempotency(tenant).expire(tr, limit=limit))

    async def trim_changes(self, tenant: TenantKeys) -> int:
        """Remove change rows that are too old or too many; return how many."""

        def body(tr: Writing) -> int:
            before_ms = tr.now_ms - limits.changes_age_days_max * _DAY_MS
            return Changes(tenant).trim(tr, before_ms=before_ms, changes_max=limits.changes_kept_max)

        removed = 0
        while batch := await self._database.transact(body, background=True):
            removed += batch
        return removed

    async def thin_snapshots(self, tenant: TenantKeys) -> int:
        """Remove the snapshots that history lets go of; return how many."""
        removed, cursor = 0, None
        while True:
            page = await self._database.read(
                partial(WorkspaceSessions(tenant).list_all, cursor=cursor), background=True
            )
            for session in page.items:
                removed += await self._thin(tenant, session.id)
            cursor = page.next_cursor
            if cursor is None:
                return removed

    async def collect_blobs(self, tenant: TenantKeys) -> int:
        """Remove blobs that nothing names; return how many."""
        removed, place = 0, b""
        while True:
            batch = await self._database.transact(
                partial(Blobs(tenant).collect, place=place, limit=limits.job_batch_rows_max),
                background=True,
            )
            removed += batch.removed
            if batch.next_place is None:
                return removed
            place = batch.next_place

    async def _thin(self, tenant: TenantKeys, session_id: str) -> int:
        def body(tr: Writing) -> int:
            snapshots = Snapshots(tenant)
            rows = batch = 0
            for snapshot_id in to_thin(snapshots.moments(tr, session_id), tr.now_ms):
                rows += snapshots.weight(snapshots.delete(tr, snapshot_id))
                batch += 1
                if rows >= limits.job_batch_rows_max:
                    break
            return batch

        removed = 0
        while batch := await self._database.transact(body, background=True):
            removed += batch
        return removed

    async def _in_batches(self, job: Callable[[Writing, int], int]) -> int:
        removed = 0
        while batch := await self._database.transact(lambda tr: job(tr, limits.job_batch_rows_max), background=True):
            removed += batch
        return removed
