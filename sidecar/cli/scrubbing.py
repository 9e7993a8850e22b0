"""Takes secrets out of what is about to leave the machine.

Two nets: the secrets that are known, wherever they stand, and whatever looks like one. The second takes too much rather
than too little. Pure; ``bundle`` reads the files. A log may hold anything, so no pattern looks twice at what it has
passed: each takes time in proportion to the text.
"""

import json
import re
from collections.abc import Iterable

SCRUBBED = "[scrubbed]"

_KNOWN_CHARS_MIN = 8  # a shorter text stands everywhere
_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|secret|token|credential|authorization|cookie|"
    r"(?:api|access|private|secret|pairing|signing|encryption)[_\- ]?key"
)
_NAME = re.compile(_NAMES, re.IGNORECASE)
_COUNT = re.compile(
    r"(?:tokens|_(?:count|total|max|min|limit|used|seconds|ms|bytes))$", re.IGNORECASE
)  # of whole names
# A name, with whatever it goes on with, and what stands before its value; the value is looked for by hand
_NAMED = re.compile(rf"(?P<name>(?:{_NAMES})[\w-]{{0,64}})(?P<quotes>[\\\"']*)\s*[:=]+>?\s*", re.IGNORECASE)
_HEADER = re.compile(r"(?:authorization|cookie)", re.IGNORECASE)  # whose value goes to the end of its line
_OPENING = re.compile(r"[bru]{0,2}(?P<slashes>\\*)(?P<mark>\"\"\"|'''|[\"'])", re.IGNORECASE)
_QUOTE = re.compile(r"(?<!\\)(?P<slashes>\\*)(?P<mark>\"\"\"|'''|[\"'])")
_PUNCTUATION = re.compile(r"(?<!\\)(?P<slashes>\\*)(?P<mark>[\"'])|(?P<bracket>[\[\]{}])")
_NO_SECRET = re.compile(r"(?:null|none|true|false)\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d[\d.,_]*(?![\w-])")
_END = re.compile(r"[\s\"'\\,;&}\])\[]|\Z")  # of a value in no quotes
_LINE_END = re.compile(r"\n|\Z")
_PATTERNS = tuple(
    (re.compile(pattern, flags), rf"\g<kept>{SCRUBBED}")
    for pattern, flags in (
        (r"(?P<kept>)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        (r"(?P<kept>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE),
        # A name and, after it, what has no place in a sentence
        (rf"(?P<kept>\b(?:{_NAMES})s?\s+(?:is\s+)?)(?=[^\s\"]*[\d_\-/+=])[^\s\"',;]{{6,}}", re.IGNORECASE),
        (r"(?P<kept>://)[^/\s\"'@]+(?=@)", 0),  # of a URL
        (r"(?P<kept>)\beyJ[\w-]{4,512}\.[\w-]{4,}\.[\w-]*", 0),  # a JSON Web Token
        (r"(?P<kept>)\bsc[a-z]?_[\w-]{20,}", 0),
        (r"(?P<kept>/open/)[\w-]{16,}", 0),  # a link that lets a browser in
        (r"(?P<kept>)\b[0-9a-fA-F]{64,}\b", 0),  # a key, or a checksum: nobody can tell
        (
            (
                r"(?P<kept>)\b(?:(?:sk|pk|rk)[-_][\w-]{16,}|gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}"
                r"|xox[a-z]-[\w-]{10,}|A[KS]IA[0-9A-Z]{12,}|AIza[\w-]{20,}|npm_\w{20,}|hf_\w{20,})"
            ),
            0,
        ),
    )
)


class Scrubber:
    """Replaces secrets in text and in documents.

    Args:
        known: Secrets as they are.
    """

    def __init__(self, known: Iterable[str]) -> None:
        long_enough = {each for each in known if len(each) >= _KNOWN_CHARS_MIN}
        longest_first = sorted(long_enough, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def scrub(self, text: str) -> str:
        """Return text with ``[scrubbed]`` in the place of each secret."""
        if self._known is not None:
            text = self._known.sub(SCRUBBED, text)
        text = _without_named(text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def scrub_document(self, document: object) -> object:
        """Return a JSON document with its texts scrubbed, and without values whose names say that they are secret."""
        if isinstance(document, str):
            return self.scrub(document)
        if isinstance(document, list):
            return [self.scrub_document(each) for each in document]
        if isinstance(document, dict):
            return {
                self.scrub(name): SCRUBBED if _is_secret(name, value) else self.scrub_document(value)
                for name, value in document.items()
            }
        return document

    def scrub_line(self, line: str) -> str:
        """Return a line of JSON Lines, scrubbed as a document, or as text if it is none."""
        try:
            return json.dumps(self.scrub_document(json.loads(line)))
        except (ValueError, RecursionError):
            return self.scrub(line)


def _is_secret(name: str, value: object) -> bool:
    """Tell whether a document's value is one by its name; no number is that counts."""
    if value is None or isinstance(value, bool) or not _NAME.search(name):
        return False
    return isinstance(value, str | list | dict) or not _COUNT.search(name)


def _without_named(text: str) -> str:
    """Return text without the values that stand behind the name of a secret."""
    kept, at = [], 0
    while named := _NAMED.search(text, at):
        start = named.end()
        end, replacement = _value(text, start, named)
        kept += [text[at:start], replacement]
        at = end
    return "".join([*kept, text[at:]])


def _value(text: str, start: int, named: re.Match[str]) -> tuple[int, str]:
    """Return where a value ends that begins somewhere, and what is put in its place."""
    if opened := _OPENING.match(text, start):
        end, closing = _quoted_end(text, opened)
        return end, f"{opened.group()}{SCRUBBED}{closing}"
    in_quotes = f"{named['quotes']}{SCRUBBED}{named['quotes']}"  # so that JSON stays JSON
    if text.startswith(("[", "{"), start):
        return _bracket_end(text, start), in_quotes
    if _HEADER.fullmatch(named["name"]):
        return _found(_LINE_END, text, start), SCRUBBED
    number = _NUMBER.match(text, start)
    if _NO_SECRET.match(text, start) or (number and _COUNT.search(named["name"])):
        return start, ""
    end = _found(_END, text, start)
    return end, "" if end == start else in_quotes if number else SCRUBBED


def _found(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where a pattern, which the end of all fits, is found next."""
    found = pattern.search(text, start)
    return found.start() if found else len(text)


def _quoted_end(text: str, opened: re.Match[str]) -> tuple[int, str]:
    """Return where a quoted text ends, and the mark that closes it; at the end of what is around, if none does."""
    for quote in _QUOTE.finditer(text, opened.end()):
        if quote["mark"].startswith(opened["mark"]) and _closes(quote, opened):
            if len(quote["slashes"]) < len(opened["slashes"]):
                return quote.start(), ""
            return quote.start("mark") + len(opened["mark"]), f"{opened['slashes']}{opened['mark']}"
    return len(text), ""


def _bracket_end(text: str, start: int) -> int:
    """Return where an array or object ends, behind its last bracket; at the end of all, if it is cut off."""
    depth, opened = 0, None
    for each in _PUNCTUATION.finditer(text, start):
        if opened is not None:
            if each["mark"] == opened["mark"] and _closes(each, opened):
                opened = None
        elif each["mark"]:
            opened = each
        else:
            depth += 1 if each["bracket"] in "[{" else -1
            if depth == 0:
                return each.end()
    return len(text)


def _closes(quote: re.Match[str], opened: re.Match[str]) -> bool:
    r"""Tell whether a quotation mark, by the backslashes before it, closes what another like it has opened.

    In JSON inside of a string of JSON ``\"`` opens: there a quote in a text is ``\\\"``, and ``\\\\\"`` closes behind a
    backslash; a bare mark is the end of what is around. And so on with each string inside of a string.
    """
    escapes, own = len(quote["slashes"]), len(opened["slashes"])
    return escapes < own or (escapes - own) % (2 * (own + 1)) == 0
