"""The embedded engine: the port on one LMDB file, for one process."""

import asyncio
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import TransactionError, UnavailableError
from sidecar.store.backup import BackupWriter, Header, Progress
from sidecar.store.embedded.environment import Environment, Snapshot
from sidecar.store.embedded.lock_file import LockFile
from sidecar.store.embedded.reader import EmbeddedReader
from sidecar.store.embedded.reads import Host
from sidecar.store.embedded.selectors import FIRST, LAST
from sidecar.store.embedded.transaction import RETRYABLE, EmbeddedTransaction
from sidecar.store.embedded.watches import EmbeddedWatch, Watches, end_changed
from sidecar.store.embedded.writer import Commit, Writer
from sidecar.store.engine import ReadTransaction, Transaction, Watch
from sidecar.store.options import EngineOptions
from sidecar.turns import Turns
from sidecar.waiting import ended

T = TypeVar("T")
_TOO_OLD = 1007


class EmbeddedEngine:
    """An open embedded store; made by ``create.open_embedded``.

    Args:
        environment: LMDB, already checked.
        lock: Held until the engine is closed.
        epoch: The store's.
        clock: For the ages of snapshots and of the conflict window.
        options: Bounds.
    """

    def __init__(
        self, environment: Environment, lock: LockFile, epoch: str, *, clock: Clock, options: EngineOptions
    ) -> None:
        self._environment = environment
        self._lock = lock
        self._epoch = epoch
        self._clock = clock
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._turns = Turns(self._loop)
        self._pool = ThreadPoolExecutor(options.threads_max, thread_name_prefix="sidecar-store")
        self._watches = Watches()
        self._reader: EmbeddedReader | None = None  # of the shared snapshot
        self._writer = Writer(environment, clock, self._watches, answered=self._answered, committed=self._outdated)
        self._newest = self._writer.version
        self._shared: Snapshot | None = None
        self._closed = False
        common = (self._submit_and_wait, self._activate, self._watches)
        self._host = Host(self._own_snapshot, environment.release, *common)
        self._loop_host = Host(self._shared_snapshot, _keep, *common)

    @property
    def epoch(self) -> str:
        """The UUID of this store's life."""
        return self._epoch

    async def transact(self, body: Callable[[Transaction], T], *, background: bool = False) -> T:
        """Run ``body`` in a transaction, commit it, and return what it returned."""
        tries = _Tries(self._options.retries_max)
        while True:
            try:
                return await self._attempt(body, background=background)
            except TransactionError as error:
                tries.note(error)

    async def read(self, body: Callable[[ReadTransaction], T], *, background: bool = False) -> T:
        """Run ``body`` on one snapshot and return what it returned."""
        reader = self._reader
        tries: _Tries | None = None
        while True:
            try:
                if background:
                    return await self._loop.run_in_executor(self._pool, self._read_apart, body)
                return body(reader or self._new_reader())
            except TransactionError as error:
                tries = tries or _Tries(self._options.retries_max)
                tries.note(error)
                reader = None

    def newest_version(self) -> int:
        """Return the version of the newest commit: nobody else writes this store."""
        return self._newest

    async def watch(self, key: bytes) -> Watch:
        """Watch ``key`` from its present value."""
        return await self.transact(lambda tr: tr.watch(key))

    def begin(self) -> EmbeddedTransaction:
        """Return a transaction for the explicit form."""
        self._check_open()
        return EmbeddedTransaction(self._host)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of the map, of the file in use and of a page, and the number of rows (with our own)."""
        self._check_open()
        return self._environment.info()

    def statistics(self) -> dict[str, float]:
        """Return what the writer has measured since the start, and the sizes, by the names of the metrics."""
        syncs, seconds = self._writer.syncs
        used = 0 if self._closed else self._environment.info()["used_bytes"]
        return {
            "syncs_total": syncs,
            "sync_seconds_total": seconds,
            "used_bytes": used,
            "window_commits": self.window_size(),
            "commits_waiting": self._writer.waiting(),
        }

    def window_size(self) -> int:
        """Return how many commits the conflict window holds."""
        return len(self._writer.window)

    async def backup(self, path: Path, *, progress: Progress | None = None) -> int:
        """Write all rows at one version to a file, and return their number."""
        self._check_open()
        cancelled = threading.Event()
        work = self._loop.run_in_executor(self._pool, self._back_up, path, progress, cancelled)
        return await ended(work, cancelled.set)

    async def close(self) -> None:
        """Finish the commits under way, end the watches with an error, and release the store."""
        if self._closed:
            return
        self._closed = True
        self._writer.stop()
        await self._loop.run_in_executor(None, self._finish)

    def _finish(self) -> None:
        self._writer.join()
        self._watches.close()
        self._pool.shutdown()
        self._shared = self._reader = None
        self._environment.close()
        self._lock.release()

    def _back_up(self, path: Path, progress: Progress | None, cancelled: threading.Event) -> int:
        attempts = 0
        while True:
            attempts += 1
            # Never too old: it may keep pages while it is written.
            snapshot = self._environment.snapshot(math.inf, give_way=self._turns.give_way)
            try:
                with BackupWriter(path, Header(self._epoch, snapshot.version)) as writer:
                    self._copy(snapshot, writer, progress, cancelled)
                    if not cancelled.is_set():
                        writer.finish()
                    return writer.rows
            except TransactionError:  # the map grew, and ended the snapshot
                if attempts >= limits.store_backup_attempts_max:
                    raise
            finally:
                self._environment.release(snapshot)

    @staticmethod
    def _copy(snapshot: Snapshot, writer: BackupWriter, progress: Progress | None, cancelled: threading.Event) -> None:
        begin = FIRST
        while not cancelled.is_set():
            rows = snapshot.rows(begin, LAST, limits.store_backup_page_rows)
            writer.write(rows)
            if progress is not None:
                progress(writer.rows)
            if len(rows) < limits.store_backup_page_rows:
                return
            begin = rows[-1][0] + b"\x00"

    async def _attempt(self, body: Callable[[Transaction], T], *, background: bool) -> T:
        if background:
            self._check_open()
            transaction = EmbeddedTransaction(self._host)
            result, commit = await self._loop.run_in_executor(self._pool, _run, transaction, body)
        else:
            transaction = EmbeddedTransaction(self._loop_host)
            result, commit = _run(transaction, body)
        if commit is not None:
            commit.future = self._loop.create_future()
            self._writer.submit(commit)
            await commit.future
        transaction.finished()
        return result

    def _read_apart(self, body: Callable[[ReadTransaction], T]) -> T:
        self._check_open()
        snapshot = self._own_snapshot()
        try:
            return body(EmbeddedReader(snapshot))
        finally:
            self._environment.release(snapshot)

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError("The store is closed.")

    def _own_snapshot(self) -> Snapshot:
        return self._environment.snapshot(self._clock.monotonic(), give_way=self._turns.give_way)

    def _shared_snapshot(self) -> Snapshot:
        """Return the event loop's snapshot: one for all short bodies between two commits."""
        shared = self._shared
        if shared is not None and shared.version == self._writer.version and not shared.ended:
            return shared
        self._check_open()
        if shared is not None:
            self._environment.release(shared)
        shared = self._shared = self._environment.snapshot(self._clock.monotonic())
        return shared

    def _new_reader(self) -> EmbeddedReader:
        """Return a reader of the shared snapshot, and keep it for the next short reads until a commit outdates it.

        The writer forgets the kept one after it has raised the version and before it acknowledges, so checking the
        version after keeping it leaves no moment in which an outdated one stays.
        """
        reader = self._reader = EmbeddedReader(self._shared_snapshot())
        if reader.snapshot.version != self._writer.version:
            self._reader = None
        return reader

    def _outdated(self) -> None:
        """Forget the kept reader, then tell of the new version. Called by the writer's thread before it acknowledges.

        In this order: who has seen the new version reads no older snapshot any more.
        """
        self._reader = None
        self._newest = self._writer.version

    def _submit_and_wait(self, commit: Commit) -> None:
        commit.done = threading.Event()
        self._writer.submit(commit)
        commit.done.wait()

    def _activate(self, watches: list[EmbeddedWatch]) -> None:
        for watch in watches:
            self._watches.activate(watch)
        end_changed(watches, self._environment, self._clock.monotonic())

    def _answered(self, commits: list[Commit]) -> None:
        """Wake those who wait on the loop, and let the loop drop its snapshot. Called by the writer's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, commits)

    def _deliver(self, commits: list[Commit]) -> None:
        shared = self._shared
        if shared is not None and shared.version != self._writer.version:
            self._environment.release(shared)  # or it would keep pages from being used again while nothing reads
            self._shared = self._reader = None
        for commit in commits:
            if commit.future is not None and not commit.future.done():
                commit.future.set_result(None)


class _Tries:
    """Counts failed attempts, and raises the error of the one after which another is of no use."""

    __slots__ = ("_left", "_old_left")

    def __init__(self, retries_max: int) -> None:
        self._left = retries_max
        self._old_left = limits.store_too_old_retries_max

    def note(self, error: TransactionError) -> None:
        """Return when another attempt may succeed."""
        self._left -= 1
        self._old_left -= error.number == _TOO_OLD
        if error.number not in RETRYABLE or self._left < 0 or self._old_left < 0:
            raise error


def _keep(_snapshot: Snapshot) -> None:
    """The shared snapshot outlives the transactions that read it."""


def _run(transaction: EmbeddedTransaction, body: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
    try:
        return body(transaction), transaction.prepare()
    except BaseException:
        transaction.cancel()
        raise
