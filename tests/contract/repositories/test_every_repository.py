"""What every repository keeps, each claim over all of them. After each test the doctor looks at the whole store."""

import asyncio
import itertools
from functools import partial

import pytest

from sidecar import limits
from sidecar.errors import (
    ConflictError,
    InvalidError,
    LimitExceededError,
    NotFoundError,
    UnavailableError,
    VersionConflictError,
)
from sidecar.models.base import Record
from sidecar.repositories.base import Repository
from sidecar.repositories.changes import Changes
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.services.doctor.examination import examine
from tests.clocks import FakeClock
from tests.contract.failing import FailingEngine, Fuse
from tests.contract.repositories.samples import CANARY, KINDS, OTHER_TENANT_ID, TENANT_ID, Kind, an_id

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=str)
AnyRepository = Repository[Record]
Rows = list[tuple[bytes, bytes]]


def rows_of(tr: Reading, tenant: TenantKeys) -> Rows:
    """Return all that is stored of a tenant, but for the log."""
    rows = tr.kv.get_range(*tenant.tenant.range())
    return [(key, value) for key, value in rows if b"changes" not in key]


def shared_rows(tr: Reading, tenant: TenantKeys) -> Rows:
    """Return what lies outside the tenants."""
    return [row for row in tr.kv.get_range(*tenant.shared.range()) if row[0][len(tenant.shared.raw)] != 0x30]


async def test_what_is_created_is_got_back_as_it_was(database: Database, tenant: TenantKeys, kind: Kind) -> None:
    repository, record = kind.repository(tenant), kind.make(TENANT_ID, 1)

    assert await database.transact(lambda tr: repository.create(tr, record)) == record

    identifier = repository.identifier(record)
    assert await database.read(lambda tr: repository.get(tr, identifier)) == record
    served = await database.read(lambda tr: repository.find_json(tr, identifier))
    assert served is not None
    assert served.startswith(record.to_json()[:-1])  # a session's goes on with its state
    assert CANARY.encode() not in served
    assert await database.read(lambda tr: repository.list_all(tr).items) == [record]


async def test_a_taken_id_conflicts_and_the_same_record_again_does_not(
    database: Database, tenant: TenantKeys, kind: Kind
) -> None:
    repository, record = kind.repository(tenant), kind.make(TENANT_ID, 1)
    await database.transact(lambda tr: repository.create(tr, record))
    before = await database.read(lambda tr: rows_of(tr, tenant))

    await database.transact(lambda tr: repository.create(tr, record))  # as after a commit whose answer was lost
    with pytest.raises(ConflictError):
        await database.transact(lambda tr: repository.create(tr, record.model_copy(update={"version": 9})))

    assert await database.read(lambda tr: rows_of(tr, tenant)) == before


async def test_an_update_changes_fields_version_time_and_index_entries(
    database: Database, tenant: TenantKeys, kind: Kind, clock: FakeClock
) -> None:
    repository, record = kind.repository(tenant), kind.make(TENANT_ID, 1)
    identifier = repository.identifier(record)
    await database.transact(lambda tr: repository.create(tr, record))
    clock.move(60)

    new = await database.transact(lambda tr: repository.update(tr, identifier, kind.change, if_version=1))

    assert new.version == 2
    assert new.updated_at > record.updated_at
    assert new.created_at == record.created_at
    assert {name: getattr(new, name) for name in kind.change} == dict(kind.change)
    assert await database.read(lambda tr: repository.get(tr, identifier)) == new
    for index in repository.indexes:
        found = await database.read(partial(repository.list_by, index=index))
        assert found.items == [new] * len(repository.entries(index, new))


