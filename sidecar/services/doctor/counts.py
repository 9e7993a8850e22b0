"""Counters against what was counted."""

from functools import partial

from sidecar import limits
from sidecar.repositories import counters, keys
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Reading, Writing
from sidecar.services.doctor.findings import Problem, Steps, Tally, can_repair
from sidecar.store.tuples import Subspace

Sums = dict[bytes, int]


async def check(steps: Steps, tenant: keys.TenantKeys, sums: Sums) -> Tally:
    """Compare what the counters say with what was counted: every one that is there, and every one that should be."""
    names = {counter.name for repository in REPOSITORIES for counter in repository.counters}
    right = dict(sums)
    for name in sorted(names):
        space = tenant.space(name)
        found = await steps.along(space.range()[0], partial(_stored, space))
        right = {**dict.fromkeys(found.sums, 0), **right}
    tally = Tally()
    ordered = sorted(right.items())
    for at in range(0, len(ordered), limits.doctor_batch_rows):
        tally.take(await steps.once(partial(_compare, tenant, ordered[at : at + limits.doctor_batch_rows])))
    return tally


def _stored(space: Subspace, tr: Reading, begin: bytes) -> Tally:
    rows = tr.kv.get_range(begin, space.range()[1], limit=limits.doctor_batch_rows, snapshot=True)
    tally = Tally(next_key=rows[-1][0] + b"\x00" if len(rows) == limits.doctor_batch_rows else None)
    for key, _ in rows:
        tally.sums[key] = 0
    return tally


def _compare(tenant: keys.TenantKeys, right: list[tuple[bytes, int]], tr: Reading) -> Tally:
    tally = Tally()
    for key, amount in right:
        said = counters.value(tr, key)
        if said == amount:
            continue
        if isinstance(tr, Writing):
            counters.put(tr, key, amount)
        what = f"The counter {tenant.tenant.unpack(key)} says {said}; there are {amount}."
        tally.problems.append(Problem("counter", what, can_repair(tr), tenant.tenant_id))
    return tally
