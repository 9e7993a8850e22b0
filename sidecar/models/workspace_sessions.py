"""A workspace session: what a developer had open, and what for.

Three shapes of one record: ``SessionSummary`` is what lists show, ``WorkspaceSession`` has the state too, and
``StoredSession`` names the parts of the state by the hashes of their contents. A fork and a snapshot copy those names.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from sidecar import limits
from sidecar.ids import new_id
from sidecar.models.base import Count, Id, Name, Path, Record, Related, Tags, Text, Time, Value, timestamp
from sidecar.models.editing import Breakpoint, EditorState, Memory, TerminalState

PartName = Literal["editor", "terminals", "breakpoints", "files", "context", "memory"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Paths = Annotated[list[Path], Field(max_length=limits.session_files_max)]


class SessionSummary(Record):
    """A session without its state.

    Attributes:
        workspace_path: Root of the workspace it belongs to.
        parent_session_id: What it was forked from, while that exists.
        last_active_at: When it was last changed.
    """

    user_id: Id
    name: Name
    workspace_path: Path
    git_branch: Text | None = None
    conversation_id: Id | None = None
    parent_session_id: Id | None = None
    related_sessions: Related = Field(default_factory=list)
    tags: Tags = Field(default_factory=list)
    last_active_at: Time

    def fork(self, *, now_ms: int, user_id: str, name: str | None = None) -> Self:
        """Return a user's new session that starts from this one's state, and has it for a parent."""
        now = timestamp(now_ms)
        return self.changed(
            id=new_id(now_ms),
            user_id=user_id,
            name=self.name if name is None else name,
            created_at=now,
            updated_at=now,
            last_active_at=now,
            version=1,
            parent_session_id=self.id,
        )

    def changed(self, **fields: Any) -> Self:  # noqa: ANN401 - the point is to check values of any kind
        """Return a copy with some fields changed, checked."""
        return type(self).checked(**{**dict(self), **fields})


class WorkspaceSession(SessionSummary):
    """A session with its state.

    Attributes:
        active_files: Files that are worked on.
        context_files: Files that a conversation is given.
    """

    active_files: Paths = Field(default_factory=list)
    editor_state: EditorState = Field(default_factory=EditorState)
    terminal_state: TerminalState = Field(default_factory=TerminalState)
    breakpoints: Annotated[list[Breakpoint], Field(max_length=limits.breakpoints_max)] = Field(default_factory=list)
    context_files: Paths = Field(default_factory=list)
    memory: Memory = Field(default_factory=Memory)

    @classmethod
    def new(
        cls,
        *,
        tenant_id: str,
        user_id: str,
        name: str,
        workspace_path: str,
        now_ms: int,
        **fields: Any,  # noqa: ANN401 - any other field of the model; checked
    ) -> Self:
        """Build a session that is not stored yet."""
        return cls.made(
            tenant_id=tenant_id,
            now_ms=now_ms,
            user_id=user_id,
            name=name,
            workspace_path=workspace_path,
            last_active_at=timestamp(now_ms),
            **fields,
        )


class Hole(Value):
    """A long string that is kept apart: where its JSON belongs in the part's text, and its hash."""

    at: Count
    sha256: Sha256


class Part(Value):
    """One part of a session's state, by hash.

    Attributes:
        sha256: Of its JSON text, in which the long strings are left out.
        holes: Those, in the order of the text.
        size: Bytes of the whole JSON.
    """

    sha256: Sha256
    holes: tuple[Hole, ...] = ()
    size: Count

    def hashes(self) -> set[str]:
        """Return every hash that the part is made of."""
        return {self.sha256, *(hole.sha256 for hole in self.holes)}


Parts = dict[PartName, Part]


class StoredSession(SessionSummary):
    """A session as stored; a part that is absent is empty."""

    parts: Parts = Field(default_factory=dict)

    def summary(self) -> SessionSummary:
        """Return what lists show."""
        return SessionSummary.model_construct(**{name: getattr(self, name) for name in SessionSummary.model_fields})

    def to_json(self) -> bytes:
        """Return the JSON of the summary: how the state is kept is nobody else's business."""
        return self.__pydantic_serializer__.to_json(self, exclude={"parts"})

    def stored_json(self) -> bytes:
        """Return the JSON text that is stored, the parts in it."""
        return self.__pydantic_serializer__.to_json(self)
