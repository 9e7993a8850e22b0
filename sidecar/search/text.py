"""What is found of a record, and how a person's words become a query that can not be wrong."""

import unicodedata
from typing import NamedTuple

from sidecar import limits
from sidecar.models.conversations import Conversation
from sidecar.models.editing import Memory, Note
from sidecar.models.messages import Message
from sidecar.models.workspace_sessions import SessionSummary


class Entry(NamedTuple):
    """What the index keeps of one record.

    Attributes:
        kind: The plural noun of the record: ``sessions``, ``conversations``, ``messages``.
        owner_id: The user whose it is.
        place_id: The session or conversation to open it in.
        title: Weighs most in the ranking.
        body: The rest.
    """

    kind: str
    id: str
    owner_id: str
    place_id: str
    title: str
    body: str


def of_session(session: SessionSummary, memory: Memory) -> Entry:
    """Return what is found of a session: its name and tags, its facts and decisions."""
    notes = [*memory.facts, *memory.decisions]
    body = "\n".join(each.text if isinstance(each, Note) else each for each in notes)
    title = " ".join((session.name, *session.tags))
    return Entry("sessions", session.id, session.user_id, session.id, _composed(title), _bounded(body))


def of_conversation(conversation: Conversation) -> Entry:
    """Return what is found of a conversation: its title and tags, its description and summary."""
    title = " ".join((conversation.title, *conversation.tags))
    body = f"{conversation.description}\n{conversation.summary}"
    return Entry(
        "conversations", conversation.id, conversation.user_id, conversation.id, _composed(title), _composed(body)
    )


def of_message(message: Message, conversation: Conversation) -> Entry:
    """Return what is found of a message: its text."""
    return Entry("messages", message.id, conversation.user_id, conversation.id, "", _bounded(message.content))


def match_of(words: str) -> str | None:
    """Return the FTS5 query for what a person typed, or None when it holds no word.

    Each word is quoted, so that nothing in it is syntax; all must be there, and the last may be the beginning of one.
    """
    apart = "".join(char if _is_of_word(char) else " " for char in _composed(words)).split()
    found = [word for word in apart if any(map(str.isalnum, word))][: limits.search_words_max]
    quoted = [f'"{word}"' for word in found]
    return None if not quoted else " ".join((*quoted[:-1], quoted[-1] + ("*" if words[-1:].strip() else "")))


def _is_of_word(char: str) -> bool:
    """Tell whether a character is of a word; accents and vowels that are characters of their own are."""
    return char.isalnum() or char == "_" or unicodedata.category(char).startswith("M")


def _composed(text: str) -> str:
    """Return a text with each letter in its one spelling: macOS, for one, gives accents as characters of their own."""
    return unicodedata.normalize("NFC", text)


def _bounded(text: str) -> str:
    return _composed(text[: limits.search_text_chars_max])
