"""The FoundationDB engine: the port on an open cluster. All calls that wait run in a bounded pool of threads."""

import asyncio
import json
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import (
    ConflictError,
    CorruptStoreError,
    StoreFormatError,
    TransactionError,
    UnavailableError,
)
from sidecar.store.backup import BackupWriter, Header, Progress
from sidecar.store.backup import rows as backup_rows
from sidecar.store.engine import ReadTransaction, Transaction
from sidecar.store.foundationdb.attempts import Attempts
from sidecar.store.foundationdb.opened import Opened
from sidecar.store.foundationdb.transaction import FoundationReader, FoundationTransaction, Rows
from sidecar.store.foundationdb.watches import FoundationWatch
from sidecar.store.options import EngineOptions
from sidecar.store.tuples import strinc
from sidecar.waiting import ended

T = TypeVar("T")

FORMAT = 1
_TOO_OLD = 1007


class FoundationEngine:
    """An open cluster.

    Args:
        fdb: The binding, with its API version chosen.
        cluster_file: Of the cluster.
        options: Bounds.
        clock: For deadlines.
        left: Called once when the engine has been closed.
    """

    def __init__(
        self,
        fdb: Any,  # noqa: ANN401 -- the binding has no types
        cluster_file: Path,
        options: EngineOptions,
        *,
        clock: Clock,
        left: Callable[[], None],
    ) -> None:
        self._left = left
        self._fdb = fdb
        self._cluster_file = cluster_file
        self._options = options
        self._database = fdb.open(str(cluster_file))
        self._pool = ThreadPoolExecutor(options.threads_max, thread_name_prefix="sidecar-fdb")
        self._opened = Opened()
        self._attempts = Attempts(self._begin, self._opened, clock=clock, options=options)
        self._attempts.timeout_ms = min(options.transaction_timeout_ms, limits.store_opening_ms_max)
        self._epoch = ""

    @property
    def epoch(self) -> str:
        """The UUID of this store's life."""
        return self._epoch

    async def transact(self, body: Callable[[Transaction], T], *, background: bool = False) -> T:  # noqa: ARG002 -- all bodies run in threads
        """Run ``body`` in a transaction, commit it, and return what it returned."""
        return await self._in_thread(body, commits=True)

    async def read(self, body: Callable[[ReadTransaction], T], *, background: bool = False) -> T:  # noqa: ARG002 -- the same
        """Run ``body`` on one snapshot and return what it returned."""
        return await self._in_thread(lambda tr: body(FoundationReader(tr)), commits=False)

    def newest_version(self) -> None:
        """Return None: others write to the cluster, too."""

    async def watch(self, key: bytes) -> FoundationWatch:
        """Watch ``key`` from its present value."""
        return await self._in_thread(lambda tr: tr.watch(key), commits=True)

    def begin(self) -> FoundationTransaction:
        """Return a transaction for the explicit form."""
        self._opened.check()
        return self._begin(self._attempts.timeout_ms)

    async def backup(self, path: Path, *, progress: Progress | None = None) -> int:
        """Write a consistent backup; for stores that can be read within one transaction's five seconds."""
        self._opened.check()
        cancelled = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(self._pool, self._back_up, path, progress, cancelled)
        return await ended(work, cancelled.set)

    async def close(self) -> None:
        """Finish the commits under way, end all that waits, and let the cluster go; the network thread lives on."""
        if self._opened.close():
            await asyncio.get_running_loop().run_in_executor(None, self._finish)
            self._left()

    def _finish(self) -> None:
        self._pool.shutdown()
        tr = FoundationTransaction(self._fdb, self._database, limits.store_leaving_ms_max, Opened())
        self._attempts.clear_own_marks(tr)
        with suppress(TransactionError):  # the cluster is away; the next opening clears them
            tr.commit()

    def load_record(self) -> None:
        """Read what we keep of the store itself, or make it.

        Raises:
            StoreFormatError: A newer version wrote it.
            CorruptStoreError: A restore into it was not finished.
        """
        record = self._attempts.run(self._record, commits=True)
        if record["format"] > FORMAT:
            raise StoreFormatError(
                f"The store in {self._cluster_file} has format {record['format']}, written by a newer version; "
                f"this one reads up to {FORMAT}.",
                details={"found": record["format"], "supported": FORMAT},
            )
        if record.get("restoring"):
            raise CorruptStoreError(
                f"A restore into the store of {self._cluster_file} was not finished; clear it and restore again."
            )
        self._epoch = record["epoch"]
        self._attempts.timeout_ms = self._options.transaction_timeout_ms

    def restore(self, path: Path, header: Header, progress: Progress) -> str:
        """Write all rows of a checked backup into this empty store, and return its new epoch.

        Raises:
            ConflictError: The store is not empty, or its versions are behind those in the backup's rows.
        """
        version = self._attempts.run(lambda tr: tr.read_version(), commits=False)
        if version < header.version:
            raise ConflictError(
                f"The backup's versions go up to {header.version}, the cluster's to {version}: what is new would lie "
                f"before what is old. Move the cluster on first: `advanceversion {header.version}` in fdbcli."
            )
        found = self._attempts.run(lambda tr: [tr.get_range(*span, limit=1) for span in self._spans], commits=False)
        if any(found):
            raise ConflictError(f"The store of {self._cluster_file} is not empty; a restore needs an empty one.")
        self._put_record(restoring=True)
        chunk: Rows = []
        size = 0
        for key, value in backup_rows(path, progress):
            chunk.append((key, value))
            size += 3 * len(key) + len(value)
            if size >= limits.store_restore_chunk_bytes:
                self._put_rows(chunk)
                chunk, size = [], 0
        self._put_rows(chunk)
        self._put_record(restoring=False)
        return self._epoch

    def _put_rows(self, rows: Rows) -> None:
        def body(tr: FoundationTransaction) -> None:
            for key, value in rows:
                tr.set(key, value)

        self._attempts.run(body, commits=True)

    def _put_record(self, *, restoring: bool) -> None:
        epoch = _new_epoch()
        record = json.dumps({"format": FORMAT, "epoch": epoch, "restoring": restoring}).encode()
        self._attempts.run(lambda tr: tr.set(self._record_key, record), commits=True)
        self._epoch = epoch

    @property
    def _record_key(self) -> bytes:
        return self._options.system_prefix + b"store"

    @property
    def _spans(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the ranges of all keys that are not the engine's own."""
        own = self._options.system_prefix
        return (b"", own), (strinc(own), b"\xff")

    def _record(self, tr: FoundationTransaction) -> dict[str, Any]:
        found = tr.get(self._record_key)
        if found is None:
            found = json.dumps({"format": FORMAT, "epoch": _new_epoch()}).encode()
            tr.set(self._record_key, found)
        record: dict[str, Any] = json.loads(found)
        if record["format"] <= FORMAT:
            self._attempts.clear_old_marks(tr)
        return record

    def _back_up(self, path: Path, progress: Progress | None, cancelled: threading.Event) -> int:
        tr = self.begin()

        def going_on(rows: int) -> bool:
            if progress is not None:
                progress(rows)
            return not cancelled.is_set()

        with BackupWriter(path, Header(self._epoch, tr.read_version())) as writer:
            try:
                for span in self._spans:
                    self._copy(tr, writer, span, going_on)
                going_on(writer.rows)
            except TransactionError as error:
                if error.number != _TOO_OLD:
                    raise self._attempts.final(error) from error
                raise UnavailableError(
                    "The cluster's data can not be read within one transaction; use FoundationDB's own fdbbackup."
                ) from error
            if not cancelled.is_set():
                writer.finish()
            return writer.rows

    @staticmethod
    def _copy(
        tr: FoundationTransaction, writer: BackupWriter, span: tuple[bytes, bytes], going_on: Callable[[int], bool]
    ) -> None:
        begin, end = span
        more = True
        while more and going_on(writer.rows):
            rows = tr.get_range(begin, end, limit=limits.store_backup_page_rows, snapshot=True)
            writer.write(rows)
            more = len(rows) == limits.store_backup_page_rows
            begin = rows[-1][0] + b"\x00" if more else end

    def _begin(self, timeout_ms: int) -> FoundationTransaction:
        return FoundationTransaction(self._fdb, self._database, timeout_ms, self._opened)

    async def _in_thread(self, body: Callable[[FoundationTransaction], T], *, commits: bool) -> T:
        self._opened.check()
        deadline = self._attempts.deadline()
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: self._attempts.run(body, commits=commits, deadline=deadline)
        )


def _new_epoch() -> str:
    return str(uuid.UUID(bytes=os.urandom(16), version=4))
