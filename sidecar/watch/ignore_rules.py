"""One ignore file: its lines as rules, and the rules as one quick question per name. Pure; called by ``ignore.py``.

Source: git 2.39, ``dir.c`` (``add_patterns_from_buffer``, ``parse_path_pattern``, ``match_basename``,
``match_pathname``). The last rule that matches decides.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from sidecar import limits
from sidecar.watch import wildmatch

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NO_MATCH: Final = -1


class Rule(NamedTuple):
    """One line.

    Attributes:
        pattern: Without ``!``, the slash in front and the slash behind.
        negated: It began with ``!``.
        for_directories: It ended with a slash.
        by_name: It has no slash elsewhere: it is compared with a name at any depth.
    """

    pattern: bytes
    negated: bool
    for_directories: bool
    by_name: bool


def parse_rules(content: bytes) -> tuple[Rule, ...]:
    """Return the rules of an ignore file's content, in its order."""
    content = content.removeprefix(_BYTE_ORDER_MARK)
    return tuple(rule for line in content.split(b"\n") if (rule := _parse_line(line)) is not None)


def _parse_line(line: bytes) -> Rule | None:
    if line.startswith(b"#"):
        return None
    # To git a line is a C string: it ends at a NUL, and one carriage return before the end of line belongs to the end.
    line = _without_trailing_spaces(line.removesuffix(b"\r").partition(b"\0")[0])
    negated = line.startswith(b"!")
    pattern = line[negated:]
    for_directories = pattern.endswith(b"/")
    pattern = pattern[:-1] if for_directories else pattern
    by_name = b"/" not in pattern
    pattern = pattern.removeprefix(b"/")
    return Rule(pattern, negated, for_directories, by_name) if pattern else None


def _without_trailing_spaces(line: bytes) -> bytes:
    end = len(line)
    while end and line[end - 1] == 0x20:
        end -= 1
    if end == len(line):
        return line
    escapes = len(line[:end]) - len(line[:end].rstrip(b"\\"))
    return line[: end + escapes % 2]  # a space behind an odd number of backslashes is itself part of the pattern


def _is_literal(pattern: bytes) -> bool:
    return wildmatch.literal_length(pattern) == len(pattern)


def _is_suffix(rule: Rule) -> bool:
    return rule.by_name and rule.pattern[:1] == b"*" and _is_literal(rule.pattern[1:])


class _Names:
    """Rules that look at a name alone: exact names and ``*suffix`` by table, the rest by one expression."""

    def __init__(self, rules: Iterable[tuple[int, Rule]], *, fold: bool) -> None:
        self._exact: dict[bytes, int] = {}
        self._suffixes: dict[bytes, int] = {}
        globs: list[tuple[int, bytes]] = []
        for number, rule in rules:
            pattern = rule.pattern.lower() if fold else rule.pattern
            if _is_literal(pattern):
                self._exact[pattern] = number
            elif _is_suffix(rule):
                self._suffixes[pattern[1:]] = number
            else:
                text = wildmatch.expression(rule.pattern, fold=fold, with_slashes=False)
                globs += [(number, text)] if text is not None else []
        self._suffix_lengths = sorted({len(suffix) for suffix in self._suffixes})
        # Of very many each would be compared.
        few = len(self._suffixes) <= limits.ignore_suffixes_compared_max
        self._any_suffix = tuple(self._suffixes) if few else (b"",)
        self._globs = first_match(globs)

    def match(self, name: bytes) -> int:
        """Return the number of the last rule that matches a name, or ``NO_MATCH``."""
        best = self._exact.get(name, NO_MATCH)
        if name.endswith(self._any_suffix):
            for length in self._suffix_lengths:
                # A suffix of length 0 is the rule `*`; name[-0:] would be the whole name.
                number = self._suffixes.get(name[-length:] if length else b"", NO_MATCH)
                best = max(best, number) if length <= len(name) else best
        return max(best, self._globs(name)) if self._globs else best


def first_match(globs: list[tuple[int, bytes]]) -> Callable[[bytes], int] | None:
    """Return a function that tells the number of the last of some expressions that matches a text; None for none."""
    if not globs:
        return None
    numbers = [number for number, _ in reversed(globs)]
    # The group that tells which one it was stands behind it, empty: then `re` passes over those that begin with another
    # byte, and has nothing to remember of them (measured with 1,000: 0.3 us a name instead of 1,700).
    found = re.compile(b"|".join(b"%b\\Z()" % text for _, text in reversed(globs)), re.DOTALL).match

    def match(text: bytes) -> int:
        hit = found(text)
        return numbers[(hit.lastindex or 1) - 1] if hit else NO_MATCH

    return match


class _Paths(NamedTuple):
    """Rules that look at the path below the ignore file's directory, ready for one directory."""

    exact: dict[bytes, int]
    globs: Callable[[bytes], int] | None


_NO_PATHS = _Paths({}, None)


