"""Deletions under way: what takes more than one transaction is written down first, and finished after a crash."""

from typing import NamedTuple

from sidecar import limits
from sidecar.repositories import keys
from sidecar.repositories.transactions import Reading, Writing

TENANTS = "tenants"


class Deletion(NamedTuple):
    """Something whose dependants are being removed.

    Attributes:
        kind: The plural noun of what is deleted.
        id: Its id.
    """

    tenant_id: str
    kind: str
    id: str


def begin(tr: Writing, keyspace: keys.Keyspace, deletion: Deletion) -> None:
    """Write down that a deletion has begun."""
    tr.kv.set(_key(keyspace, deletion), b"")


def end(tr: Writing, keyspace: keys.Keyspace, deletion: Deletion) -> None:
    """Write down that nothing is left to remove."""
    tr.kv.clear(_key(keyspace, deletion))


def under_way(tr: Reading, keyspace: keys.Keyspace, *, after: Deletion | None = None) -> list[Deletion]:
    """Return deletions that have begun and not ended, behind one of them, at most ``limits.page_items_max``."""
    space = keyspace.root[keys.DELETIONS]
    begin, end = space.range()
    rows = tr.kv.get_range(_key(keyspace, after) + b"\x00" if after else begin, end, limit=limits.page_items_max)
    return [Deletion(*map(str, space.unpack(key))) for key, _ in rows]


def is_under_way(tr: Reading, tenant: keys.TenantKeys) -> bool:
    """Tell whether a tenant itself is being deleted."""
    own = keys.id_element(tenant.tenant_id)
    return tr.kv.get(tenant.shared[keys.DELETIONS].pack((own, TENANTS, own))) is not None


def _key(keyspace: keys.Keyspace, deletion: Deletion) -> bytes:
    place = (keys.id_element(deletion.tenant_id), deletion.kind, keys.id_element(deletion.id))
    return keyspace.root[keys.DELETIONS].pack(place)
