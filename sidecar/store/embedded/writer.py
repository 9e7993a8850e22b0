"""Group commit: one thread checks, applies and syncs all waiting transactions together, then answers them all.

Called by transactions (``submit``) and by the engine. A transaction is acknowledged only after LMDB has synced the
batch it is in. Its versionstamp is the batch's version (8 bytes, kept in the store, always rising) and its order in
the batch (2).
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import cast

import lmdb

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import SidecarError, TransactionError, UnavailableError
from sidecar.store.embedded.atomics import OPERATIONS
from sidecar.store.embedded.conflicts import ConflictWindow, Entry
from sidecar.store.embedded.environment import DATA, OWN, Environment
from sidecar.store.embedded.selectors import FIRST, LAST
from sidecar.store.embedded.watches import EmbeddedWatch, Watches, end_changed
from sidecar.store.embedded.write_map import Apply, ClearRange, Mutation, SetStampedKey, SetStampedValue, SetValue

log = logging.getLogger(__name__)

Ranges = Sequence[tuple[bytes, bytes]]
_KEY_BYTES_MAX = limits.store_embedded_key_bytes_max


class Commit:
    """A transaction on its way to the disk, and the writer's answer.

    Args:
        read_version: The version it read; None when it read nothing that counts.
        reads: The keys and ranges that it read.
        writes: The keys and ranges whose readers conflict with it.
        rows: Values to put, each key behind ``DATA``.
        mutations: What to apply behind them, in order.
    """

    __slots__ = (
        "done", "error", "future", "mutations", "read_keys", "read_ranges", "read_version", "rows", "size_bytes",
        "versionstamp", "watches", "write_keys", "write_ranges",
    )  # fmt: skip

    def __init__(self) -> None:
        self.read_version: int | None = None
        self.read_keys: Sequence[bytes] = ()
        self.read_ranges: Ranges = ()
        self.write_keys: Sequence[bytes] = ()
        self.write_ranges: Ranges = ()
        self.rows: list[tuple[bytes, bytes]] = []
        self.mutations: list[Mutation] = []
        self.size_bytes = 0
        self.watches: Sequence[EmbeddedWatch] = ()
        self.error: SidecarError | None = None
        self.versionstamp: bytes | None = None
        self.future: asyncio.Future[None] | None = None
        self.done: threading.Event | None = None


class Writer:
    """The thread that commits.

    Args:
        environment: Where to.
        clock: For the age of what the conflict window holds.
        watches: Told of what changed.
        committed: Called in this thread when a batch is durable, before anybody is told.
        answered: Called in this thread after each batch with those who wait on the event loop.
    """

    def __init__(
        self,
        environment: Environment,
        clock: Clock,
        watches: Watches,
        *,
        answered: Callable[[list[Commit]], None],
        committed: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._watches = watches
        self._answered = answered
        self._committed = committed
        self._queue: queue.SimpleQueue[Commit | None] = queue.SimpleQueue()
        self._gate = threading.Lock()  # orders submissions against the end
        self._closed = False
        self.syncs = (0, 0.0)  # how many batches were synced, and the seconds it took, in one assignment
        self.version = int.from_bytes(environment.read_own(b"version") or b"", "big")
        self.window = ConflictWindow(self.version)
        self._thread = threading.Thread(target=self._run, name="sidecar-store-writer", daemon=True)
        self._thread.start()

    def submit(self, commit: Commit) -> None:
        """Hand over a commit; the answer is in it when its ``done`` is set, or its ``future``."""
        with self._gate:
            if self._closed:
                raise UnavailableError("The store is closed.")
            self._queue.put(commit)

    def waiting(self) -> int:
        """Return how many commits wait for the next batch."""
        return self._queue.qsize()

    def stop(self) -> None:
        """Take no more commits; those under way are finished."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)

    def join(self) -> None:
        """Wait until the last batch is answered."""
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            first = self._queue.get()
            if first is None:
                return
            batch, going = self._gather(first)
            try:
                self._commit(batch)
            except Exception as error:
                log.exception("store writer failed")
                self._refuse(batch, TransactionError(1021, f"The store's writer failed: {error}."))
            self._answer(batch)

    def _gather(self, first: Commit) -> tuple[list[Commit], bool]:
        """Return what waits, up to the bounds of a batch, and whether more may come."""
        batch, size = [first], first.size_bytes
        while len(batch) < limits.store_batch_transactions_max and size < limits.store_batch_bytes_max:
            try:
                commit = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
            if commit is None:
                return batch, False
            batch.append(commit)
            size += commit.size_bytes
        return batch, True

    def _commit(self, batch: list[Commit]) -> None:
        """Write a batch. Once it is durable nothing can fail any more: an error would have bodies run again."""
        now = self._clock.monotonic()
        self.window.expire(now)
        self._environment.release_older(now - limits.store_read_window_seconds)
        try:
            self._recover()
            version = self.version + 1
            survivors = [commit for commit in batch if self._admit(commit, version, now)]
            if not survivors:
                return
            began = self._clock.monotonic()
            self._environment.write(lambda txn: _apply(txn, survivors, version))
        except SidecarError as error:
            self._refuse(batch, error)
            return
        self.version = version
        self.syncs = (self.syncs[0] + 1, self.syncs[1] + self._clock.monotonic() - began)
        self._committed()
        self._tell_watches(survivors, now)

    def _recover(self) -> None:
        """Begin anew at the version that is stored, after a batch that failed and may have been stored all the same."""
        stored = self._environment.recovered()
        if stored is not None and stored != self.version:
            log.warning("What was refused when the store failed had been stored.")
            self.version = stored
            self.window.forget(stored)
            self._committed()
            for watch in self._watches.touched((), [(FIRST, LAST)]):
                watch.end()

    def _refuse(self, batch: list[Commit], error: SidecarError) -> None:
        self.window.forget(self.version)
        for commit in batch:
            if commit.error is None:
                commit.error, commit.versionstamp = error, None

    def _admit(self, commit: Commit, version: int, now: float) -> bool:
        """Check a commit against those before it; a survivor counts for those after it, also in this batch."""
        if commit.read_version is not None and (commit.read_keys or commit.read_ranges):
            if self.window.too_old(commit.read_version):
                commit.error = TransactionError(1007)
                return False
            if self.window.conflicts(commit.read_version, commit.read_keys, commit.read_ranges):
                commit.error = TransactionError(1020)
                return False
        last = self.window.last()
        order = last.order + 1 if last is not None and last.version == version else 0
        stamp = commit.versionstamp = version.to_bytes(8, "big") + order.to_bytes(2, "big")
        stamped = [one.key.filled(stamp) for one in commit.mutations if isinstance(one, SetStampedKey)]
        keys = [*commit.write_keys, *stamped] if stamped else commit.write_keys
        self.window.append(Entry(version, order, now, keys, commit.write_ranges))
        return True

    def _tell_watches(self, survivors: list[Commit], now: float) -> None:
        own = [watch for commit in survivors for watch in commit.watches]
        for watch in own:
            self._watches.activate(watch)
        touched = list(own)
        if len(self._watches):
            for commit in survivors:
                keys, ranges = _changed(commit)
                touched += self._watches.touched(keys, ranges)
        end_changed(touched, self._environment, now)

    def _answer(self, batch: list[Commit]) -> None:
        for commit in batch:
            if commit.error is not None:
                for watch in commit.watches:
                    watch.end(TransactionError(1101))
            if commit.done is not None:
                commit.done.set()
        self._answered([commit for commit in batch if commit.future is not None])


