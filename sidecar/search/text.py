"""What is found of a record, and how a person's words become a query that can not be wrong."""

import re
import unicodedata
from itertools import islice, takewhile
from typing import NamedTuple

from sidecar import limits
from sidecar.models.conversations import Conversation
from sidecar.models.editing import Memory, Note
from sidecar.models.messages import Message
from sidecar.models.workspace_sessions import SessionSummary

TOKENIZER = "unicode61 remove_diacritics 2"
_CUT = "\x01"  # between the words of scripts that are written without spaces; of no word, and shown to nobody
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_ANY_UNSPACED = re.compile(f"[{_UNSPACED}]")
_BESIDE_UNSPACED = re.compile(f"(?<=[{_UNSPACED}])(?=\\w)|(?<=\\w)(?=[{_UNSPACED}])")
_MARKED = re.compile("\x02([^\x03]*)\x03")


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
    return Entry("sessions", session.id, session.user_id, session.id, _cut(title), _bounded(body))


def of_conversation(conversation: Conversation) -> Entry:
    """Return what is found of a conversation: its title and tags, its description and summary."""
    title = " ".join((conversation.title, *conversation.tags))
    body = f"{conversation.description}\n{conversation.summary}"
    return Entry("conversations", conversation.id, conversation.user_id, conversation.id, _cut(title), _cut(body))


def of_message(message: Message, conversation: Conversation) -> Entry:
    """Return what is found of a message: its text."""
    return Entry("messages", message.id, conversation.user_id, conversation.id, "", _bounded(message.content))


def terms_of(words: str) -> tuple[str, ...]:
    """Return the terms of FTS5 queries for what a person typed, each once; none when it holds no word.

    Each word is quoted, so that nothing in it is syntax; the last may be the beginning of one.
    """
    apart = "".join(char if _is_of_word(char) else " " for char in _composed(words)).split()
    found = [word for word in apart if any(map(str.isalnum, word))][: limits.search_words_max]
    quoted = [f'"{_cut(word)}"' for word in found]
    if quoted and words[-1:].strip():
        quoted[-1] += "*"
    return tuple({term.casefold(): term for term in quoted}.values())


def _is_of_word(char: str) -> bool:
    """Tell whether a character is of a word; accents and vowels that are characters of their own are."""
    return char.isalnum() or char == "_" or unicodedata.category(char).startswith("M")


def _cut(text: str) -> str:
    """Return a composed text with each character of scripts without spaces as a word of its own.

    Where such a word begins and ends is a matter of dictionaries; so any part of a run of them is found, as a phrase.
    """
    composed = _composed(text)
    return _BESIDE_UNSPACED.sub(_CUT, composed) if _ANY_UNSPACED.search(composed) else composed


def uncut(text: str) -> str:
    """Return what was cut as it was."""
    return text.replace(_CUT, "")


def _composed(text: str) -> str:
    """Return a text with each letter in its one spelling: macOS, for one, gives accents as characters of their own."""
    return unicodedata.normalize("NFC", text)


def excerpt(text: str) -> str:
    """Return a part of a text whose matching words stand between the characters 2 and 3.

    It is the one where most different ones stand close together, with `…` where it is cut.
    """
    marks = list(islice(_MARKED.finditer(text), limits.search_marks_max))
    if not marks:
        return text[: limits.search_snippet_chars]

    def different(at: int) -> int:
        end = marks[at].start() + limits.search_snippet_chars // 2
        near = takewhile(lambda each: each.end() <= end, marks[at : at + limits.search_words_max])
        return len({each[1].casefold() for each in near})

    first = marks[max(range(len(marks)), key=different)].start()  # of equals the first
    begin = max(first - limits.search_snippet_chars // 4, 0)
    end = begin + limits.search_snippet_chars
    if begin:
        begin = max(begin, text.find(" ", begin - 1, first) + 1)
    if end < len(text):
        end = text.rfind(" ", first, end) if " " in text[first:end] else end
    return ("…" if begin else "") + _paired(text[begin:end]) + ("…" if end < len(text) else "")


def _paired(part: str) -> str:
    """Return a part of a text without half of a pair of marks."""
    if part.find("\x03") < part.find("\x02"):
        part = part.replace("\x03", "", 1)
    return part + "\x03" if part.rfind("\x02") > part.rfind("\x03") else part


def _bounded(text: str) -> str:
    return _cut(text[: limits.search_text_chars_max])
