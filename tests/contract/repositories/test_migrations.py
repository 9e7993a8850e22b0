"""An index that is added later is built while others write, goes on after a stop, and is then whole."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from sidecar import limits
from sidecar.errors import StoreFormatError, UnavailableError
from sidecar.models.agents import Agent
from sidecar.repositories import keys, migrations
from sidecar.repositories.agents import Agents
from sidecar.repositories.base import Index, Repository
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Database, Writing
from sidecar.services.migrations import Migrations
from tests.contract.failing import FailingEngine, Fuse
from tests.contract.repositories.samples import KINDS, TENANT_ID

BY_NAME = Index[Agent]("agents_by_name", tails=lambda agent: [(agent.name,)], since=2)
AGENT = next(kind for kind in KINDS if kind.repository is Agents)


class NewAgents(Agents):
    """Agents as a later version declares them."""

    indexes = (*Agents.indexes, BY_NAME)


LATER: Sequence[type[Repository[Any]]] = (NewAgents,)


@pytest.fixture
async def old_store(database: Database, tenant: TenantKeys, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Return a store of version 1 with ten agents; a step builds two records."""
    monkeypatch.setattr(limits, "job_batch_rows_max", 2)
    await Migrations(database).check()
    for number in range(1, 11):
        await database.transact(partial(Agents(tenant).create, record=AGENT.make(TENANT_ID, number)))  # type: ignore[arg-type] # an agent
    return database


async def names(database: Database, tenant: TenantKeys) -> list[str]:
    """Return what the new index lists."""
    page = await database.read(lambda tr: NewAgents(tenant).list_by(tr, BY_NAME))
    return [each.name for each in page.items]


async def clear_new_index(database: Database, tenant: TenantKeys) -> None:
    """Remove what the doctor of this version does not know."""
    await database.transact(lambda tr: tr.kv.clear_range(*tenant.space(BY_NAME.name).range()))


async def test_a_new_index_is_built_and_the_store_is_of_the_new_version(
    old_store: Database, tenant: TenantKeys
) -> None:
    later = Migrations(old_store, repositories=LATER, schema=2)
    await later.check()
    assert await names(old_store, tenant) == []

    assert await later.finish() == 2  # in each of the two tenants

    assert await names(old_store, tenant) == sorted(f"agent {number}" for number in range(1, 11))
    assert await later.finish() == 0
    assert await old_store.read(lambda tr: tr.kv.get_range(*tenant.space(keys.INDEXES).range())) == []
    with pytest.raises(StoreFormatError, match="version 2"):
        await Migrations(old_store).check()
    await clear_new_index(old_store, tenant)


async def test_a_damaged_record_stops_no_build(old_store: Database, tenant: TenantKeys) -> None:
    key = Agents(tenant).key(AGENT.make(TENANT_ID, 3).id)
    whole = await old_store.read(lambda tr: tr.kv.get(key))
    assert whole is not None
    await old_store.transact(lambda tr: tr.kv.set(key, whole[:20]))

    await Migrations(old_store, repositories=LATER, schema=2).finish()

    assert await names(old_store, tenant) == sorted(f"agent {number}" for number in range(1, 11) if number != 3)
    await old_store.transact(lambda tr: tr.kv.set(key, whole))
    await clear_new_index(old_store, tenant)


async def test_a_build_that_was_stopped_goes_on_where_it_was(old_store: Database, tenant: TenantKeys) -> None:
    stopped = Database(
        FailingEngine(old_store.engine, Fuse(20, lambda: UnavailableError("the disk is full"))),
        old_store.clock,
        old_store.keyspace,
    )
    with pytest.raises(UnavailableError):
        await Migrations(stopped, repositories=LATER, schema=2).finish()
    half = await names(old_store, tenant)
    assert 0 < len(half) < 10
    left = await old_store.read(lambda tr: tr.kv.get_range(*tenant.space(keys.INDEXES).range()))
    assert len(left) == 1

    await Migrations(old_store, repositories=LATER, schema=2).finish()

    assert len(await names(old_store, tenant)) == 10
    await clear_new_index(old_store, tenant)


async def test_who_writes_during_a_build_keeps_the_index_too(old_store: Database, tenant: TenantKeys) -> None:
    agents = NewAgents(tenant)

    def step(tr: Writing) -> bool:
        return migrations.build_step(tr, agents, BY_NAME, limit=4)

    assert not await old_store.transact(step)
    first, last = AGENT.make(TENANT_ID, 1), AGENT.make(TENANT_ID, 10)
    await old_store.transact(lambda tr: agents.update(tr, first.id, {"name": "behind the build"}))
    await old_store.transact(lambda tr: agents.update(tr, last.id, {"name": "before the build"}))
    await old_store.transact(lambda tr: agents.delete(tr, AGENT.make(TENANT_ID, 2).id))
    await old_store.transact(lambda tr: agents.delete(tr, AGENT.make(TENANT_ID, 9).id))
    while not await old_store.transact(step):
        pass

    expected = ["before the build", "behind the build", *(f"agent {number}" for number in range(3, 9))]
    assert await names(old_store, tenant) == sorted(expected)
    await clear_new_index(old_store, tenant)
    await old_store.transact(lambda tr: migrations.forget_build(tr, tenant))
