"""The caller's tenant."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import Field

from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.patches import patched
from sidecar.api.requests import record_answer, tenant_of
from sidecar.models.base import Name, Value
from sidecar.models.tenants import Tenant, TenantSettings
from sidecar.repositories.tenants import Tenants
from sidecar.services.tenants import change


class TenantBody(Value):
    """What an admin may change of their own tenant; its plan's bounds are the highest."""

    name: Name
    settings: TenantSettings = Field(default_factory=TenantSettings)


async def get(request: web.Request) -> web.Response:
    """Return the caller's tenant."""
    return record_answer(request[CALLER].tenant)


async def patch(request: web.Request) -> web.Response:
    """Merge a patch into the caller's tenant."""
    keys, database = tenant_of(request), request.app[CONTEXT].database

    async def store(fields: Mapping[str, Any], version: int) -> Tenant:
        return await database.transact(lambda tr: change(tr, keys, fields, if_version=version))

    changed = await patched(request, Tenants(keys), keys.tenant_id, TenantBody, store=store)
    return record_answer(changed)
