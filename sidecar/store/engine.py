"""The port: the transaction contract that every engine keeps. Its docstrings are the contract.

The model is FoundationDB's. A store is one ordered map from ``bytes`` to ``bytes``. A transaction reads one snapshot of
it, the one of its *read version*, sees its own writes on top, and commits only if nothing that it read has been written
by another commit since that version (strict serializability). Conflicts are tracked by *ranges* of keys, also of keys
that are absent. Error numbers are FoundationDB's (``TransactionError.number``), in every engine.

Keys sort as unsigned bytes. Users' keys lie below ``0xff``; reading at or above it (a key itself) or naming a key past
it (a selector, a range's bound) raises 2004, writing there fails the transaction with 2004. Bounds: a value 100,000
bytes (2103), a key 10,000 bytes (2102; the embedded engine already past 510), a transaction 10,000,000 bytes (2101), a
transaction's life five seconds (1007: then too old to read on, and, if it has read, to commit, once others have
committed). An engine answers the recorded traces (``tests/contract/vectors``) byte for byte; where these words are
short, they decide.

Who calls it: repositories take a ``Transaction``; services, handlers and jobs hold an ``Engine`` and open them. It
knows nothing of records, tenants or JSON.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from sidecar.store.backup import Progress

T = TypeVar("T")


class KeySelector(NamedTuple):
    """Names a key by its neighbourhood.

    It starts at the last key that is less than ``key`` (or, with ``or_equal``, less than or equal), and moves
    ``offset`` keys on. So offset 1 is the first key after that place, 2 the one after, 0 the key before, -1 the one
    before that. Past either end of the store it resolves to the empty key or to the single byte ``0xff``. It counts the
    keys that the transaction sees, its own writes included, and, as FoundationDB does, also a key whose row the
    transaction's own ``COMPARE_AND_CLEAR`` has emptied.
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
    """The atomic operations, by FoundationDB's names.

    Numbers are little-endian and unsigned, as long as ``param``: the stored value is cut or padded with zeros to that.

    - ADD, BIT_OR, BIT_XOR: an absent value counts as zero. BIT_AND: an absent value becomes ``param``.
    - MAX, MIN: the larger or smaller number; an absent value is zero for MAX, and becomes ``param`` for MIN.
    - BYTE_MAX, BYTE_MIN: the later or earlier in the order of bytes, uncut; an absent value becomes ``param``.
    - APPEND_IF_FITS: the value followed by ``param``, or the value alone where that would pass 100,000 bytes.
    - COMPARE_AND_CLEAR: clears the key when its value equals ``param``, else leaves it.
    """

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
    """The reading half of a transaction: one snapshot of the store, plus the transaction's own writes.

    The first read fixes the read version. 1036 is raised by any read that comes upon a key whose value or presence
    depends on the transaction's own versionstamp; after that, the commit fails with 1036 too. 1007: the snapshot is no
    longer kept. What is returned are plain ``bytes`` and lists, never proxies.
    """

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        """Return the value of ``key``, or None when it is absent.

        Adds ``key`` to the read conflict ranges, present or not, unless ``snapshot`` is true or this transaction has
        already set or cleared it (an atomic operation does not count: its outcome depends on what is stored). A key
        longer than any can be is absent.
        """

    def get_many(self, keys: Sequence[bytes], *, snapshot: bool = False) -> list[bytes | None]:
        """Return the values of ``keys``, in their order: as so many calls of ``get``, waited for together."""

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:
        """Return the key that ``selector`` resolves to; the empty key before the first, ``0xff`` after the last.

        Adds the range between the selector's key and the answer, both sides included, to the read conflict ranges,
        unless ``snapshot``; without the parts that this transaction has itself set or cleared.
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
                that was reached, only up to the last row returned; without what this transaction has set or cleared.

        An inverted range is empty and adds nothing.
        """


