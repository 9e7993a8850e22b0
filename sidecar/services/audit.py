"""The audit trail: who did what, from where, written in the transaction in which it is done.

What a user changes is told by ``write_trail``, which every transaction on behalf of an actor ends with: no handler and
no service writes such a row itself. What happens to logins is told by the services of logins, through ``record``,
because failures change nothing else.
"""

from collections import defaultdict
from typing import NamedTuple

from sidecar import limits
from sidecar.ids import new_id
from sidecar.models.audit import Audit
from sidecar.models.base import timestamp
from sidecar.models.changes import Change
from sidecar.repositories.audit import Audits
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Actor, Writing

SESSIONS = "sessions"
_TOLD_APART = frozenset({"auth_sessions", "audit"})  # logins have events of their own; a row about rows has no end


class Device(NamedTuple):
    """Where a request comes from, as far as it can be told, and which workspace session it says it works in."""

    ip_address: str
    user_agent: str
    workspace_session_id: str | None = None


def record(
    tr: Writing,
    tenant: TenantKeys,
    event_type: str,
    device: Device,
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    **data: str,
) -> None:
    """Write one row.

    Args:
        session_id: The login.
        data: More about it; never a secret, and nothing that was typed into a field for a name or a password.
    """
    row = Audit.new(
        tenant_id=tenant.tenant_id,
        event_type=event_type,
        now_ms=tr.now_ms,
        user_id=user_id,
        session_id=session_id,
        event_data=data,
        ip_address=device.ip_address[: limits.client_text_chars_max],
        user_agent=device.user_agent[: limits.client_text_chars_max],
    )
    Audits(tenant).add(tr, row)


def write_trail(tr: Writing, actor: Actor) -> None:
    """Write what a transaction has changed: one row for each kind of record and of change."""
    for tenant, changes in tr.changes().items():
        groups: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if change.kind not in _TOLD_APART:
                groups[event_type(change)].append(change)
        for group in groups.values():
            Audits(tenant).add(tr, _row(tr, tenant, actor, group))


def event_type(change: Change) -> str:
    """Return what the trail calls a change: ``session.created``."""
    return f"{change.kind.removesuffix('s')}.{change.op}"


def _row(tr: Writing, tenant: TenantKeys, actor: Actor, group: list[Change]) -> Audit:
    """Return a group's row; not checked again, for all of it was checked with the login and with the records."""
    ids, now = [change.id for change in group], timestamp(tr.now_ms)
    is_one_session = group[0].kind == SESSIONS and len(ids) == 1
    return Audit.model_construct(
        id=new_id(tr.now_ms),
        tenant_id=tenant.tenant_id,
        created_at=now,
        updated_at=now,
        event_type=event_type(group[0]),
        user_id=actor.user_id,
        session_id=actor.auth_session_id,
        workspace_session_id=ids[0] if is_one_session else None,
        event_data={"ids": list(ids[: limits.audit_ids_max]), "count": len(ids)},
        ip_address=actor.ip_address[: limits.client_text_chars_max],
        user_agent=actor.user_agent[: limits.client_text_chars_max],
    )
