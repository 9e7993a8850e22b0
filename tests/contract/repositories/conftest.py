"""A database below a root of its own, two tenants in it, and the proof that what is derived agrees with the records."""

import os
from collections.abc import AsyncIterator
from functools import partial

import pytest

from sidecar.repositories.keys import Keyspace, TenantKeys
from sidecar.repositories.transactions import Database
from sidecar.services.doctor.examination import examine
from sidecar.store.engine import Engine
from sidecar.store.tuples import strinc
from tests.clocks import FakeClock
from tests.contract.repositories.samples import OTHER_TENANT_ID, TENANT_ID, tenant_record


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def keyspace(engine: Engine) -> AsyncIterator[Keyspace]:
    space = Keyspace((os.urandom(8),))
    yield space
    await engine.transact(lambda tr: tr.clear_range(space.root.raw, strinc(space.root.raw)))


@pytest.fixture
async def database(engine: Engine, clock: FakeClock, keyspace: Keyspace) -> AsyncIterator[Database]:
    """Return a database with two tenants; after the test the doctor has to find nothing."""
    opened = Database(engine, clock, keyspace)
    for tenant_id in (TENANT_ID, OTHER_TENANT_ID):
        await opened.transact(partial(tenant_record, keyspace=keyspace, tenant_id=tenant_id))
    yield opened
    report = await examine(opened)
    assert report.problems == []


@pytest.fixture
def tenant(keyspace: Keyspace) -> TenantKeys:
    return keyspace.tenant(TENANT_ID)


@pytest.fixture
def other_tenant(keyspace: Keyspace) -> TenantKeys:
    return keyspace.tenant(OTHER_TENANT_ID)
