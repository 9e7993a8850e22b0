"""A session's state, split into parts that are stored by the hash of their content.

Each state field of a ``WorkspaceSession`` is one part, and an empty one is not stored. A part is the JSON text of its
field with every string of ``limits.state_hole_bytes_min`` bytes or more cut out, wherever in the tree it stands
(an unsaved buffer, a terminal's scrollback, a field of an IDE that we do not know). The cut leaves nothing: a *hole* is
an offset in the text and the hash of the string's own JSON. So to move the cursor in a session with a 5 MB unsaved
buffer is to store a text of some kilobytes that names the same buffer, and the API's answer is put together from
slices of bytes, without parsing any of it.

To type into that buffer stores it anew; what nobody names any more goes at once. Cutting buffers into chunks by their
content would save that, and is not worth its complexity at what an editor sends.
"""

from collections.abc import Container, Iterator, Mapping
from typing import Any, Final, NamedTuple, get_args

from pydantic import TypeAdapter, ValidationError

from sidecar import limits
from sidecar.errors import LimitExceededError
from sidecar.models.base import invalid
from sidecar.models.workspace_sessions import Hole, Part, PartName, Parts, WorkspaceSession
from sidecar.repositories.blobs import Blobs, digest_of
from sidecar.repositories.transactions import Reading, Writing

FIELDS: Final[Mapping[PartName, str]] = {
    "editor": "editor_state",
    "terminals": "terminal_state",
    "breakpoints": "breakpoints",
    "files": "active_files",
    "context": "context_files",
    "memory": "memory",
}
assert set(FIELDS) == set(get_args(PartName))  # noqa: S101 - the two lists stand in two rooms
_PART_OF: Final = {field: part for part, field in FIELDS.items()}


def _adapter(field: str) -> TypeAdapter[Any]:
    info = WorkspaceSession.model_fields[field]
    return TypeAdapter(info.rebuild_annotation())


_ADAPTERS: Final = {field: _adapter(field) for field in FIELDS.values()}
_EMPTY: Final = {
    field: _ADAPTERS[field].dump_json(WorkspaceSession.model_fields[field].get_default(call_default_factory=True))
    for field in FIELDS.values()
}


class Split(NamedTuple):
    """A part and, by digest, the contents that it names, not stored yet; no part when the field is empty."""

    part: Part | None
    contents: dict[bytes, bytes]


def state_of(fields: Mapping[str, object]) -> dict[str, object]:
    """Return those of some fields of a session that are state."""
    return {name: value for name, value in fields.items() if name in _ADAPTERS}


def split(fields: Mapping[str, object]) -> dict[PartName, Split]:
    """Return the parts that some state fields make.

    Raises:
        InvalidError: A field is not what the model allows.
    """
    return {_PART_OF[name]: _split(name, value) for name, value in fields.items()}


def store(tr: Writing, blobs: Blobs, parts: Parts, splits: Mapping[PartName, Split]) -> Parts:
    """Store what is split, as far as it is not there, and return the parts of the session with it.

    Raises:
        LimitExceededError: The whole state would be too large.
    """
    for each in splits.values():
        for digest, content in each.contents.items():
            blobs.ensure(tr, digest, content)
    return with_splits(parts, splits)


def with_splits(parts: Parts, splits: Mapping[PartName, Split]) -> Parts:
    """Return the parts of a session with what is split.

    Raises:
        LimitExceededError: The whole state would be too large.
    """
    after = {name: part for name, part in parts.items() if name not in splits}
    after.update((name, each.part) for name, each in splits.items() if each.part is not None)
    size = sum(part.size for part in after.values())
    if size > limits.session_state_bytes_max:
        raise LimitExceededError(
            f"The state of a session may have {limits.session_state_bytes_max} bytes; this one would have {size}."
        )
    return after


def digests(parts: Parts) -> set[bytes]:
    """Return the names of all blobs that parts are made of."""
    return {bytes.fromhex(each) for part in parts.values() for each in part.hashes()}


def json_of(
    tr: Reading, blobs: Blobs, parts: Parts, fields: Container[str] = frozenset(FIELDS.values())
) -> Iterator[tuple[str, bytes]]:
    """Yield each state field of a session, or each of some, and its JSON."""
    for name, field in FIELDS.items():
        if field in fields:
            part = parts.get(name)
            yield field, _EMPTY[field] if part is None else text_of(tr, blobs, part)


def text_of(tr: Reading, blobs: Blobs, part: Part) -> bytes:
    """Return the JSON of a part, put together."""
    text = blobs.get(tr, bytes.fromhex(part.sha256))
    pieces: list[bytes] = []
    done = 0
    for hole in part.holes:
        pieces += (text[done : hole.at], blobs.get(tr, bytes.fromhex(hole.sha256)))
        done = hole.at
    return b"".join((*pieces, text[done:]))


def _split(field: str, value: object) -> Split:
    adapter = _ADAPTERS[field]
    try:
        text = adapter.dump_json(adapter.validate_python(value))
    except ValidationError as error:
        raise invalid(f"WorkspaceSession: {field}", error) from None
    return Split(None, {}) if text == _EMPTY[field] else _punched(text)


def _punched(text: bytes) -> Split:
    contents: dict[bytes, bytes] = {}
    holes: list[Hole] = []
    pieces: list[bytes] = []
    done = at = 0
    for begin, end in long_strings(text, limits.state_hole_bytes_min):
        pieces.append(text[done:begin])
        at += begin - done
        content = text[begin:end]
        digest = digest_of(content)
        contents[digest] = content
        holes.append(Hole(at=at, sha256=digest.hex()))
        done = end
    pieces.append(text[done:])
    punched = b"".join(pieces)
    own = digest_of(punched)
    part = Part(sha256=own.hex(), holes=tuple(holes), size=len(text))
    return Split(part, {**contents, own: punched})


def long_strings(text: bytes, bytes_min: int) -> Iterator[tuple[int, int]]:
    """Yield where the long strings of a JSON text begin and end, their quotes included; names of members are none.

    Looks at the text only every ``bytes_min`` bytes: a string of that many can not lie between two such places.

    Args:
        text: Without space between its tokens.
        bytes_min: Of a long string, between its quotes.
    """
    plain = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")  # now each quote begins or ends a string
    quotes = counted = 0
    place = bytes_min
    while place <= len(plain):
        begin, end = plain.rfind(b'"', counted, place), plain.find(b'"', place)
        if end < 0:
            return
        if begin >= 0 and end - begin > bytes_min:
            quotes, counted = quotes + plain.count(b'"', counted, begin), begin
            if quotes % 2 == 0 and plain[end + 1 : end + 2] != b":":
                yield begin, end + 1
        place = max(place + bytes_min, end + 1)