class Transaction(ReadTransaction, Protocol):
    """One transaction. Not for use from two threads at once.

    Mutations are buffered and never fail where they are called: what is wrong with one (a key or value too long, a key
    out of bounds, an inverted ``clear_range``) is raised by every later read and by the commit; mutations after it are
    ignored. They apply in order; a later ``set``, ``clear`` or ``clear_range`` takes the place of what was there
    before, also of a versionstamped value or of a versionstamped key that has not got its stamp yet. Each adds what it
    writes to the write conflict ranges, unless ``no_write_conflict`` came before it.

    After a commit, failed or not, every use raises 2017 until ``reset`` or ``on_error``; after ``cancel``, or after an
    ``on_error`` that raised, 1025 until ``reset``. A read that raised (1036, 1007) makes the commit raise the same.
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

        Until the commit the range where the key may come to lie (any stamp above the read version) can not be read
        (1036), until that range is cleared. Writes into the range before this one are applied before it. The write
        conflict is on the one key that it becomes. Length: 2102 counts the stamp.
        """

    def versionstamped_value(self, key: bytes, before: bytes, after: bytes) -> None:
        """Write ``before`` + the 10-byte versionstamp of this commit + ``after`` under ``key``.

        Until the commit ``key`` can not be read (1036).
        """

    def add_read_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Commit only if nobody else wrote into the range since the read version, wherever that is fixed.

        Parts that this transaction has already set or cleared are not added. Inverted: 2005, at once.
        """

    def add_read_conflict_key(self, key: bytes) -> None:
        """Commit only if nobody else wrote ``key`` since the read version."""

    def add_write_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Make readers of the range conflict with this commit, as if it had been written. Inverted: 2005, at once."""

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
        when too large, and whatever was wrong with a mutation; ``UnavailableError`` when the disk is full or fails,
        1031 when the cluster does not answer. Whatever it raises but 1021, 1031, 1039 and an ``UnavailableError`` whose
        message says so, nothing was written. A transaction without mutations and write conflict ranges always commits.
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
        """Watch ``key`` from the value that this transaction sees in it, from the commit on; see ``Watch``.

        Reads ``key`` (with a read conflict). Ends at once when this transaction then writes another value into it, and
        with an error when the commit fails or the transaction is reset or cancelled.

        Raises:
            LimitExceededError: Too many watches are open (10,000); on FoundationDB the watch raises it.
        """


class Watch(Protocol):
    """Tells once that a key's value is no longer what it was.

    Safe from any thread. Fires after the commit that changed the value is durable.
    """

    async def changed(self) -> None:
        """Return when the value has changed. May miss a change that is undone at once, and may be early.

        Raises ``TransactionError`` when the watch can no longer tell (cancelled transaction, closed engine, and now and
        then a cluster that moves its data): who wants to go on looks at the value, and watches anew.
        """

    def fired(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether the watch ended (by a change or an error) within the time."""

    def cancel(self) -> None:
        """Stop watching; waiters get 1101."""


class Engine(Protocol):
    """An open store. Its coroutines are called on the event loop that it was opened on; ``begin`` from any thread.

    A caller that is cancelled while it waits leaves a commit under way to finish: it is written whole or not at all.
    """

    @property
    def epoch(self) -> str:
        """The UUID of this store's life: made with the store, changed by a restore."""

    async def transact(self, body: Callable[[Transaction], T], *, background: bool = False) -> T:
        """Run ``body`` in a transaction, commit it, and return what it returned; durable when this returns.

        ``body`` is a plain synchronous function. It may run several times (a conflict, a commit that was lost), so it
        has no effect outside ``tr``. Once it has been committed it is not run again: where a commit's outcome is
        unknown, the engine finds out. An exception of its own ends the transaction with nothing written and is raised
        as it is.

        Args:
            body: Short bodies (the default) may run on the event loop itself: keep them under some milliseconds.
            background: Run ``body`` in a worker thread, for long work.

        Raises:
            TransactionError: Retries are used up, or the error can not be retried. Nothing was written, but with 1021:
                then nobody could find out.
            UnavailableError: Disk full or failing, cluster unreachable, engine closed. Nothing was written, unless the
                message says that it may have been: a disk may keep what it refused to sync.
        """

    async def read(self, body: Callable[[ReadTransaction], T], *, background: bool = False) -> T:
        """Run ``body`` on one snapshot and return what it returned. Nothing is committed; reads never conflict."""

    def newest_version(self) -> int | None:
        """Return the version of the newest commit; None where other processes may write, too.

        As long as it stays the same, a read gives the same again. It costs no read.
        """

    async def watch(self, key: bytes) -> Watch:
        """Watch ``key`` from its present value."""

    def begin(self) -> Transaction:
        """Return a transaction for the explicit form: the caller commits, handles errors and retries."""

    async def backup(self, path: Path, *, progress: Progress | None = None) -> int:
        """Write all rows at one version to a file that ``opening.restore`` takes, and return their number.

        Other transactions go on meanwhile. The file is read again before it takes its place, where an older one stays
        until then. Cancelling the call leaves no file.

        Raises:
            UnavailableError: The file can not be written, or the store can not be read at one version.
        """

    async def close(self) -> None:
        """Finish the commits under way, end the watches with an error (1101), and release the store. Idempotent."""
