"""The port: the transaction contract that every engine keeps. Its docstrings are the contract.

The model is FoundationDB's. A store is one ordered map from ``bytes`` to ``bytes``. A transaction reads one snapshot of
it, the one of its *read version*, sees its own writes on top, and commits only if nothing that it read has been written
by another commit since that version (strict serializability). Conflicts are tracked by *ranges* of keys, also of keys
that are absent. Error numbers are FoundationDB's (``TransactionError.number``), in every engine.

Who calls it: repositories take a ``Transaction``; services, handlers and jobs hold an ``Engine`` and open them. It
knows nothing of records, tenants or JSON.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Progress = Callable[[int], None]
"""Told the number of rows done so far, from a worker thread."""


class KeySelector(NamedTuple):
    """Names a key by its neighbourhood.

    It starts at the last key that is less than ``key`` (or, with ``or_equal``, less than or equal), and moves
    ``offset`` keys on. Past either end of the store it resolves to the empty key or to the single byte ``0xff``.
    Source: FoundationDB documentation, "Key selectors".
    """

    key: bytes
    or_equal: bool
    offset: int

    @classmethod
    def last_less_than(cls, key: bytes) -> "KeySelector":
        """Select the largest key below ``key``."""
        return cls(key, or_equal=False, offset=0)

    @classmethod
    def last_less_or_equal(cls, key: bytes) -> "KeySelector":
        """Select the largest key at or below ``key``."""
        return cls(key, or_equal=True, offset=0)

    @classmethod
    def first_greater_than(cls, key: bytes) -> "KeySelector":
        """Select the smallest key above ``key``."""
        return cls(key, or_equal=True, offset=1)

    @classmethod
    def first_greater_or_equal(cls, key: bytes) -> "KeySelector":
        """Select the smallest key at or above ``key``."""
        return cls(key, or_equal=False, offset=1)


class AtomicOp(StrEnum):
    """The atomic operations, by FoundationDB's names; their arithmetic is little-endian."""

    ADD = "add"
    BIT_AND = "bit_and"
    BIT_OR = "bit_or"
    BIT_XOR = "bit_xor"
    MAX = "max"
    MIN = "min"
    BYTE_MIN = "byte_min"
    BYTE_MAX = "byte_max"
    APPEND_IF_FITS = "append_if_fits"
    COMPARE_AND_CLEAR = "compare_and_clear"


class ReadTransaction(Protocol):
    """The reading half of a transaction: one snapshot of the store, plus the transaction's own writes."""

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        """Return the value of ``key``, or None when it is absent.

        Adds ``key`` to the read conflict ranges, present or not, unless ``snapshot`` is true or this transaction has
        already overwritten it. Raises 1036 when the value depends on this transaction's own versionstamp.
        """

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:
        """Return the key that ``selector`` resolves to; the empty key before the first, ``0xff`` after the last.

        Adds the range that the answer depends on to the read conflict ranges, unless ``snapshot``.
        """

    def get_range(
        self,
        begin: bytes | KeySelector,
        end: bytes | KeySelector,
        *,
        limit: int = 0,
        reverse: bool = False,
        snapshot: bool = False,
    ) -> list[tuple[bytes, bytes]]:
        """Return the rows from ``begin`` (included) to ``end`` (excluded), in key order, or reversed.

        Args:
            begin: A key stands for ``first_greater_or_equal`` of itself.
            end: The same.
            limit: At most so many rows; 0 is no limit. With ``reverse`` they are the last ones.
            reverse: Largest key first.
            snapshot: Add no read conflict range. Otherwise the range that was really looked at is added: with a limit
                that was reached, only up to the last row returned.

        An inverted range is empty.
        """


