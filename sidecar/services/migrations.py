"""Brings a store to the version of this program: checked at the start, the building done in the background."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sidecar import __version__, limits
from sidecar.repositories import migrations, tenants
from sidecar.repositories.base import Repository
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Database, Writing


class Migrations:
    """One store's way to the present version.

    Args:
        database: The store.
        repositories: What it keeps.
        schema: The present version.
    """

    def __init__(
        self,
        database: Database,
        *,
        repositories: Sequence[type[Repository[Any]]] = REPOSITORIES,
        schema: int = migrations.SCHEMA,
    ) -> None:
        self._database = database
        self._keyspace = database.keyspace
        self._repositories = repositories
        self._ours = migrations.Schema(schema, __version__)

    async def check(self) -> None:
        """Refuse a store of a newer version; give a new one ours.

        Raises:
            StoreFormatError: It is newer.
        """

        def body(tr: Writing) -> None:
            found = migrations.stored_schema(tr, self._keyspace)
            if found is None:
                migrations.put_schema(tr, self._keyspace, self._ours)
            else:
                migrations.check_schema(found, self._ours)

        await self._database.transact(body)

    async def finish(self) -> int:
        """Build what the store's version lacks, and write down ours; return how many indexes were built.

        May be stopped at any time, and goes on when it is called again.
        """
        found = await self._database.read(lambda tr: migrations.stored_schema(tr, self._keyspace))
        if found is None or found.version >= self._ours.version:
            return 0
        built = 0
        all_tenants = await self._tenants()
        for tenant in all_tenants:
            for repository in self._repositories:
                for index in repository.indexes:
                    if index.since > found.version:
                        await self._build(partial(migrations.build_step, repository=repository(tenant), index=index))
                        built += 1
        await self._database.transact(lambda tr: migrations.put_schema(tr, self._keyspace, self._ours))
        for tenant in all_tenants:
            await self._database.transact(partial(migrations.forget_build, tenant=tenant))
        return built

    async def _build(self, step: "partial[bool]") -> None:
        while not await self._database.transact(partial(step, limit=limits.job_batch_rows_max), background=True):
            pass

    async def _tenants(self) -> list[TenantKeys]:
        found: list[TenantKeys] = []
        cursor: str | None = None
        while True:
            ids, cursor = await self._database.read(partial(tenants.list_ids, keyspace=self._keyspace, cursor=cursor))
            found += map(self._keyspace.tenant, ids)
            if cursor is None:
                return found