async def test_a_record_at_its_last_version_stays_readable_and_can_be_deleted(
    database: Database, tenant: TenantKeys, kind: Kind
) -> None:
    repository = kind.repository(tenant)
    record = kind.make(TENANT_ID, 1).model_copy(update={"version": limits.version_max})
    identifier = repository.identifier(record)
    await database.transact(lambda tr: repository.create(tr, record))
    with pytest.raises(LimitExceededError, match="store it anew"):
        await database.transact(lambda tr: repository.update(tr, identifier, kind.change))
    assert await database.read(lambda tr: repository.get(tr, identifier)) == record
    await database.transact(lambda tr: repository.delete(tr, identifier))


async def test_a_deleted_record_leaves_nothing_behind(database: Database, tenant: TenantKeys, kind: Kind) -> None:
    repository, record = kind.repository(tenant), kind.make(TENANT_ID, 1)
    empty = await database.read(lambda tr: (rows_of(tr, tenant), shared_rows(tr, tenant)))
    await database.transact(lambda tr: repository.create(tr, record))

    assert await database.transact(lambda tr: repository.delete(tr, repository.identifier(record))) == record

    left, shared = await database.read(lambda tr: (rows_of(tr, tenant), shared_rows(tr, tenant)))
    assert ([row for row in left if row[1] != b"\x00" * 8], shared) == empty  # a counter may stay and say 0


async def test_what_is_not_there_is_not_found(database: Database, tenant: TenantKeys, kind: Kind) -> None:
    repository = kind.repository(tenant)
    identifier = repository.identifier(kind.make(TENANT_ID, 1))

    assert await database.read(lambda tr: repository.find(tr, identifier)) is None
    for action in (
        lambda tr: repository.get(tr, identifier),
        lambda tr: repository.update(tr, identifier, kind.change),
        lambda tr: repository.delete(tr, identifier),
    ):
        with pytest.raises(NotFoundError):
            await database.transact(action)


async def test_what_a_record_is_can_not_be_changed(database: Database, tenant: TenantKeys, kind: Kind) -> None:
    repository, record = kind.repository(tenant), kind.make(TENANT_ID, 1)
    identifier = repository.identifier(record)
    await database.transact(lambda tr: repository.create(tr, record))

    for fields in ({"id": an_id(5)}, {"tenant_id": OTHER_TENANT_ID}, {"version": 7}, {"unheard_of": 1}):
        with pytest.raises(InvalidError):
            await database.transact(partial(repository.update, identifier=identifier, fields=fields))
    with pytest.raises(InvalidError):
        await database.transact(lambda tr: repository.create(tr, kind.make(OTHER_TENANT_ID, 2)))


async def test_two_tenants_with_the_same_ids_see_nothing_of_each_other(
    database: Database, tenant: TenantKeys, other_tenant: TenantKeys, kind: Kind
) -> None:
    ours, theirs = kind.repository(tenant), kind.repository(other_tenant)
    mine, foreign = kind.make(TENANT_ID, 1), kind.make(OTHER_TENANT_ID, 1)
    identifier = ours.identifier(mine)
    await database.transact(lambda tr: theirs.create(tr, foreign))

    assert await database.read(lambda tr: ours.find(tr, identifier)) is None
    for index in ours.indexes:
        if not index.shared:  # that one is what login looks an e-mail address up in, over all tenants
            assert await database.read(partial(ours.list_by, index=index)) == ([], None)

    await database.transact(lambda tr: ours.create(tr, mine))
    await database.transact(lambda tr: ours.update(tr, identifier, kind.change))
    await database.transact(lambda tr: ours.delete(tr, identifier))

    assert await database.read(lambda tr: theirs.get(tr, identifier)) == foreign
    changes = await database.read(lambda tr: Changes(other_tenant).after(tr, b"\x00" * 12))
    assert len([each for row in changes for each in row.changes]) == (2 if theirs.tells else 1)


