"""A snapshot: a session's state at a time, as the hashes of its parts."""

from typing import Literal, Self

from pydantic import Field

from sidecar.models.base import Id, Name, Record
from sidecar.models.workspace_sessions import PartName, Parts, StoredSession

Reason = Literal["auto", "manual", "restore"]
# What a developer remembers and decided is no view to go back to: a restore leaves the memory as it is.
SNAPSHOT_PARTS: tuple[PartName, ...] = ("editor", "terminals", "breakpoints", "files", "context")


class Snapshot(Record):
    """A session's state at ``created_at``.

    Attributes:
        reason: ``auto``: on a change; ``manual``: somebody asked; ``restore``: of what a restore was about to replace.
        label: A name; labelled snapshots are never thinned.
    """

    workspace_session_id: Id
    reason: Reason
    label: Name | None = None
    parts: Parts = Field(default_factory=dict)

    @classmethod
    def new(cls, session: StoredSession, *, reason: Reason, now_ms: int, label: str | None = None) -> Self:
        """Build the snapshot of a session as it is stored."""
        parts = {name: part for name, part in session.parts.items() if name in SNAPSHOT_PARTS}
        return cls.made(
            tenant_id=session.tenant_id,
            now_ms=now_ms,
            workspace_session_id=session.id,
            reason=reason,
            label=label,
            parts=parts,
        )

    def to_json(self) -> bytes:
        """Return the JSON that is served: how the state is kept is nobody else's business."""
        return self.__pydantic_serializer__.to_json(self, exclude={"parts"})

    def stored_json(self) -> bytes:
        """Return the JSON text that is stored, the parts in it."""
        return self.__pydantic_serializer__.to_json(self)
