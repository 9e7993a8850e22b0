"""The caller's tenant."""

from typing import Any

from aiohttp import web

from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.requests import body, if_match, record_answer, tenant_of
from sidecar.models.base import Name, Value
from sidecar.models.tenants import Features
from sidecar.services.tenants import TenantPatch, change


class LimitsBody(Value):
    """Bounds that an admin sets for their own tenant; its plan's are the highest."""

    users_max: int | None = None
    workspace_sessions_max: int | None = None
    storage_bytes_max: int | None = None
    requests_per_minute_max: int | None = None


class SettingsBody(Value):
    """Merged into what is set."""

    limits: LimitsBody = LimitsBody()
    features: Features | None = None


class TenantBody(Value):
    """What an admin may change; what is left out stays."""

    name: Name | None = None
    settings: SettingsBody = SettingsBody()

    def patch(self) -> TenantPatch:
        """Return what is given."""
        limits: dict[str, Any] = self.settings.limits.model_dump(exclude_none=True)
        return TenantPatch(self.name, limits, self.settings.features)


async def get(request: web.Request) -> web.Response:
    """Return the caller's tenant."""
    return record_answer(request[CALLER].tenant)


async def patch(request: web.Request) -> web.Response:
    """Change the caller's tenant."""
    sent, keys, version = await body(request, TenantBody), tenant_of(request), if_match(request)
    tenant = await request.app[CONTEXT].database.transact(lambda tr: change(tr, keys, sent.patch(), if_version=version))
    return record_answer(tenant)
