"""A session's state, split into parts that are stored by the hash of their content.

Each state field of a ``WorkspaceSession`` is one part, and an empty one is not stored. A part is the JSON text of its
field with every string of ``limits.state_hole_chars_min`` characters or more cut out, wherever in the tree it stands
(an unsaved buffer, a terminal's scrollback, a field of an IDE that we do not know). The cut leaves nothing: a *hole* is
an offset in the text and the hash of the string's own JSON. So to move the cursor in a session with a 5 MB unsaved
buffer is to store a text of some kilobytes that names the same buffer, and the API's answer is put together from
slices of bytes, without parsing any of it.

To type into that buffer stores it anew; what nobody names any more goes at once. Cutting buffers into chunks by their
content would save that, and is not worth its complexity at what an editor sends.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
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
    stored = dict(parts)
    for name, (part, contents) in splits.items():
        for digest, content in contents.items():
            blobs.ensure(tr, digest, content)
        if part is None:
            stored.pop(name, None)
        else:
            stored[name] = part
    size = sum(part.size for part in stored.values())
    if size > limits.session_state_bytes_max:
        raise LimitExceededError(
            f"The state of a session may have {limits.session_state_bytes_max} bytes; this one would have {size}."
        )
    return stored


def digests(parts: Parts) -> set[bytes]:
    """Return the names of all blobs that parts are made of."""
    return {bytes.fromhex(each) for part in parts.values() for each in part.hashes()}


def json_of(tr: Reading, blobs: Blobs, parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Yield each state field of a session and its JSON."""
    for name, field in FIELDS.items():
        part = parts.get(name)
        yield field, _EMPTY[field] if part is None else _filled(tr, blobs, part)


def _filled(tr: Reading, blobs: Blobs, part: Part) -> bytes:
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
        tree = adapter.dump_python(adapter.validate_python(value), mode="json")
    except ValidationError as error:
        raise invalid(f"WorkspaceSession: {field}", error) from None
    token = secrets.token_hex(16)  # random, so that no text can hold it already
    long: list[str] = []
    text = _text(_cut(tree, token, long))
    if text == _EMPTY[field]:
        return Split(None, {})
    return _punched(text, token, [_text(each) for each in long])


def _punched(text: bytes, token: str, long: list[bytes]) -> Split:
    named = [digest_of(each) for each in long]
    holes: list[Hole] = []
    pieces: list[bytes] = []
    at = 0
    for number, digest in enumerate(named):  # they were cut in the order of the text
        piece, _, text = text.partition(b'"%b:%d"' % (token.encode(), number))
        pieces.append(piece)
        at += len(piece)
        holes.append(Hole(at=at, sha256=digest.hex()))
    punched = b"".join((*pieces, text))
    own = digest_of(punched)
    part = Part(sha256=own.hex(), holes=tuple(holes), size=len(punched) + sum(map(len, long)))
    return Split(part, {**dict(zip(named, long, strict=True)), own: punched})


def _cut(tree: object, token: str, long: list[str]) -> object:
    """Return ``tree`` with each long string replaced by the token and its number in ``long``, where it goes."""
    if isinstance(tree, dict):
        return {key: _cut(each, token, long) for key, each in tree.items()}
    if isinstance(tree, list):
        return [_cut(each, token, long) for each in tree]
    if isinstance(tree, str) and len(tree) >= limits.state_hole_chars_min:
        long.append(tree)
        return f"{token}:{len(long) - 1}"
    return tree


def _text(tree: object) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
