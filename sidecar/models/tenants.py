"""A tenant: whose records they are. Every record belongs to one."""

from typing import Annotated, Literal, Self

from pydantic import Field

from sidecar import limits
from sidecar.ids import new_id
from sidecar.models.base import Count, Flag, Id, Name, Record, Value, timestamp

TenantType = Literal["self", "organization"]
Plan = Literal["free", "starter", "pro", "enterprise"]
Features = Annotated[dict[Name, Flag], Field(max_length=limits.tenant_features_max)]


class TenantLimits(Value):
    """How much a tenant may keep and ask."""

    users_max: Count = limits.plan_users_max
    workspace_sessions_max: Count = limits.plan_workspace_sessions_max
    storage_bytes_max: Count = limits.plan_storage_bytes_max
    requests_per_minute_max: Count = limits.plan_requests_per_minute_max


class TenantSettings(Value):
    """What a tenant may do."""

    limits: TenantLimits = TenantLimits()
    features: Features = Field(default_factory=dict)


class Tenant(Record):
    """A person by themselves (``self``), or an organization. Its ``tenant_id`` is its own id."""

    name: Name
    type: TenantType
    plan: Plan = "free"
    settings: TenantSettings = TenantSettings()
    owner_user_id: Id
    is_active: Flag = True

    @classmethod
    def new_self_tenant(cls, *, name: str, owner_user_id: str, now_ms: int) -> Self:
        """Build the tenant of one person."""
        return cls._new(name=name, type="self", owner_user_id=owner_user_id, now_ms=now_ms)

    @classmethod
    def new_organization(cls, *, name: str, owner_user_id: str, now_ms: int, plan: Plan = "starter") -> Self:
        """Build the tenant of a team."""
        return cls._new(name=name, type="organization", plan=plan, owner_user_id=owner_user_id, now_ms=now_ms)

    @classmethod
    def _new(cls, *, now_ms: int, **fields: object) -> Self:
        own_id, now = new_id(now_ms), timestamp(now_ms)
        return cls.checked(id=own_id, tenant_id=own_id, created_at=now, updated_at=now, **fields)
