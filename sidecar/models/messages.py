"""A message of a conversation."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sidecar import limits
from sidecar.models.base import Content, Count, Id, Name, Record

MessageRole = Literal["user", "assistant", "system"]


class Message(Record):
    """What one side said.

    Attributes:
        model: Which one answered; None where a person spoke.
        token_count: As its provider counts them.
    """

    conversation_id: Id
    role: MessageRole
    content: Content
    model: Name | None = None
    token_count: Annotated[Count, Field(le=limits.token_count_max)] = 0

    @classmethod
    def new(
        cls,
        *,
        tenant_id: str,
        conversation_id: str,
        role: MessageRole,
        content: str,
        now_ms: int,
        **fields: Any,  # noqa: ANN401 - any other field of the model; checked
    ) -> Self:
        """Build a message that is not stored yet."""
        return cls.made(
            tenant_id=tenant_id,
            now_ms=now_ms,
            conversation_id=conversation_id,
            role=role,
            content=content,
            **fields,
        )
