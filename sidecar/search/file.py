"""The index's file: one SQLite database of the machine, with FTS5. Called from one thread at a time.

It holds, for each tenant, the stamp up to which it has read the change feed, written in the transaction that also
writes the entries: after a crash it is behind, never wrong. A file that is damaged, or of another store or form, is
removed and made anew.
"""

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import LimitExceededError
from sidecar.search.snippets import Snippets
from sidecar.search.text import TOKENIZER, Entry, uncut

FORM = 3  # an index of another form is made anew
_REFUSALS = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE stamps (tenant_id TEXT PRIMARY KEY, stamp BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    number INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, owner_id TEXT NOT NULL,
    place_id TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (tenant_id, kind, id)
);
CREATE INDEX entries_by_place ON entries (tenant_id, place_id);
CREATE VIRTUAL TABLE words USING fts5 (
    title, body, content='entries', content_rowid='number', tokenize='%s'
);
CREATE TRIGGER entry_made AFTER INSERT ON entries BEGIN
    INSERT INTO words (rowid, title, body) VALUES (new.number, new.title, new.body);
END;
CREATE TRIGGER entry_gone AFTER DELETE ON entries BEGIN
    INSERT INTO words (words, rowid, title, body) VALUES ('delete', old.number, old.title, old.body);
END;
""".replace("%s", TOKENIZER)
_FIND = """
SELECT e.number, e.kind, e.id, e.place_id, e.title, bm25(words, 4.0, 1.0)
FROM words JOIN entries AS e ON e.number = words.rowid
WHERE words MATCH :match AND e.tenant_id = :tenant AND (:owner IS NULL OR e.owner_id = :owner)
    AND (:kind IS NULL OR e.kind = :kind)
ORDER BY bm25(words, 4.0, 1.0), e.number DESC LIMIT :limit OFFSET :offset
"""
_PUT = """
INSERT INTO entries (tenant_id, kind, id, owner_id, place_id, title, body) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_GIVE = "UPDATE entries SET owner_id = ?1 WHERE tenant_id = ?2 AND place_id = ?3 AND owner_id <> ?1"


class Hit(NamedTuple):
    """One thing found; in ``snippet`` what matched stands between the characters 2 and 3. ``rank``: less is better."""

    kind: str
    id: str
    place_id: str
    title: str
    snippet: str
    rank: float


class Wanted(NamedTuple):
    """What is looked for, and among what.

    Attributes:
        terms: From ``text.terms_of``; all must be there.
        owner_id: Only what is this user's; None for the whole tenant.
        kind: Only records of this kind.
    """

    tenant_id: str
    terms: tuple[str, ...]
    owner_id: str | None
    kind: str | None


