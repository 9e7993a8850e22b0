"""Tenants: what an admin may set, within what the plan allows."""

from collections.abc import Mapping
from typing import Any

from sidecar import limits
from sidecar.errors import LimitExceededError
from sidecar.models.tenants import Plan, Tenant, TenantLimits
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Writing

# How much more than the smallest plan each allows; the daemon has no other notion of what a plan costs.
_TIMES: Mapping[Plan, int] = {"free": 1, "starter": 4, "pro": 20, "enterprise": 200}


def plan_limits(plan: Plan) -> TenantLimits:
    """Return the highest bounds that a tenant of a plan may have."""
    times = _TIMES[plan]
    return TenantLimits(
        users_max=limits.plan_users_max * times,
        workspace_sessions_max=limits.plan_workspace_sessions_max * times,
        storage_bytes_max=limits.plan_storage_bytes_max * times,
        requests_per_minute_max=limits.plan_requests_per_minute_max * times,
    )


def change(tr: Writing, keys: TenantKeys, fields: Mapping[str, Any], *, if_version: int | None = None) -> Tenant:
    """Change some fields of an admin's own tenant, and return it.

    Raises:
        LimitExceededError: A bound is above the plan's, or so low that the admin could not raise it again.
        VersionConflictError: ``if_version`` is not the version that is stored.
    """
    tenants = Tenants(keys)
    old = tenants.get(tr, keys.tenant_id)
    tenants.check_version(old, if_version)
    new = tenants.changed(old, fields)
    _check_bounds(new.plan, new.settings.limits)
    return tenants.replace(tr, old, new)


def _check_bounds(plan: Plan, bounds: TenantLimits) -> None:
    highest = plan_limits(plan).model_dump()
    for name, bound in bounds.model_dump().items():
        if bound > highest[name]:
            raise LimitExceededError(
                f"{name} can be at most {highest[name]} on the plan {plan}.", code="plan_limit", details={name: bound}
            )
    lowest = limits.plan_requests_per_minute_min
    if bounds.requests_per_minute_max < lowest:
        raise LimitExceededError(f"requests_per_minute_max can be {lowest} at the least.", code="plan_limit")
