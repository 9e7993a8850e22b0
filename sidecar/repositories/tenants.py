"""Tenants: one record each, and the list of all of them."""

from sidecar.models.tenants import Tenant
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Repository

ALL = Index[Tenant](keys.TENANTS, tails=lambda _: [()], shared=True)


class Tenants(Repository[Tenant]):
    """The one record of a tenant; bound to that tenant like every repository."""

    kind = "tenants"
    primary = keys.TENANT
    model = Tenant
    indexes = (ALL,)

    def key(self, identifier: str) -> bytes:
        """Return the one key that a tenant's record has; another tenant's id leads nowhere."""
        own = identifier == self.tenant.tenant_id
        return self._records.raw if own else super().key(identifier)