async def test_of_two_who_update_one_version_one_wins_and_one_is_told(
    database: Database, tenant: TenantKeys, kind: Kind
) -> None:
    repository, record = kind.repository(tenant), kind.make(TENANT_ID, 1)
    identifier = repository.identifier(record)
    await database.transact(lambda tr: repository.create(tr, record))
    attempts = [
        database.transact(lambda tr: repository.update(tr, identifier, kind.change, if_version=1)) for _ in range(2)
    ]

    outcomes = await asyncio.gather(*attempts, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == sorted(
        [repository.model.__name__, VersionConflictError.__name__]
    )
    assert (await database.read(lambda tr: repository.get(tr, identifier))).version == 2


async def test_pages_are_stable_while_records_come_and_go(database: Database, tenant: TenantKeys, kind: Kind) -> None:
    repository = kind.repository(tenant)
    records = {number: kind.make(TENANT_ID, number) for number in range(1, 13)}

    def put(tr: Writing, numbers: range) -> None:
        for number in numbers:
            repository.create(tr, records[number])

    await database.transact(lambda tr: put(tr, range(2, 12)))
    first = await database.read(lambda tr: repository.list_all(tr, limit=4))
    await database.transact(lambda tr: repository.delete(tr, repository.identifier(records[5])))  # the cursor's own
    await database.transact(lambda tr: repository.delete(tr, repository.identifier(records[7])))
    await database.transact(lambda tr: put(tr, range(1, 2)))  # before what was read
    await database.transact(lambda tr: put(tr, range(12, 13)))  # behind it
    rest, cursor = [], first.next_cursor
    while cursor is not None:
        page = await database.read(partial(repository.list_all, cursor=cursor, limit=4))
        rest += page.items
        cursor = page.next_cursor

    assert [each.id for each in first.items] == [an_id(number) for number in (2, 3, 4, 5)]
    assert [each.id for each in rest] == [an_id(number) for number in (6, 8, 9, 10, 11, 12)]


async def test_each_mutation_tells_the_log_once(database: Database, tenant: TenantKeys, kind: Kind) -> None:
    repository, record = kind.repository(tenant), kind.make(TENANT_ID, 1)
    identifier = repository.identifier(record)
    start = await database.read(lambda tr: Changes(tenant).head(tr))
    await database.transact(lambda tr: repository.create(tr, record))
    await database.transact(lambda tr: repository.update(tr, identifier, kind.change))
    await database.transact(lambda tr: repository.delete(tr, identifier))

    rows = await database.read(lambda tr: Changes(tenant).after(tr, start))

    told = [(each.kind, each.id, each.op, each.version) for row in rows for each in row.changes]
    expected = [(kind.repository.kind, record.id, op, version) for op, version in _STEPS] if repository.tells else []
    assert told == expected


async def test_whatever_operation_fails_nothing_is_half_written(
    database: Database, tenant: TenantKeys, kind: Kind
) -> None:
    repository, old, new = kind.repository(tenant), kind.make(TENANT_ID, 1), kind.make(TENANT_ID, 2)
    gone = kind.make(TENANT_ID, 3)
    for record in (old, gone):
        await database.transact(partial(repository.create, record=record))
    before = await database.read(lambda tr: tr.kv.get_range(*tenant.shared.range()))

    def body(tr: Writing) -> None:
        repository.create(tr, new)
        repository.update(tr, repository.identifier(old), kind.change)
        repository.delete(tr, repository.identifier(gone))

    for number in itertools.count(1):
        fuse = Fuse(number, lambda: UnavailableError("the disk is full"))
        failing = Database(FailingEngine(database.engine, fuse), database.clock, database.keyspace)
        try:
            await failing.transact(body)
        except UnavailableError:
            assert await database.read(lambda tr: tr.kv.get_range(*tenant.shared.range())) == before
        else:
            break

    assert number > 10
    assert not fuse.blown
    assert await database.read(lambda tr: repository.find(tr, repository.identifier(gone))) is None
    assert (await examine(database)).problems == []


def test_no_repository_is_left_out(kind: Kind) -> None:
    assert kind.repository in REPOSITORIES
    assert {each.repository for each in KINDS} | {REPOSITORIES[0]} == set(REPOSITORIES)


_STEPS = (("created", 1), ("updated", 2), ("deleted", 2))
