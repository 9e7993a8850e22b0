"""Git's glob language as regular expressions over bytes. Pure; called by ``ignore_rules.py`` alone.

Source: git 2.39, ``wildmatch.c`` and ``match_pathname`` in ``dir.c``. ``pathspec`` is not used: it strips other white
space than git does, knows no ``[[:alpha:]]`` and no ``core.ignorecase``, and answers for whole paths, while a walk asks
for one directory's names at a time (``tests/integration/watch/test_ignore_git.py`` compares ours with git).

An expression never looks back across a star once what follows it has been found: the first place is as good as any
later one, so a pattern of many stars costs what it and the text are long, not a power of that. Why that is so:

- Behind a star that takes any bytes, what is left of the text only grows shorter with a later place.
- Behind one that takes no slash, what follows (up to the next star) has a fixed length. If it holds a slash, the first
  slash of the text fixes its place; if not, a later place's bytes can be taken by the next star as well.
- Behind a ``**`` the same holds for all up to the next ``**``: it holds a fixed number of slashes and ends with one.

As ``fnmatch.translate`` does it for names alone; git's ``wildmatch.c`` reaches the same by its ``WM_ABORT`` answers.
"""

import re
from typing import Final, NamedTuple

_SPECIAL = re.compile(rb"[*?\[\\]")
_ALL_BYTES = range(256)
_CLASSES = {
    b"alnum": rb"[0-9A-Za-z]",
    b"alpha": rb"[A-Za-z]",
    b"blank": rb"[ \t]",
    b"cntrl": rb"[\x00-\x1f\x7f]",
    b"digit": rb"[0-9]",
    b"graph": rb"[\x21-\x7e]",
    b"lower": rb"[a-z]",
    b"print": rb"[\x20-\x7e]",
    b"punct": rb"[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]",
    b"space": rb"[ \t\n\v\f\r]",
    b"upper": rb"[A-Z]",
    b"xdigit": rb"[0-9A-Fa-f]",
}
_CLASS_MEMBERS = {
    name: frozenset(b for b in _ALL_BYTES if re.fullmatch(expression, bytes([b])))
    for name, expression in _CLASSES.items()
}
_UPPER = _CLASS_MEMBERS[b"upper"]
_LOWER = _CLASS_MEMBERS[b"lower"]


class _NeverError(Exception):
    """The pattern is malformed in a way in which git lets it match nothing."""


class _Star(NamedTuple):
    """A ``*`` or ``**``, by what it takes.

    Attributes:
        takes: An expression that takes as little as it can.
        takes_last: The same as much as it can, which is quicker before what has to be at the end.
        is_deep: It takes slashes, in a text where those that are not deep take none.
    """

    takes: bytes
    takes_last: bytes
    is_deep: bool


_NOTHING: Final = _Star(b"", b"", is_deep=True)
_ANY: Final = _Star(b".*?", b".*", is_deep=False)
_IN_NAME: Final = _Star(b"[^/]*?", b"[^/]*", is_deep=False)
_FOLDERS: Final = _Star(b"(?:.*?/)??", b"(?:.*/)?", is_deep=True)
_REST: Final = _Star(b".*?", b".*", is_deep=True)


class _Segment(NamedTuple):
    """What follows a star, up to the next one: expressions that each take one byte."""

    star: _Star
    pieces: list[bytes]


class _Set(NamedTuple):
    members: frozenset[int]
    end: int


def literal_length(pattern: bytes) -> int:
    """Return how many bytes at the beginning of a pattern stand for themselves."""
    found = _SPECIAL.search(pattern)
    return len(pattern) if found is None else found.start()


def expression(pattern: bytes, *, fold: bool, with_slashes: bool) -> bytes | None:
    """Return the regular expression (for a full match, DOTALL) of a pattern, or None when it can match nothing.

    Args:
        pattern: Without ``!``, without the slash in front that anchors it or the one behind that asks for a directory.
        fold: ``core.ignorecase``: the text is given in ASCII lower case.
        with_slashes: The text is a path with slashes (wildmatch's WM_PATHNAME), not a single name.
    """
    start = literal_length(pattern)
    literal = pattern[:start].lower() if fold else pattern[:start]
    # Git compares the literal head on its own and hands the rest to wildmatch. So in `foo**/bar` the stars stand at a
    # beginning, and count as a whole directory name: `foo**/bar` matches `foobar`. We keep this.
    try:
        return re.escape(literal) + _joined(_segments(pattern[start:], fold=fold, with_slashes=with_slashes))
    except _NeverError:
        return None


