"""A workspace: a folder that the daemon watches, and how far its index is."""

from typing import Literal, Self

from sidecar.ids import new_id
from sidecar.models.base import Path, Record, Value, timestamp

WorkspaceState = Literal["scanning", "watching", "polling", "frozen", "stopped"]


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


class WorkspaceProgress(Value):
    """How far a workspace's index is; kept in memory only.

    Attributes:
        state: ``scanning`` compares the whole tree; ``watching`` follows events; ``polling`` compares now and then
            because
            the system gives no events; ``frozen`` has lost its root and keeps what it knows; ``stopped`` does nothing.
        files_seen: Files that the comparison under way, or the last one, found on disk.
        files_hashed: Of those, read and hashed.
        files_indexed: Of those, written to the store.
        bytes_hashed: Bytes read for it.
        seconds: How long the comparison has taken so far, or took.
        files_expected: How many files it will find, as far as that is known: as many as the last one found, or as git
            tracks.
        files_per_second: Found so far, by the time that it has taken.
        seconds_left: At that rate, to ``files_expected``; None where there is nothing to go by.
        warnings: What the user should know, one sentence each.
    """

    state: WorkspaceState
    files_seen: int = 0
    files_hashed: int = 0
    files_indexed: int = 0
    bytes_hashed: int = 0
    seconds: float = 0.0
    files_expected: int | None = None
    files_per_second: float = 0.0
    seconds_left: float | None = None
    warnings: tuple[str, ...] = ()
