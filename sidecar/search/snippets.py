"""Where in a text words stand: told by the same tokenizer that finds them, in time in proportion to the text.

FTS5's own ``snippet`` and ``highlight`` take time by the square of the matches in a text: seconds, for a log that says
one word 100,000 times. So a text is cut into pieces, and the best of them alone is looked at closely. Called by
``file``, from its thread.
"""

import sqlite3
from collections.abc import Sequence

from sidecar import limits
from sidecar.search.text import TOKENIZER, excerpt, uncut

_TABLE = f"CREATE VIRTUAL TABLE pieces USING fts5 (text, tokenize='{TOKENIZER}')"
_BEST = """
SELECT rowid, highlight(pieces, 0, char(2), char(3)) FROM pieces WHERE pieces MATCH ? ORDER BY rank, rowid LIMIT 1
"""


class Snippets:
    """Holds one text at a time, in memory."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute(_TABLE)

    def close(self) -> None:
        """Let go of the memory."""
        self._db.close()

    def of(self, terms: Sequence[str], title: str, body: str) -> str:
        """Return the part of a body, or of a title, that says most of some terms; between the characters 2 and 3."""
        return self._best(terms, body) or self._best(terms, title) or excerpt(uncut(title))

    def _best(self, terms: Sequence[str], text: str) -> str | None:
        step, shared = limits.search_piece_chars, limits.search_snippet_chars
        # An end no longer than what two pieces share lies in the one before.
        pieces = [(text[at : at + step + shared],) for at in range(0, max(len(text) - shared, 1), step)]
        self._db.execute("BEGIN")
        try:
            self._db.executemany("INSERT INTO pieces (text) VALUES (?)", pieces)
            row = self._db.execute(_BEST, (" OR ".join(terms),)).fetchone()
        finally:
            self._db.execute("ROLLBACK")  # quicker than a deletion, which takes the text apart again
        if row is None:
            return None
        number, marked = row
        shown = excerpt(uncut(marked))
        before = "…" if number > 1 and not shown.startswith("…") else ""
        return before + shown + ("…" if number < len(pieces) and not shown.endswith("…") else "")
