"""One examination of a whole store. It wants the store for itself: the CLI takes the daemon's lock first."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from sidecar import limits
from sidecar.repositories import deletions, keys, tenants
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.services.cascades import Cascades
from sidecar.services.doctor import blobs, changes, counts, records
from sidecar.services.doctor.findings import Problem, Steps, Tally, can_repair
from sidecar.store.tuples import strinc


class Report(NamedTuple):
    """What an examination came to.

    Attributes:
        problems: In the order they were found.
        rows: How many rows were looked at, by name of their key.
    """

    problems: list[Problem]
    rows: Counter[str]

    @property
    def left(self) -> list[Problem]:
        """The problems that are still there."""
        return [problem for problem in self.problems if not problem.repaired]


async def examine(
    database: Database,
    *,
    repair: bool = False,
    removes_unreadable: bool = False,
    progress: Callable[[int], None] = lambda _rows: None,
) -> Report:
    """Check every tenant's records, indexes, blobs, counters and log.

    Args:
        repair: Also finish deletions that were cut short, and rebuild what is derived. What only the records themselves
            could tell is reported, never invented.
        removes_unreadable: With ``repair``: also remove the records that can't be read, but users and tenants.
        progress: Told now and then how many rows have been looked at so far.
    """
    steps = Steps(database, repair=repair, removes_unreadable=removes_unreadable, progress=progress)
    whole = Tally()
    tenant_ids = await steps.once(lambda tr: list(_tenant_ids(tr, database.keyspace)))
    for tenant_id in tenant_ids:
        whole.take(await _examine_tenant(steps, database.keyspace.tenant(tenant_id)))
    for repository in REPOSITORIES:
        for index in repository.indexes:
            if index.shared:
                begin, end = database.keyspace.root[index.name].range()
                step = _shared_step(database.keyspace, repository, index, end)
                whole.take(await steps.along(begin, step))
    if repair:  # at the end, because what is damaged may stand in its way
        await Cascades(database).finish_all()
        whole.take(await steps.once(lambda tr: _unfinished(database.keyspace, tr)))
    return Report(whole.problems, whole.rows)


def _unfinished(keyspace: keys.Keyspace, tr: Reading) -> Tally:
    left = deletions.under_way(tr, keyspace)
    what = "The deletion of {} in {} can't be finished: something that depends on it is damaged."
    return Tally(
        [
            Problem("deletion", what.format(each.id, each.kind), repaired=False, tenant_id=each.tenant_id)
            for each in left
        ]
    )


async def _examine_tenant(steps: Steps, tenant: keys.TenantKeys) -> Tally:
    if await steps.once(lambda tr: deletions.is_under_way(tr, tenant)):
        return Tally()  # what is left of it goes when the deletion is finished
    tally = await steps.once(lambda tr: _has_record(tenant, tr))
    for repository in REPOSITORIES:
        tally.take(await records.check(steps, repository(tenant)))
    tally.take(await blobs.check(steps, tenant, tally.expected[keys.BLOB_REFERENCES]))
    tally.take(await changes.check(steps, tenant))
    if not tally.rows[records.NOT_READ]:  # otherwise nobody can tell what they should say
        tally.take(await counts.check(steps, tenant, dict(tally.sums)))
    tally.sums.clear()
    tally.expected.clear()
    return tally


def _has_record(tenant: keys.TenantKeys, tr: Reading) -> Tally:
    tally = Tally()
    if tr.kv.get(tenants.Tenants(tenant).key(tenant.tenant_id)) is None:
        what = "There are rows of a tenant that has no record."
        tally.problems.append(Problem("tenant", what, repaired=False, tenant_id=tenant.tenant_id))
    return tally


def _shared_step(keyspace: keys.Keyspace, kind: Any, index: Any, end: bytes) -> Any:  # noqa: ANN401 - any repository
    space = keyspace.root[index.name]

    def step(tr: Reading, begin: bytes) -> Tally:
        rows = tr.kv.get_range(begin, end, limit=limits.doctor_batch_rows, snapshot=True)
        tally = Tally(next_key=rows[-1][0] + b"\x00" if len(rows) == limits.doctor_batch_rows else None)
        for key, value in rows:
            tenant = keyspace.tenant(str(space.unpack(key)[-1]))
            if not deletions.is_under_way(tr, tenant) and records.is_stray(kind(tenant), index, tr, (key, value)):
                if isinstance(tr, Writing):
                    tr.kv.clear(key)
                what = f"{index.name} has an entry of no {kind.model.__name__}: {key.hex()}."
                tally.problems.append(Problem("index", what, can_repair(tr), tenant.tenant_id))
        return tally

    return step


def _tenant_ids(tr: Reading, keyspace: keys.Keyspace) -> list[str]:
    """Return the ids of all tenants that have a row of their own, listed or not, by stepping over their subspaces."""
    found: list[str] = []
    begin, end = keyspace.tenants_range()
    while rows := tr.kv.get_range(begin, end, limit=1, snapshot=True):
        tenant_id = str(keyspace.root.unpack(rows[0][0])[0])
        found.append(tenant_id)
        begin = strinc(keyspace.tenant(tenant_id).tenant.raw)
    return found
