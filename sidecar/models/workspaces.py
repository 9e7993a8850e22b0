"""A workspace: a folder that the daemon watches."""

from typing import Self

from sidecar.ids import new_id
from sidecar.models.base import Path, Record, timestamp


class Workspace(Record):
    """A watched root.

    Attributes:
        path: Absolute, without symbolic links, as the operating system spells it.
    """

    path: Path

    @classmethod
    def new(cls, *, tenant_id: str, path: str, now_ms: int) -> Self:
        """Build a workspace that is not stored yet."""
        now = timestamp(now_ms)
        return cls.checked(id=new_id(now_ms), tenant_id=tenant_id, created_at=now, updated_at=now, path=path)
