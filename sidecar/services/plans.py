"""What a tenant's plan allows, checked at the end of every transaction on behalf of a user.

One place for all kinds of records: who stores a user, a session or a large value need not think of plans. Counters are
kept by the repositories, so that a check reads three keys.
"""

from collections import Counter
from collections.abc import Mapping

from sidecar import limits
from sidecar.errors import LimitExceededError
from sidecar.models.tenants import TenantLimits
from sidecar.repositories import counters, keys
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Actor, Reading, Writing
from sidecar.services.audit import SESSIONS, write_trail

_COUNTED = {"users": "users_max", SESSIONS: "workspace_sessions_max"}


def finish(tr: Writing, actor: Actor) -> None:
    """Check the plan and write the trail: what ``Database`` calls at the end of a body on behalf of ``actor``.

    Raises:
        LimitExceededError: The tenant's plan does not allow what the body did; nothing is written.
    """
    for tenant, changes in tr.changes().items():
        created = Counter(change.kind for change in changes if change.op == "created")
        if any(change.op != "deleted" for change in changes):
            check(tr, tenant, created)
    write_trail(tr, actor)


def check(tr: Reading, tenant: TenantKeys, created: Mapping[str, int]) -> None:
    """Compare what a tenant has, with what this transaction adds, with its plan.

    Far below a bound a count is read without depending on it: of many who store at once, all but one would otherwise
    run again each time. Near it, and of a transaction that stores several, it is: no plan is ever passed.

    Args:
        created: Of which kinds this transaction has stored new records, and how many.

    Raises:
        LimitExceededError: There is more than the plan allows.
    """
    record = Tenants(tenant).find(tr, tenant.tenant_id)
    if record is None:
        return
    plan = record.settings.limits
    for kind in created & _COUNTED.keys():
        name, key = _COUNTED[kind], tenant.space(keys.RECORD_COUNTS).pack((kind,))
        count = counters.value(tr, key)
        if created[kind] > 1 or count > getattr(plan, name) - limits.plan_exact_within:
            count = counters.value(tr, key, exact=True)
        _compare(count, plan, name, kind)
    _compare(counters.value(tr, tenant.space(keys.BLOB_BYTES).raw), plan, "storage_bytes_max", "bytes")


def _compare(has: int, plan: TenantLimits, name: str, unit: str) -> None:
    allowed = getattr(plan, name)
    if has > allowed:
        raise LimitExceededError(
            f"The tenant's plan allows {allowed} {unit}; remove some first.", code="plan_limit", details={name: allowed}
        )
