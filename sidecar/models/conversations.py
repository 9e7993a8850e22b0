"""A conversation with an AI."""

from typing import Any, Literal, Self

from pydantic import Field

from sidecar.models.base import Count, Id, LongText, Name, Record, Related, Tags

Status = Literal["active", "archived", "deleted"]


class Conversation(Record):
    """A conversation; its messages are records of their own.

    Attributes:
        workspace_session_id: The session it was begun in.
        ai_provider: Who answers.
        message_count: How many messages it has; counted with them, not by whoever writes the record.
        token_count: The sum of their tokens; the same.
        summary: What it came to.
    """

    user_id: Id
    workspace_session_id: Id | None = None
    ai_provider: Name
    title: Name
    description: LongText = ""
    tags: Tags = Field(default_factory=list)
    status: Status = "active"
    message_count: Count = 0
    token_count: Count = 0
    related_conversations: Related = Field(default_factory=list)
    summary: LongText = ""

    @classmethod
    def new(
        cls,
        *,
        tenant_id: str,
        user_id: str,
        ai_provider: str,
        title: str,
        now_ms: int,
        **fields: Any,  # noqa: ANN401 - any other field of the model; checked
    ) -> Self:
        """Build a conversation that is not stored yet."""
        return cls.made(
            tenant_id=tenant_id, now_ms=now_ms, user_id=user_id, ai_provider=ai_provider, title=title, **fields
        )