def is_refusal(error: sqlite3.Error) -> bool:
    """Tell whether the disk refuses (full, read-only, no descriptor left) or we stop: the file is not to blame."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # our own errors have none
    return code & 0xFF in _REFUSALS


class IndexFile:
    """The open file.

    Args:
        path: Where it lies; made when it is not there.
        epoch: The store's; a file of another is made anew.
        clock: Tells how long a search takes.
    """

    def __init__(self, path: Path, epoch: str, clock: Clock) -> None:
        self._path = path
        self._epoch = epoch
        self._clock = clock
        self._until = math.inf
        self._is_stopped = False
        self._snippets = Snippets()
        self._db = self._opened()

    def stop(self) -> None:
        """End what is under way, and whatever is begun after it; from any thread."""
        self._is_stopped = True

    def close(self) -> None:
        """Close it."""
        self._snippets.close()
        self._db.close()

    def rebuild(self) -> None:
        """Begin with an empty file."""
        self._db.close()
        self._remove()
        self._db = self._opened()

    def stamp(self, tenant_id: str) -> bytes | None:
        """Return up to where the index has read a tenant's feed; None: nowhere yet."""
        row = self._db.execute("SELECT stamp FROM stamps WHERE tenant_id = ?", (tenant_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def tenants(self) -> list[str]:
        """Return the tenants that anything is known of."""
        rows = self._db.execute("SELECT tenant_id FROM entries UNION SELECT tenant_id FROM stamps")
        return [str(row[0]) for row in rows]

    def forget(self, tenant_id: str) -> None:
        """Remove all that is known of a tenant."""
        with self._db:
            self._db.execute("DELETE FROM entries WHERE tenant_id = ?", (tenant_id,))
            self._db.execute("DELETE FROM stamps WHERE tenant_id = ?", (tenant_id,))

    def write(
        self, tenant_id: str, entries: Sequence[Entry], gone: Sequence[tuple[str, str]], stamp: bytes | None
    ) -> None:
        """Replace entries, remove those that are gone (kind and id), and note the stamp, all or nothing."""
        with self._db:
            removed = [(tenant_id, each.kind, each.id) for each in entries] + [(tenant_id, *each) for each in gone]
            self._db.executemany("DELETE FROM entries WHERE tenant_id = ? AND kind = ? AND id = ?", removed)
            self._db.executemany(
                _PUT,
                [(tenant_id, *each) for each in entries],
            )
            holders = [(each.owner_id, tenant_id, each.id) for each in entries if each.kind == "conversations"]
            self._db.executemany(_GIVE, holders)  # its messages are whoever's it is now, and tell of no change
            if stamp is not None:
                self._db.execute("INSERT OR REPLACE INTO stamps VALUES (?, ?)", (tenant_id, stamp))

    def find(self, wanted: Wanted, *, limit: int, offset: int) -> list[Hit]:
        """Return hits, the best first.

        Raises:
            LimitExceededError: It takes longer than ``limits.search_seconds_max``: others wait for their turn.
        """
        values = {
            "match": " ".join(wanted.terms),
            "tenant": wanted.tenant_id,
            "owner": wanted.owner_id,
            "kind": wanted.kind,
            "limit": limit,
            "offset": offset,
        }
        self._until = self._clock.monotonic() + limits.search_seconds_max
        try:
            return [self._hit(wanted, row) for row in self._db.execute(_FIND, values).fetchall()]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise _too_much() from None
        finally:
            self._until = math.inf

    def _hit(self, wanted: Wanted, row: tuple[int, str, str, str, str, float]) -> Hit:
        number, kind, id_, place_id, title, rank = row
        if self._is_over():  # SQLite asks while it searches, and no more while we look at what it has found
            raise _too_much()
        (body,) = self._db.execute("SELECT body FROM entries WHERE number = ?", (number,)).fetchone()
        return Hit(kind, id_, place_id, uncut(title), self._snippets.of(wanted.terms, title, body), rank)

    def _is_over(self) -> bool:
        return self._is_stopped or self._clock.monotonic() > self._until

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            if is_refusal(error):
                raise
            self._remove()  # damaged, or no database at all: it is only derived
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=limits.search_busy_seconds_max, check_same_thread=False)
        db.set_progress_handler(self._is_over, limits.search_steps_unasked)
        try:
            # No other process reads it, and no memory is shared by a file, which a full disk would make fatal (SIGBUS).
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")  # a power cut may take the last writes: they are read again
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORM}; COMMIT;")
                with db:
                    db.execute("INSERT INTO about VALUES ('epoch', ?)", (self._epoch,))
            self._check(db)
        except BaseException:
            db.close()
            raise
        return db

    def _check(self, db: sqlite3.Connection) -> None:
        form = db.execute("PRAGMA user_version").fetchone()[0]
        epoch = db.execute("SELECT value FROM about WHERE name = 'epoch'").fetchone()
        if form != FORM or epoch != (self._epoch,):
            raise sqlite3.DatabaseError("The index is of another store, or of another form.")

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _too_much() -> LimitExceededError:
    return LimitExceededError(
        f"The search takes longer than {limits.search_seconds_max:.0f} seconds; add a word, or write one out."
    )
