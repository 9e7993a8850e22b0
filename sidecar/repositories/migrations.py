"""The version of what a store keeps, and the building of an index that was added later.

An index says since which version it is there (``Index.since``). A store of an older version gets the entries of its
older records in bounded transactions, while others read and write: writers keep the new index from the first moment,
and a step reads the records that it writes entries for, so that a writer who comes in between makes it run again. How
far a build is stands in the store, so it goes on after a stop. Lists by that index are complete when it is whole.
"""

from contextlib import suppress
from typing import Any, NamedTuple

from sidecar.errors import UNREADABLE, StoreFormatError
from sidecar.repositories import keys
from sidecar.repositories.base import Repository
from sidecar.repositories.indexes import Index
from sidecar.repositories.transactions import Reading, Writing

SCHEMA = 1
_BYTES = 4


class Schema(NamedTuple):
    """What a store says that it keeps, and which program has brought it there (empty when it is not known)."""

    version: int
    program: str


def stored_schema(tr: Reading, keyspace: keys.Keyspace) -> Schema | None:
    """Return what a store says that it keeps, or None of one that is new."""
    value = tr.kv.get(keyspace.root[keys.SCHEMA].raw)
    return None if value is None else Schema(int.from_bytes(value[:_BYTES], "big"), value[_BYTES:].decode())


def put_schema(tr: Writing, keyspace: keys.Keyspace, schema: Schema) -> None:
    """Write down what a store keeps."""
    tr.kv.set(keyspace.root[keys.SCHEMA].raw, schema.version.to_bytes(_BYTES, "big") + schema.program.encode())


def check_schema(found: Schema, ours: Schema) -> None:
    """Raise StoreFormatError when a store's version is newer than ours; both are named."""
    if found.version > ours.version:
        writer = f" since Sidecar {found.program}" if found.program else ""
        raise StoreFormatError(
            f"The store keeps records of version {found.version}{writer}; this is Sidecar {ours.program}, which knows "
            f"version {ours.version}. Nothing was changed; update Sidecar.",
            details={"store": found.version, "known": ours.version},
        )


def build_step(tr: Writing, repository: Repository[Any], index: Index[Any], *, limit: int) -> bool:
    """Write the entries of the next ``limit`` records, and tell whether the index is whole now.

    A record that can't be read has none, and the doctor tells of it.

    Raises:
        ConflictError: Two records have the same value in an index that is unique.
    """
    place_key = repository.tenant.space(keys.INDEXES).pack((index.name,))
    begin, end = repository.primary_range()
    rows = tr.kv.get_range(tr.kv.get(place_key) or begin, end, limit=limit)
    for _, value in rows:
        with suppress(*UNREADABLE):  # `sidecar doctor` tells of it
            repository.write_entries(tr, index, None, repository.decoded(tr, value))
    if len(rows) == limit:
        tr.kv.set(place_key, rows[-1][0] + b"\x00")
        return False
    tr.kv.set(place_key, end)  # kept until every tenant's is whole: an interrupted build does not start anew
    return True


def forget_build(tr: Writing, tenant: keys.TenantKeys) -> None:
    """Remove the notes on builds of a tenant, when the whole store is at the new version."""
    tr.kv.clear_range(*tenant.space(keys.INDEXES).range())
