"""Tenants: one record each, and the list of all of them."""

from functools import lru_cache

from sidecar import limits
from sidecar.models.tenants import Tenant
from sidecar.repositories import codec, keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.paging import page
from sidecar.repositories.transactions import Reading
from sidecar.store.tuples import Items

ALL = Index[Tenant](keys.TENANTS, tails=lambda _: [()], shared=True)


class Tenants(Repository[Tenant]):
    """The one record of a tenant; bound to that tenant like every repository."""

    kind = "tenants"
    primary = keys.TENANT
    model = Tenant
    indexes = (ALL,)
    served_as_stored = True
    place_items = 0

    def decoded(self, tr: Reading, value: bytes) -> Tenant:  # noqa: ARG002 - one row holds all of a tenant
        """Return the tenant of stored bytes; kept, because every change is compared with its tenant's plan."""
        return _decoded(value)

    def place(self, identifier: str) -> Items:
        """Return nothing more for the one record that a tenant has; another tenant's id leads nowhere."""
        return () if identifier == self.tenant.tenant_id else super().place(identifier)


@lru_cache(maxsize=limits.tenants_decoded_max)
def _decoded(value: bytes) -> Tenant:
    return codec.decode(Tenant, value)


def list_ids(
    tr: Reading, keyspace: keys.Keyspace, *, cursor: str | None = None, limit: int = limits.page_items_default
) -> Page[str]:
    """Return a page of the ids of all tenants, oldest first."""
    space = keyspace.root[keys.TENANTS]
    rows, next_cursor = page(tr, space.raw, space.range(), cursor=cursor, limit=limit)
    return Page([str(space.unpack(key)[-1]) for key, _ in rows], next_cursor)


def list_active_tenants(
    tr: Reading, keyspace: keys.Keyspace, *, cursor: str | None = None, limit: int = limits.page_items_default
) -> Page[Tenant]:
    """Return those among a page of all tenants that are active, oldest first."""
    ids, next_cursor = list_ids(tr, keyspace, cursor=cursor, limit=limit)
    tenants = [Tenants(keyspace.tenant(each)).get(tr, each) for each in ids]
    return Page([tenant for tenant in tenants if tenant.is_active], next_cursor)
