"""Records against their indexes, both ways.

First every record is read, and each entry that it should have is looked up. When an index then has just as many
entries as that, none of them can be astray, and they are not read one by one: 80,000 files take seconds.

A record that can't be read stays, unless its removal is asked for; then what names it goes as what names nothing does,
and what depends on it as with any deletion.
"""

from collections import Counter
from typing import Any, NamedTuple
from uuid import UUID

from sidecar import limits
from sidecar.errors import UNREADABLE, CorruptStoreError, InvalidError, StoreFormatError
from sidecar.repositories import deletions
from sidecar.repositories.base import Repository
from sidecar.repositories.deletions import Deletion
from sidecar.repositories.indexes import ID_BYTES, Index
from sidecar.repositories.transactions import Reading, Writing
from sidecar.services.doctor import blobs
from sidecar.services.doctor.findings import Problem, Steps, Tally, can_repair

AnyRepository = Repository[Any]
NOT_READ = "unreadable"
_DEPENDED_ON = frozenset({"sessions", "conversations"})
_KEPT = frozenset({"users", "tenants"})  # too much depends on them


class _Wanted(NamedTuple):
    """An index entry that a record should have."""

    record_id: str
    kept_in: Index[Any]
    key: bytes
    value: bytes


async def check(steps: Steps, repository: AnyRepository) -> Tally:
    """Check all records of one kind, and their index entries."""
    begin, _ = repository.primary_range()
    tally = await steps.along(begin, lambda tr, at: _records(steps, repository, tr, at))
    for index in repository.indexes:
        if not index.shared:
            tally.take(await _check_entries(steps, repository, index, tally.expected[index.name]))
    return tally


async def _check_entries(steps: Steps, repository: AnyRepository, index: Index[Any], expected: int) -> Tally:
    begin, _ = repository.spaces[index.name].range()
    counted = await steps.along(begin, lambda tr, at: _count(repository, index, tr, at))
    if counted.rows[index.name] == expected:
        return counted
    return await steps.along(begin, lambda tr, at: _strays(repository, index, tr, at))


def _records(steps: Steps, repository: AnyRepository, tr: Reading, begin: bytes) -> Tally:
    tally = Tally()
    rows = tr.kv.get_range(begin, repository.primary_range()[1], limit=limits.doctor_batch_rows, snapshot=True)
    wanted: list[_Wanted] = []
    named: list[blobs.Named] = []
    for key, value in rows:
        tally.rows[repository.primary] += 1
        try:
            record = repository.decoded(tr, value)
        except UNREADABLE as error:
            tally.take(_unreadable(steps, repository, tr, key=key, error=error))
            continue
        for index in repository.indexes:
            wanted += [_Wanted(record.id, index, *entry) for entry in repository.entries(index, record).items()]
        if repository.large:
            who, owner = f"{repository.model.__name__} {record.id}", repository.owner(record)
            named.append(blobs.Named(owner, repository.named_in(tr, value), who))
        for counter in repository.counters:
            for under, amount in counter.amounts(record).items():
                tally.sums[counter.key(repository.tenant, under)] += amount
    _look_up(repository, tr, wanted, tally)
    tally.take(blobs.look_up(tr, repository.tenant, named))
    tally.next_key = rows[-1][0] + b"\x00" if len(rows) == limits.doctor_batch_rows else None
    return tally


def _unreadable(
    steps: Steps, repository: AnyRepository, tr: Reading, *, key: bytes, error: CorruptStoreError | StoreFormatError
) -> Tally:
    """Tell of a record that can't be read, and remove it where that is asked for; not what a newer version wrote."""
    tenant_id, kind = repository.tenant.tenant_id, repository.kind
    goes = steps.removes_unreadable and isinstance(error, CorruptStoreError) and kind not in _KEPT
    if goes and isinstance(tr, Writing):
        tr.kv.clear(key)
        if kind in _DEPENDED_ON:
            gone = Deletion(tenant_id, kind, str(UUID(bytes=key[-ID_BYTES:])))
            deletions.begin(tr, steps.keyspace, gone)
    what = f"The {repository.model.__name__} under {key.hex()} {'was removed' if goes else 'stays'}: {error.message}"
    return Tally([Problem("record", what, goes, tenant_id)], rows=Counter({NOT_READ: 0 if goes else 1}))


def _look_up(repository: AnyRepository, tr: Reading, wanted: list[_Wanted], tally: Tally) -> None:
    stored = tr.kv.get_many([each.key for each in wanted], snapshot=True)
    for (record_id, index, key, value), found in zip(wanted, stored, strict=True):
        tally.expected[index.name] += 1
        if found == value:
            continue
        entry = tr.kv.get(key, snapshot=True)  # as it is now: it may have been put right for another record
        is_anothers = entry is not None and _names_another(index, entry, value)
        if entry and is_anothers and not is_stray(repository, index, tr, (key, entry)):  # nobody can tell whose
            what = f"{repository.model.__name__} {record_id} has the same value in {index.name} as another has."
            tally.problems.append(Problem("index", what, repaired=False, tenant_id=repository.tenant.tenant_id))
            continue
        if isinstance(tr, Writing):
            tr.kv.set(key, value)
        what = f"{repository.model.__name__} {record_id} is missing, or is out of date, in {index.name}."
        tally.problems.append(Problem("index", what, can_repair(tr), repository.tenant.tenant_id))


def _names_another(index: Index[Any], entry: bytes, value: bytes) -> bool:
    """Tell whether an entry of a unique value, which should be ``value``, names another record."""
    return index.names_by_value and entry[:ID_BYTES] != value[:ID_BYTES]


def _count(repository: AnyRepository, index: Index[Any], tr: Reading, begin: bytes) -> Tally:
    rows = tr.kv.get_range(
        begin, repository.spaces[index.name].range()[1], limit=limits.doctor_batch_rows, snapshot=True
    )
    tally = Tally(next_key=rows[-1][0] + b"\x00" if len(rows) == limits.doctor_batch_rows else None)
    tally.rows[index.name] += len(rows)
    return tally


def _strays(repository: AnyRepository, index: Index[Any], tr: Reading, begin: bytes) -> Tally:
    rows = tr.kv.get_range(
        begin, repository.spaces[index.name].range()[1], limit=limits.doctor_batch_rows, snapshot=True
    )
    tally = Tally(next_key=rows[-1][0] + b"\x00" if len(rows) == limits.doctor_batch_rows else None)
    for key, value in rows:
        if is_stray(repository, index, tr, (key, value)):
            if isinstance(tr, Writing):
                tr.kv.clear(key)
            what = f"{index.name} has an entry of no {repository.model.__name__}: {key.hex()}."
            tally.problems.append(Problem("index", what, can_repair(tr), repository.tenant.tenant_id))
    return tally


def is_stray(repository: AnyRepository, index: Index[Any], tr: Reading, entry: tuple[bytes, bytes]) -> bool:
    """Tell whether an index entry belongs to no record; of one that can't be read, nobody can tell."""
    key, value = entry
    try:
        stored = tr.kv.get(repository.named_key(index, key, value), snapshot=True)
    except (InvalidError, ValueError):  # its bytes name nothing
        return True
    try:
        return stored is None or repository.entries(index, repository.decoded(tr, stored)).get(key) != value
    except UNREADABLE:
        return False
