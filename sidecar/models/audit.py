"""An entry of the audit trail: who did what, from where."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from sidecar import limits
from sidecar.models.auth_sessions import ClientText
from sidecar.models.base import Id, JsonObject, Record

# ``session.created``: a noun in the singular, and a verb in the past tense
EventType = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$", max_length=limits.event_type_chars_max),
]


class Audit(Record):
    """One thing that was done.

    Attributes:
        user_id: Who did it; None where it is not known, as at a failed login.
        event_data: What an auditor needs beside; never a secret.
        session_id: The login it was done in.
        workspace_session_id: The workspace session it was done in, or to.
    """

    user_id: Id | None = None
    event_type: EventType
    event_data: JsonObject = Field(default_factory=dict)
    session_id: Id | None = None
    workspace_session_id: Id | None = None
    ip_address: ClientText = ""
    user_agent: ClientText = ""

    @classmethod
    def new(
        cls,
        *,
        tenant_id: str,
        event_type: str,
        now_ms: int,
        user_id: str | None = None,
        **fields: Any,  # noqa: ANN401 - any other field of the model; checked
    ) -> Self:
        """Build an entry that is not stored yet."""
        return cls.made(tenant_id=tenant_id, now_ms=now_ms, user_id=user_id, event_type=event_type, **fields)