def _changed(commit: Commit) -> tuple[list[bytes], list[tuple[bytes, bytes]]]:
    keys: list[bytes] = [key[1:] for key, _ in commit.rows]
    ranges: list[tuple[bytes, bytes]] = []
    for mutation in commit.mutations:
        if isinstance(mutation, ClearRange):
            ranges.append((mutation.begin, mutation.end))
        elif isinstance(mutation, SetStampedKey):
            keys.append(mutation.key.filled(commit.versionstamp or b""))
        else:
            keys.append(mutation.key)
    return keys, ranges


def _apply(txn: "lmdb.Transaction", survivors: list[Commit], version: int) -> None:
    for commit in survivors:
        if commit.rows:
            with txn.cursor() as cursor:
                cursor.putmulti(commit.rows)
        for mutation in commit.mutations:
            _apply_one(txn, mutation, commit.versionstamp or b"")
    txn.put(OWN + b"version", version.to_bytes(8, "big"))


def _apply_one(txn: "lmdb.Transaction", mutation: Mutation, stamp: bytes) -> None:
    match mutation:
        case SetValue(key, value):
            if value is None:
                txn.delete(DATA + key)
            else:
                txn.put(DATA + key, value)
        case Apply(key, op, param):
            old = cast("bytes | None", txn.get(DATA + key))
            new = OPERATIONS[op](old, param)
            if new is not None:
                txn.put(DATA + key, new)
            elif old is not None:
                txn.delete(DATA + key)
        case ClearRange(begin, end):
            _clear(txn, DATA + begin[:_KEY_BYTES_MAX], DATA + end, skip_first=len(begin) > _KEY_BYTES_MAX)
        case SetStampedKey(stamped, value):
            txn.put(DATA + stamped.filled(stamp), value)
        case SetStampedValue(key, stamped):
            txn.put(DATA + key, stamped.filled(stamp))


def _clear(txn: "lmdb.Transaction", begin: bytes, end: bytes, *, skip_first: bool) -> None:
    with txn.cursor() as cursor:
        found = cursor.set_range(begin)
        if found and skip_first and cursor.key() == begin:
            found = cursor.next()
        while found and bytes(cursor.key()) < end:
            cursor.delete()
            found = bool(cursor.key())  # a deleted row's place is taken by the next one
