"""Change rows against records: of each record, what the log told last is what it is."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from sidecar import limits
from sidecar.errors import UNREADABLE
from sidecar.models.changes import Change, ChangeOp
from sidecar.repositories import keys
from sidecar.repositories.base import Repository
from sidecar.repositories.changes import Changes, Row
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Reading, Writing
from sidecar.services.doctor.findings import Problem, Steps, Tally, can_repair


class Told(NamedTuple):
    """The log's last word on a record: as little as a comparison needs, because there may be half a million."""

    op: ChangeOp
    version: int
    identifier: str


async def check(steps: Steps, tenant: keys.TenantKeys) -> Tally:
    """Check the log of a tenant."""
    changes = Changes(tenant)
    repositories = {each.kind: each(tenant) for each in REPOSITORIES if each.tells}
    log = await _read(steps, changes, repositories)
    tally = await steps.once(lambda tr: _damaged(tenant, changes, tr, log.damaged))
    tally.take(await steps.once(lambda tr: _head(tenant, changes, tr, log.newest)))
    tally.rows[keys.CHANGES] += log.rows
    for kind in sorted(log.unknown):
        what = f"The log tells of {kind}, which are not known."
        tally.problems.append(Problem("change", what, repaired=False, tenant_id=tenant.tenant_id))
    last = list(log.told.items())
    size = limits.doctor_batch_changes
    for at in range(0, len(last), size):
        tally.take(await steps.once(partial(_compare, repositories, last[at : at + size])))
    if steps.repair and tally.problems:
        log = await _read(steps, changes, repositories)  # what was put right is told of, too
    tally.sums[changes.count_key] += log.changes
    return tally


Repositories = dict[str, Repository[Any]]
Named = tuple[str, str]  # a record's kind and id


@dataclass
class _Log:
    """What the log says: its last word on each record, its newest stamp, how much there is of it.

    Attributes:
        damaged: The keys of rows that can't be read.
    """

    told: dict[Named, Told] = field(default_factory=dict)
    newest: bytes | None = None
    rows: int = 0
    changes: int = 0
    unknown: set[str] = field(default_factory=set)
    damaged: list[bytes] = field(default_factory=list)


async def _read(steps: Steps, changes: Changes, repositories: Repositories) -> _Log:
    log, begin = _Log(), b""
    while batch := await steps.once(partial(changes.stored, begin=begin, limit=limits.changes_page_rows_max)):
        for key, value in batch:
            log.rows += 1
            try:
                row = changes.row(key, value)
            except UNREADABLE:
                log.damaged.append(key)
                continue
            _note(log, row, repositories)
        log.newest, begin = changes.stamp(batch[-1][0]), batch[-1][0] + b"\x00"
    return log


def _note(log: _Log, row: Row, repositories: Repositories) -> None:
    log.changes += len(row.changes)
    for change in row.changes:
        repository = repositories.get(change.kind)
        if repository is None:
            log.unknown.add(change.kind)
        else:
            identifier = repository.identifier_of(change)
            log.told[change.kind, change.id] = Told(change.op, change.version, identifier)


def _damaged(tenant: keys.TenantKeys, changes: Changes, tr: Reading, rows: list[bytes]) -> Tally:
    """Tell of rows that can't be read; a repair lets the log begin behind the last one: no reader can get past it."""
    if rows and isinstance(tr, Writing):
        changes.forget(tr, rows[-1])
    what = "The row {} of the log can't be read; who has not heard of it yet has to read everything anew."
    problems = [what.format(changes.stamp(key).hex()) for key in rows]
    return Tally([Problem("change", each, can_repair(tr), tenant.tenant_id) for each in problems])


def _head(tenant: keys.TenantKeys, changes: Changes, tr: Reading, newest: bytes | None) -> Tally:
    tally = Tally()
    head = tr.kv.get(changes.head_key, snapshot=True)
    if newest is not None and (head is None or head != newest[: len(head)]):
        if isinstance(tr, Writing):
            tr.kv.set(changes.head_key, newest[:10])
        problem = Problem("change", "The log's head is not its newest row.", can_repair(tr), tenant.tenant_id)
        tally.problems.append(problem)
    return tally


def _compare(repositories: Repositories, told: list[tuple[Named, Told]], tr: Reading) -> Tally:
    tally = Tally()
    stored = tr.kv.get_many([repositories[kind].key(last.identifier) for (kind, _), last in told])
    for ((kind, identifier), last), value in zip(told, stored, strict=True):
        repository = repositories[kind]
        try:
            record = None if value is None else repository.decoded(tr, value)
        except UNREADABLE:  # reported where the records are checked
            continue
        if _agrees(last, record):
            continue
        if isinstance(tr, Writing):
            tr.changed(repository.tenant, _correction(repository, identifier, last, record))
        what = f"The log's last word on the {repository.model.__name__} {identifier} is not what it is."
        tally.problems.append(Problem("change", what, can_repair(tr), repository.tenant.tenant_id))
    return tally


def _agrees(last: Told, record: Any) -> bool:  # noqa: ANN401 - a record of any kind
    if record is None:
        return last.op == "deleted"
    is_gone = getattr(record, "is_deleted", False)
    return bool(record.version == last.version and is_gone == (last.op == "deleted"))


def _correction(repository: Repository[Any], identifier: str, last: Told, record: Any) -> Change:  # noqa: ANN401 - the same
    if record is None:
        hint = repository.hint_of(last.identifier)
        return Change(kind=repository.kind, id=identifier, op="deleted", version=last.version, hint=hint)
    op: ChangeOp = "deleted" if getattr(record, "is_deleted", False) else "updated"
    hint = repository.hint(record)
    return Change(kind=repository.kind, id=identifier, op=op, version=record.version, hint=hint)
