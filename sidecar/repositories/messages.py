"""Messages, in the order of their creation, and the counts of their conversations."""

from typing import Any
from uuid import UUID

from sidecar import limits
from sidecar.errors import InvalidError
from sidecar.ids import id_behind
from sidecar.models.messages import Message
from sidecar.repositories import counters, keys
from sidecar.repositories.base import Counter, Index, Repository
from sidecar.repositories.indexes import ID_BYTES
from sidecar.repositories.paging import check_limit
from sidecar.repositories.transactions import Reading
from sidecar.store.engine import KeySelector

BY_CONVERSATION = Index[Message](
    keys.MESSAGES_BY_CONVERSATION, tails=lambda message: [(keys.id_element(message.conversation_id),)]
)
COUNT = Counter[Message](
    keys.MESSAGE_COUNTS, under=lambda message: (keys.id_element(message.conversation_id),), amount=lambda _: 1
)
TOKENS = Counter[Message](
    keys.TOKEN_COUNTS,
    under=lambda message: (keys.id_element(message.conversation_id),),
    amount=lambda message: message.token_count,
)


class Messages(Repository[Message]):
    """The messages of one tenant."""

    kind = "messages"
    primary = keys.MESSAGES
    model = Message
    indexes = (BY_CONVERSATION,)
    counters = (COUNT, TOKENS)
    large = True
    served_as_stored = True

    def list_by_conversation(
        self, tr: Reading, conversation_id: str, *, offset: int = 0, limit: int = limits.page_items_default
    ) -> list[Message]:
        """Return ``limit`` messages of a conversation, oldest first, behind the first ``offset``.

        What is skipped is counted off in the index, whose entries have no values, from the nearer end.
        """
        check_limit(limit)
        if offset < 0:
            raise InvalidError(f"offset is {offset}; it can not be negative.")
        begin, end = self.spaces[BY_CONVERSATION.name].range((keys.id_element(conversation_id),))
        count = self.count(tr, conversation_id)
        if offset and offset <= count // 2:
            begin = max(begin, tr.kv.get_key(_moved(begin, offset), snapshot=True))
        elif offset:
            begin = max(begin, tr.kv.get_key(_moved(end, offset - count), snapshot=True)) if offset < count else end
        rows = tr.kv.get_range(begin, end, limit=limit)
        return self._named(tr, BY_CONVERSATION, rows)

    def behind_all(self, tr: Reading, message: Message) -> Message:
        """Return a new message with an id behind all of its conversation: since those the clock may have gone back.

        Adds no read conflict: of those who add at once each has an id of their own.
        """
        between = self.spaces[BY_CONVERSATION.name].range((keys.id_element(message.conversation_id),))
        rows = tr.kv.get_range(*between, limit=1, reverse=True, snapshot=True)
        last = str(UUID(bytes=rows[0][0][-ID_BYTES:])) if rows else ""
        if message.id >= last:
            return message
        return message.model_copy(update={"id": max(message.id, id_behind(last))})

    def count(self, tr: Reading, conversation_id: str) -> int:
        """Return how many messages a conversation has."""
        return counters.value(tr, COUNT.key(self.tenant, (keys.id_element(conversation_id),)))

    def count_tokens(self, tr: Reading, conversation_id: str) -> int:
        """Return the sum of the tokens of a conversation's messages."""
        return counters.value(tr, TOKENS.key(self.tenant, (keys.id_element(conversation_id),)))

    def hint(self, record: Message) -> dict[str, Any]:
        """Return the conversation that it belongs to."""
        return {"conversation_id": record.conversation_id}


def _moved(key: bytes, steps: int) -> KeySelector:
    """Select the key so many keys behind (or, negative, before) the first one at or above ``key``."""
    return KeySelector(key, or_equal=False, offset=1 + steps)