class RuleSet:
    """The rules of one ignore file.

    Args:
        rules: In the file's order.
        fold: ``core.ignorecase``; names are then asked for in ASCII lower case.

    Attributes:
        is_cut: Rules were left out: there are more than can be asked for each name.
    """

    def __init__(self, rules: tuple[Rule, ...], *, fold: bool) -> None:
        self._fold = fold
        self._negated = [rule.negated for rule in rules]
        numbered = _bounded(rules)
        self.is_cut = len(numbered) < len(rules)
        by_name = [(number, rule) for number, rule in numbered if rule.by_name]
        self._directory_names = _Names(by_name, fold=fold)
        self._file_names = _Names([(n, rule) for n, rule in by_name if not rule.for_directories], fold=fold)
        self._exact: dict[bytes, list[tuple[bytes, int, Rule]]] = {}  # by the folder
        self._anchored: list[tuple[int, Rule]] = []
        for number, rule in numbered:
            if not rule.by_name:
                self._add_anchored(number, rule)
        self._ready: dict[tuple[bool, tuple[int, ...]], Callable[[bytes], int] | None] = {}

    def __bool__(self) -> bool:
        return bool(self._negated)

    def at(self, below: bytes, *, directories: bool) -> Callable[[bytes], bool | None]:
        """Return the question for the names in one directory: ignored, expressly not ignored, or None (no rule).

        Args:
            below: The directory, relative to the ignore file's, with a slash behind it; empty for the same one.
            directories: Whether the names to ask for are those of directories.
        """
        below = below.lower() if self._fold else below
        names = (self._directory_names if directories else self._file_names).match
        paths = self._paths(below, directories=directories)
        negated = self._negated

        def ask(name: bytes) -> bool | None:
            number = names(name)
            if paths.exact:
                number = max(number, paths.exact.get(name, NO_MATCH))
            if paths.globs:
                number = max(number, paths.globs(below + name))
            return None if number == NO_MATCH else not negated[number]

        return ask

    def _add_anchored(self, number: int, rule: Rule) -> None:
        if _is_literal(rule.pattern):
            folder, slash, name = (rule.pattern.lower() if self._fold else rule.pattern).rpartition(b"/")
            self._exact.setdefault(folder + slash, []).append((name, number, rule))
        else:
            self._anchored.append((number, rule))

    def _paths(self, below: bytes, *, directories: bool) -> _Paths:
        """Pick the anchored rules that can match a name directly in ``below``: mostly none."""
        found = self._exact.get(below, ())
        exact = {name: number for name, number, rule in found if directories or not rule.for_directories}
        globs: list[int] = []
        for number, rule in self._anchored:
            if rule.for_directories and not directories:
                continue
            head = wildmatch.literal_length(rule.pattern)
            literal = rule.pattern[:head].lower() if self._fold else rule.pattern[:head]
            if _may_match(literal, below):
                globs.append(number)
        if not exact and not globs:
            return _NO_PATHS
        return _Paths(exact, self._glob(tuple(globs), directories=directories))

    def _glob(self, numbers: tuple[int, ...], *, directories: bool) -> Callable[[bytes], int] | None:
        key = (directories, numbers)
        if key not in self._ready:
            patterns = dict(self._anchored)
            texts = [
                (number, wildmatch.expression(patterns[number].pattern, fold=self._fold, with_slashes=True))
                for number in numbers
            ]
            self._ready[key] = first_match([(number, text) for number, text in texts if text is not None])
        return self._ready[key]


def _may_match(literal: bytes, below: bytes) -> bool:
    if len(literal) <= len(below):
        return below.startswith(literal)
    return literal.startswith(below) and b"/" not in literal[len(below) :]


def _bounded(rules: Iterable[Rule]) -> list[tuple[int, Rule]]:
    """Return the rules with their numbers, without those that no table finds behind ``limits.ignore_globs_bytes_max``.

    Each of these is compared with each name, in one call that nothing else of the process runs beside.
    """
    left = limits.ignore_globs_bytes_max
    kept: list[tuple[int, Rule]] = []
    for number, rule in enumerate(rules):
        if not _is_literal(rule.pattern) and not _is_suffix(rule):
            left -= len(rule.pattern)
            if left < 0:
                continue
        kept.append((number, rule))
    return kept


def rule_set(content: bytes, *, fold: bool) -> RuleSet:
    """Return the rules of an ignore file by its content; unchanged files cost nothing at the next comparison."""
    return (_of_few if len(content) <= limits.ignore_small_file_bytes_max else _of_many)(content, fold)


def _made(content: bytes, fold: bool) -> RuleSet:
    return RuleSet(parse_rules(content), fold=fold)


_of_few = lru_cache(maxsize=limits.ignore_files_cached_max)(_made)
_of_many = lru_cache(maxsize=limits.large_ignore_files_cached_max)(_made)  # some 25 times their size is kept of each
