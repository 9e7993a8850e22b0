"""Takes secrets out of text that is about to leave the machine.

Two nets: the secrets that are known, wherever they stand, and whatever looks like one. The second takes too much rather
than too little. Pure; ``bundle`` reads the files.
"""

import re
from collections.abc import Iterable

SCRUBBED = "[scrubbed]"

_KNOWN_CHARS_MIN = 8  # a shorter text stands everywhere
_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|secret|token|credentials?|authorization|cookie|"
    r"(?:api|access|private|secret|pairing|signing|encryption)[_\- ]?keys?"
)
_NAMED = rf"[\w-]*(?:{_NAMES})[\\\"']*\s*[:=]\s*"
_PATTERNS = tuple(
    (re.compile(pattern, flags), rf"\g<kept>{SCRUBBED}")
    for pattern, flags in (
        (r"(?P<kept>)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        (r"(?P<kept>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE),
        # Behind a name: in quotes, in the quotes of JSON that stands in a string of JSON, in none
        (rf"(?P<kept>{_NAMED}\")(?:[^\"\\]|\\.)*", re.IGNORECASE),
        (rf"(?P<kept>{_NAMED}')[^']*", re.IGNORECASE),
        (rf"(?P<kept>{_NAMED}\\\")(?:(?!\\\").)*", re.IGNORECASE),
        (rf"(?P<kept>{_NAMED})(?!null|true|false)[^\s\"'\\,;&}}\])\[]+", re.IGNORECASE),
        # A name and, after it, what has no place in a sentence
        (rf"(?P<kept>\b(?:{_NAMES})\s+(?:is\s+)?)(?=[^\s\"]*[\d_\-/+=])[^\s\"',;]{{6,}}", re.IGNORECASE),
        (r"(?P<kept>://)[^/\s\"'@]+(?=@)", 0),  # of a URL
        (r"(?P<kept>)\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*", 0),  # a JSON Web Token
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
    """Replaces secrets in text.

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
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text
