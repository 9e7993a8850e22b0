"""Change rows against records: of each record, what the log told last is what it is."""

from functools import partial
from typing import Any, NamedTuple

from sidecar.errors import CorruptStoreError
from sidecar.models.changes import Change
from sidecar.repositories import keys
from sidecar.repositories.base import Repository
from sidecar.repositories.changes import STAMP_FIRST, Changes
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Reading, Writing
from sidecar.services.doctor.findings import Problem, Steps, Tally, can_repair

_BATCH = 500  # changes compared in one step
Told = dict[tuple[str, str], Change]


async def check(steps: Steps, tenant: keys.TenantKeys) -> Tally:
    """Check the log of a tenant."""
    changes = Changes(tenant)
    told, newest, rows = await _read(steps, changes)
    tally = await steps.once(lambda tr: _head(tenant, changes, tr, newest))
    tally.rows[keys.CHANGES] += rows
    last = list(told.values())
    for at in range(0, len(last), _BATCH):
        tally.take(await steps.once(partial(_compare, tenant, last[at : at + _BATCH])))
    if steps.repair and tally.problems:
        rows = (await _read(steps, changes)).rows  # what was put right has rows of its own
    tally.sums[changes.count_key] += rows
    return tally


class _Log(NamedTuple):
    told: Told
    newest: bytes | None
    rows: int


async def _read(steps: Steps, changes: Changes) -> _Log:
    """Return the last change of each record, the newest row's stamp, and how many rows there are."""
    told: Told = {}
    stamp, rows = STAMP_FIRST, 0
    while batch := await steps.once(partial(changes.after, stamp=stamp)):
        for row in batch:
            told.update({(change.kind, change.id): change for change in row.changes})
        stamp, rows = batch[-1].stamp, rows + len(batch)
    return _Log(told, stamp if rows else None, rows)


def _head(tenant: keys.TenantKeys, changes: Changes, tr: Reading, newest: bytes | None) -> Tally:
    tally = Tally()
    head = tr.kv.get(changes.head_key, snapshot=True)
    if newest is not None and (head is None or head != newest[: len(head)]):
        if isinstance(tr, Writing):
            tr.kv.set(changes.head_key, newest[:10])
        problem = Problem("change", "The log's head is not its newest row.", can_repair(tr), tenant.tenant_id)
        tally.problems.append(problem)
    return tally


def _compare(tenant: keys.TenantKeys, told: list[Change], tr: Reading) -> Tally:
    tally = Tally()
    repositories = {each.kind: each(tenant) for each in REPOSITORIES if each.tells}
    for change in told:
        repository = repositories.get(change.kind)
        if repository is None:
            what = f"The log tells of {change.kind}, which are not known."
            tally.problems.append(Problem("change", what, repaired=False, tenant_id=tenant.tenant_id))
            continue
        try:
            record = repository.find(tr, repository.identifier_of(change))
        except CorruptStoreError:  # reported where the records are checked
            continue
        if _agrees(change, record):
            continue
        if isinstance(tr, Writing):
            tr.changed(tenant, _correction(repository, change, record))
        what = f"The log's last word on the {repository.model.__name__} {change.id} is not what it is."
        tally.problems.append(Problem("change", what, can_repair(tr), tenant.tenant_id))
    return tally


def _agrees(change: Change, record: Any) -> bool:  # noqa: ANN401 - a record of any kind
    if record is None:
        return change.op == "deleted"
    is_gone = getattr(record, "is_deleted", False)
    return record.version == change.version and is_gone == (change.op == "deleted")


def _correction(repository: Repository[Any], change: Change, record: Any) -> Change:  # noqa: ANN401 - the same
    if record is None:
        return change.model_copy(update={"op": "deleted"})
    op = "deleted" if getattr(record, "is_deleted", False) else "updated"
    return change.model_copy(update={"op": op, "version": record.version, "hint": repository.hint(record)})
