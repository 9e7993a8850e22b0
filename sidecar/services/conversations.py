"""Conversations and the messages in them."""

from sidecar.errors import ConflictError
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.cascades import Cascades


class ConversationService:
    """Changes conversations.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cascades = Cascades(database)

    async def create(self, tenant: TenantKeys, conversation: Conversation) -> Conversation:
        """Store a new conversation; its user's session that it is begun in, if it has none yet, has it for its own.

        Raises:
            NotFoundError: There is no such session.
        """

        def body(tr: Writing) -> Conversation:
            stored = Conversations(tenant).create(tr, conversation)
            if conversation.workspace_session_id is not None:
                sessions = WorkspaceSessions(tenant)
                session = sessions.get(tr, conversation.workspace_session_id)
                if session.conversation_id is None and session.user_id == conversation.user_id:
                    sessions.update(tr, session.id, {"conversation_id": conversation.id})
            return stored

        return await self._database.transact(body)

    async def add_message(self, tenant: TenantKeys, message: Message) -> Message:
        """Store a new message behind all others. Many may do so at once: none of them writes what another reads.

        Raises:
            NotFoundError: There is no such conversation.
            ConflictError: It is deleted.
        """

        def body(tr: Writing) -> Message:
            conversation = Conversations(tenant).get(tr, message.conversation_id)
            if conversation.status == "deleted":
                raise ConflictError("The conversation is deleted; nothing can be added to it.")
            messages = Messages(tenant)
            return messages.create(tr, messages.behind_all(tr, message))

        return await self._database.transact(body)

    async def delete(self, tenant: TenantKeys, conversation_id: str, *, if_version: int | None = None) -> None:
        """Delete a conversation and its messages."""
        await self._cascades.delete_conversation(tenant, conversation_id, if_version=if_version)