def _joined(segments: list[_Segment]) -> bytes:
    """Return the expression of a whole pattern; its first segment is behind no star."""
    groups: list[list[_Segment]] = []
    for segment in segments:
        if segment.star.is_deep:
            groups.append([])
        groups[-1].append(segment)
    return b"".join([_group(each, is_last=each is groups[-1]) for each in groups])


def _group(segments: list[_Segment], *, is_last: bool) -> bytes:
    """Return the expression of what is between two stars that are deep, with the first of them."""
    first, *rest = segments
    found = b"".join(first.pieces)
    for segment in rest:
        found += _behind(segment.star, b"".join(segment.pieces), is_last=is_last and segment is rest[-1])
    return _behind(first.star, found, is_last=is_last)


def _behind(star: _Star, found: bytes, *, is_last: bool) -> bytes:
    return star.takes_last + found if is_last else b"(?>%b%b)" % (star.takes, found)


def _segments(pattern: bytes, *, fold: bool, with_slashes: bool) -> list[_Segment]:
    found = [_Segment(_NOTHING, [])]
    at = 0
    while at < len(pattern):
        byte = pattern[at]
        if byte == 0x2A:  # *
            star, at = _stars(pattern, at, with_slashes=with_slashes)
            found.append(_Segment(star, []))
        elif byte == 0x3F:  # ?
            found[-1].pieces.append(b"[^/]" if with_slashes else b".")
            at += 1
        elif byte == 0x5B:  # [
            members, at = _set(pattern, at, fold=fold)
            found[-1].pieces.append(_set_expression(members - {0x2F} if with_slashes else members))
        elif byte == 0x5C:  # a backslash
            if at + 1 == len(pattern):
                raise _NeverError
            literal = pattern[at + 1]
            if fold and literal in _UPPER:
                raise _NeverError  # git lowers the text but not an escaped letter
            found[-1].pieces.append(re.escape(bytes([literal])))
            at += 2
        else:
            found[-1].pieces.append(re.escape(bytes([byte]).lower() if fold else bytes([byte])))
            at += 1
    return found


def _stars(pattern: bytes, at: int, *, with_slashes: bool) -> tuple[_Star, int]:
    end = at
    while end < len(pattern) and pattern[end] == 0x2A:
        end += 1
    if not with_slashes:
        return _ANY, end
    after = pattern[end : end + 2]
    whole_names = end - at >= 2 and (at == 0 or pattern[at - 1] == 0x2F)
    if not whole_names or not (after == b"" or after[:1] == b"/" or after == b"\\/"):
        return _IN_NAME, end
    if after[:1] == b"/":
        return _FOLDERS, end + 1
    return _REST, end


def _set_expression(members: frozenset[int]) -> bytes:
    if not members:
        raise _NeverError
    starts = [member for member in sorted(members) if member - 1 not in members]
    ends = [member for member in sorted(members) if member + 1 not in members]
    return b"[" + b"".join(b"\\x%02x-\\x%02x" % span for span in zip(starts, ends, strict=True)) + b"]"


def _set(pattern: bytes, at: int, *, fold: bool) -> _Set:
    """Read a ``[…]`` at ``at`` the way git's loop does, quirks included."""
    at += 1
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members: set[int] = set()
    previous = 0
    while True:
        byte = _byte(pattern, at)
        if byte == 0x5C:
            at += 1
            byte = _byte(pattern, at)
            members.add(byte)
        elif byte == 0x2D and previous and pattern[at + 1 : at + 2] not in (b"", b"]"):
            at += 1
            byte = _byte(pattern, at)
            if byte == 0x5C:
                at += 1
                byte = _byte(pattern, at)
            members |= _span(previous, byte, fold=fold)
            byte = 0
        elif byte == 0x5B and pattern[at + 1 : at + 2] == b":":
            close = pattern.find(b"]", at + 2)
            if close < 0:
                raise _NeverError
            if close - 1 >= at + 2 and pattern[close - 1] == 0x3A:
                members |= _named(pattern[at + 2 : close - 1], fold=fold)
                at, byte = close, 0
            else:
                members.add(byte)
        else:
            members.add(byte)
        previous = byte
        at += 1
        if pattern[at : at + 1] == b"]":
            break
    return _Set(frozenset(_ALL_BYTES) - members if negated else frozenset(members), at + 1)


def _byte(pattern: bytes, at: int) -> int:
    if at >= len(pattern):
        raise _NeverError
    return pattern[at]


def _span(first: int, last: int, *, fold: bool) -> set[int]:
    members = set(range(first, last + 1))
    return members | {b + 32 for b in members & _UPPER} if fold else members


def _named(name: bytes, *, fold: bool) -> frozenset[int]:
    members = _CLASS_MEMBERS.get(name)
    if members is None:
        raise _NeverError
    return members | _LOWER if fold and name == b"upper" else members
