"""Conversations. How many messages and tokens they have is counted by ``messages`` and added when they are read."""

from typing import Any

from sidecar import limits
from sidecar.models.conversations import Conversation
from sidecar.repositories import counters, keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.transactions import Reading, Writing

BY_USER = Index[Conversation](
    keys.CONVERSATIONS_BY_USER, tails=lambda conversation: [(keys.id_element(conversation.user_id),)]
)
BY_SESSION = Index[Conversation](
    keys.CONVERSATIONS_BY_SESSION,
    tails=lambda conversation: (
        [(keys.id_element(conversation.workspace_session_id),)] if conversation.workspace_session_id else []
    ),
)


class Conversations(Repository[Conversation]):
    """The conversations of one tenant."""

    kind = "conversations"
    primary = keys.CONVERSATIONS
    model = Conversation
    indexes = (BY_USER, BY_SESSION)
    large = True

    def list_by_user(
        self, tr: Reading, user_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[Conversation]:
        """Return a page of a user's conversations, the newest first."""
        under = (keys.id_element(user_id),)
        return self.list_by(tr, BY_USER, under=under, cursor=cursor, limit=limit, reverse=True)

    def get_by_session(
        self, tr: Reading, session_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[Conversation]:
        """Return a page of the conversations begun in a workspace session, the newest first."""
        under = (keys.id_element(session_id),)
        return self.list_by(tr, BY_SESSION, under=under, cursor=cursor, limit=limit, reverse=True)

    def clear_counts(self, tr: Writing, conversation_id: str) -> None:
        """Forget the counts of a conversation that is gone, with all its messages."""
        for name in (keys.MESSAGE_COUNTS, keys.TOKEN_COUNTS):
            tr.kv.clear(self._count_key(name, conversation_id))

    def hint(self, record: Conversation) -> dict[str, Any]:
        """Return whose it is and where it was begun."""
        return {"user_id": record.user_id, "workspace_session_id": record.workspace_session_id}

    def stored_form(self, record: Conversation) -> Conversation:
        """Return the record without its counts."""
        return record.model_copy(update={"message_count": 0, "token_count": 0})

    def decoded(self, tr: Reading, value: bytes) -> Conversation:
        """Return the record of stored bytes, with its counts."""
        stored = super().decoded(tr, value)
        messages = counters.value(tr, self._count_key(keys.MESSAGE_COUNTS, stored.id))
        tokens = counters.value(tr, self._count_key(keys.TOKEN_COUNTS, stored.id))
        return stored.model_copy(update={"message_count": messages, "token_count": tokens})

    def _count_key(self, name: str, conversation_id: str) -> bytes:
        return self.tenant.space(name).pack((keys.id_element(conversation_id),))