class Transaction(ReadTransaction, Protocol):
    """One transaction. Not for use from two threads at once.

    Mutations are buffered and never fail where they are called: what is wrong with one (a key or value too long, an
    inverted range) is raised by the commit, as FoundationDB does. After a commit, failed or not, every use raises 2017
    until ``reset`` or ``on_error``; after ``cancel``, 1025 until ``reset``.
    """

    def set(self, key: bytes, value: bytes) -> None:
        """Write ``value`` under ``key``."""

    def clear(self, key: bytes) -> None:
        """Remove ``key``; no error when it is absent."""

    def clear_range(self, begin: bytes, end: bytes) -> None:
        """Remove every key from ``begin`` (included) to ``end`` (excluded). Inverted: 2005 at the commit."""

    def atomic(self, op: AtomicOp, key: bytes, param: bytes) -> None:
        """Apply ``op`` to the value under ``key`` at the commit, without reading it and so without a read conflict."""

    def versionstamped_key(self, before: bytes, after: bytes, value: bytes) -> None:
        """Write ``value`` under ``before`` + the 10-byte versionstamp of this commit + ``after``.

        Until the commit the range where the key may come to lie can not be read (1036).
        """

    def versionstamped_value(self, key: bytes, before: bytes, after: bytes) -> None:
        """Write ``before`` + the 10-byte versionstamp of this commit + ``after`` under ``key``.

        Until the commit ``key`` can not be read (1036).
        """

    def add_read_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Commit only if nobody else wrote into the range since the read version."""

    def add_read_conflict_key(self, key: bytes) -> None:
        """Commit only if nobody else wrote ``key`` since the read version."""

    def add_write_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Make readers of the range conflict with this commit, as if it had been written."""

    def add_write_conflict_key(self, key: bytes) -> None:
        """Make readers of ``key`` conflict with this commit, as if it had been written."""

    def no_write_conflict(self) -> None:
        """Let the next mutation add no write conflict range."""

    def size_bytes(self) -> int:
        """Return the size that the commit is measured by (limit: 10,000,000): mutations and conflict ranges so far.

        The embedded engine's answer is exact by its own account; FoundationDB's is its approximate size. A caller that
        splits its work keeps well below the limit.
        """

    def read_version(self) -> int:
        """Return the version of the snapshot that this transaction reads; fixes it when no read has yet."""

    def commit(self) -> None:
        """Commit. When it returns, the transaction is durable: synced to disk, or replicated by the cluster.

        Blocks; call it from a thread of your own, never on an event loop. Raises ``TransactionError``: 1020 on a
        conflict, 1007 when the read version is older than the store's window, 1021 when the outcome is unknown, 2101
        when too large, and whatever was wrong with a mutation; ``UnavailableError`` when the disk is full or the
        cluster can not be reached. Whatever it raises but 1021, nothing was written. A transaction without
        mutations and write conflict ranges always commits.
        """

    def versionstamp(self) -> bytes:
        """Return the 10-byte versionstamp of the last commit; raises 2021 when nothing was written or committed.

        8 bytes of commit version and 2 of order within it, big-endian: bytes order is commit order.
        """

    def on_error(self, error: "int") -> None:
        """Prepare for another try after ``error``, backing off when that helps; raise it when trying again can't help.

        Resets the transaction when it returns. 1007, 1009, 1020, 1021, 1037, 1038 and 1042 can be tried again.
        """

    def reset(self) -> None:
        """Forget everything, as if just begun; the read version is fixed anew."""

    def cancel(self) -> None:
        """Give up: every later use raises 1025, and its watches end with that error."""

    def watch(self, key: bytes) -> "Watch":
        """Watch ``key`` from the value that this transaction sees in it, from the commit on; see ``Watch``."""


class Watch(Protocol):
    """Tells once that a key's value is no longer what it was."""

    async def changed(self) -> None:
        """Return when the value has changed. May miss a change that is undone at once, and may be early.

        Raises ``TransactionError`` when the watch can no longer tell (cancelled transaction, closed engine).
        """

    def fired(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether the watch ended (by a change or an error) within the time."""

    def cancel(self) -> None:
        """Stop watching; waiters get 1101."""


class Engine(Protocol):
    """An open store."""

    @property
    def epoch(self) -> str:
        """The UUID of this store's life: made with the store, changed by a restore."""

    async def transact(self, body: Callable[[Transaction], T], *, background: bool = False) -> T:
        """Run ``body`` in a transaction, commit it, and return what it returned; durable when this returns.

        ``body`` is a plain synchronous function. It may run several times (conflict, or an unknown commit), so it has
        no effect outside ``tr`` and is correct when its own first run has already been committed. An exception of its
        own ends the transaction with nothing written and is raised as it is.

        Args:
            body: Short bodies (the default) may run on the event loop itself: keep them under some milliseconds.
            background: Run ``body`` in a worker thread, for long work.

        Raises:
            TransactionError: Retries are used up, or the error can not be retried.
            UnavailableError: Disk full, cluster unreachable, engine closed. Nothing was written, but after 1021.
        """

    async def read(self, body: Callable[[ReadTransaction], T], *, background: bool = False) -> T:
        """Run ``body`` on one snapshot and return what it returned. Nothing is committed; reads never conflict."""

    def watch(self, key: bytes) -> Watch:
        """Watch ``key`` from its present value."""

    def begin(self) -> Transaction:
        """Return a transaction for the explicit form: the caller commits, handles errors and retries."""

    async def backup(self, path: Path, *, progress: Progress | None = None) -> int:
        """Write all rows at one version to a file that ``opening.restore`` takes, and return their number.

        Other transactions go on meanwhile. Cancelling the call leaves no file.

        Raises:
            UnavailableError: The file can not be written, or the store can not be read at one version.
        """

    async def close(self) -> None:
        """Finish the commits under way, end the watches with an error, and release the store. Idempotent."""
