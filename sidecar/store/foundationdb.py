"""The FoundationDB engine: the port on the official binding (7.3) and a cluster of FoundationDB 7.3.

Imported by ``store.opening`` alone, and only when a store of this kind is opened; the binding's C library is loaded
then. All calls that wait run in a bounded pool of threads. Errors leave as ours: ``TransactionError`` by number, and
``UnavailableError`` where the cluster does not answer. The binding's network thread is one for the process: it is
started by the first engine and lives on. Source: FoundationDB 7.3 documentation, "Python API" and "Error codes".
"""

import asyncio
import json
import os
import re
import struct
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import (
    ConflictError,
    CorruptStoreError,
    InvalidError,
    LimitExceededError,
    SidecarError,
    StoreFormatError,
    TransactionError,
    UnavailableError,
)
from sidecar.store.backup import BackupWriter, Header
from sidecar.store.backup import rows as backup_rows
from sidecar.store.engine import AtomicOp, KeySelector, Progress, ReadTransaction, Transaction
from sidecar.store.options import EngineOptions
from sidecar.store.tuples import strinc

T = TypeVar("T")
Rows = list[tuple[bytes, bytes]]

FORMAT = 1
_API_VERSION = 730
_STAMP_HOLE = b"\x00" * 10
_TIMED_OUT = 1031
_TOO_OLD = 1007
_TOO_MANY_WATCHES = 1032
_NO_COMMIT_VERSION = 2021
_OPENING_MS = 8_000  # a user who waits for an answer gets one within ten seconds, the start of the network included
_SWITCH_SECONDS = 0.0005  # measured: at Python's 5 ms the network thread waits for the interpreter, not for the cluster
_CLUSTER_LINE = re.compile(r"[A-Za-z0-9_]+:[A-Za-z0-9]+@[^\s,]+:\d+(:tls)?(,[^\s,]+:\d+(:tls)?)*")


@dataclass(slots=True)
class _Network:
    """What this process shares among its engines, because the C library does."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    tls: tuple[object, ...] | None = None
    engines: int = 0
    switch_seconds: float = 0.0


_network = _Network()


class FoundationWatch:
    """A watch: the binding's future, seen from threads and from event loops."""

    def __init__(self, future: Any, error_class: type[Exception]) -> None:  # noqa: ANN401 -- the binding has no types
        self._future = future
        self._error_class = error_class
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        future.on_ready(self._end)

    async def changed(self) -> None:
        """Return when the value has changed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            waiting = not self._ended.is_set()
            if waiting:
                self._waiters.append((loop, future))
        if waiting:
            await future
        try:
            self._future.wait()
        except self._error_class as error:
            raise _numbered(error) from error

    def fired(self, timeout_seconds: float) -> bool:
        """Wait, blocking, and return whether the watch ended within the time."""
        return self._ended.wait(timeout_seconds)

    def cancel(self) -> None:
        """Stop watching."""
        self._future.cancel()

    def _end(self, _future: object) -> None:
        with self._lock:
            self._ended.set()
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, future)


class FoundationTransaction:
    """A transaction; the port says what its methods do."""

    __slots__ = ("_error_class", "_fdb", "_native", "_stamp", "_timeout_ms")

    def __init__(self, fdb: Any, database: Any, timeout_ms: int) -> None:  # noqa: ANN401 -- the binding has no types
        self._fdb = fdb
        self._error_class: type[Exception] = fdb.FDBError
        self._timeout_ms = timeout_ms
        self._native = database.create_transaction()
        self._native.options.set_timeout(timeout_ms)
        self._stamp: Any = None

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except self._error_class as error:
            numbered = _numbered(error)
            if numbered.number == _TIMED_OUT:
                seconds = self._timeout_ms / 1_000
                raise UnavailableError(
                    f"The FoundationDB cluster did not answer within {seconds:g} seconds; is it running and reachable?"
                ) from error
            raise numbered from error

    def _reader(self, *, snapshot: bool) -> Any:  # noqa: ANN401 -- the same
        return self._native.snapshot if snapshot else self._native

    def _selector(self, place: bytes | KeySelector) -> Any:  # noqa: ANN401 -- the same
        if isinstance(place, KeySelector):
            return self._fdb.KeySelector(place.key, place.or_equal, place.offset)
        return self._fdb.KeySelector.first_greater_or_equal(place)

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        """Return the value of ``key``, or None when it is absent."""
        with self._translating():
            value: bytes | None = self._reader(snapshot=snapshot).get(key).wait()
            return None if value is None else bytes(value)

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:
        """Return the key that ``selector`` resolves to."""
        with self._translating():
            return bytes(self._reader(snapshot=snapshot).get_key(self._selector(selector)).wait())

    def get_range(
        self,
        begin: bytes | KeySelector,
        end: bytes | KeySelector,
        *,
        limit: int = 0,
        reverse: bool = False,
        snapshot: bool = False,
    ) -> Rows:
        """Return the rows from ``begin`` (included) to ``end`` (excluded)."""
        mode = self._fdb.StreamingMode.exact if limit else self._fdb.StreamingMode.want_all
        with self._translating():
            rows = self._reader(snapshot=snapshot).get_range(
                self._selector(begin), self._selector(end), limit=limit, reverse=reverse, streaming_mode=mode
            )
            return [(bytes(row.key), bytes(row.value)) for row in rows]

    def read_version(self) -> int:
        """Return the version of the snapshot that this transaction reads."""
        with self._translating():
            return int(self._native.get_read_version().wait())

    def set(self, key: bytes, value: bytes) -> None:
        """Write ``value`` under ``key``."""
        self._native.set(key, value)

    def clear(self, key: bytes) -> None:
        """Remove ``key``."""
        self._native.clear(key)

    def clear_range(self, begin: bytes, end: bytes) -> None:
        """Remove every key from ``begin`` (included) to ``end`` (excluded)."""
        self._native.clear_range(begin, end)

    def atomic(self, op: AtomicOp, key: bytes, param: bytes) -> None:
        """Apply ``op`` to the value under ``key`` at the commit."""
        getattr(self._native, op.value)(key, param)

    def versionstamped_key(self, before: bytes, after: bytes, value: bytes) -> None:
        """Write ``value`` under ``before`` + the versionstamp + ``after``."""
        self._native.set_versionstamped_key(before + _STAMP_HOLE + after + struct.pack("<L", len(before)), value)

    def versionstamped_value(self, key: bytes, before: bytes, after: bytes) -> None:
        """Write ``before`` + the versionstamp + ``after`` under ``key``."""
        self._native.set_versionstamped_value(key, before + _STAMP_HOLE + after + struct.pack("<L", len(before)))

    def add_read_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Commit only if nobody else wrote into the range since the read version."""
        with self._translating():
            self._native.add_read_conflict_range(begin, end)

    def add_read_conflict_key(self, key: bytes) -> None:
        """Commit only if nobody else wrote ``key`` since the read version."""
        with self._translating():
            self._native.add_read_conflict_key(key)

    def add_write_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Make readers of the range conflict with this commit."""
        with self._translating():
            self._native.add_write_conflict_range(begin, end)

    def add_write_conflict_key(self, key: bytes) -> None:
        """Make readers of ``key`` conflict with this commit."""
        with self._translating():
            self._native.add_write_conflict_key(key)

    def no_write_conflict(self) -> None:
        """Let the next mutation add no write conflict range."""
        with self._translating():
            self._native.options.set_next_write_no_write_conflict_range()

    def size_bytes(self) -> int:
        """Return the size that the commit is measured by, as FoundationDB estimates it."""
        with self._translating():
            return int(self._native.get_approximate_size().wait())

    def commit(self) -> None:
        """Commit, blocking; durable when it returns."""
        with self._translating():
            stamp = self._native.get_versionstamp()
            self._native.commit().wait()
            self._stamp = stamp

    def versionstamp(self) -> bytes:
        """Return the versionstamp of the last commit."""
        if self._stamp is None:
            raise TransactionError(_NO_COMMIT_VERSION)
        with self._translating():
            return bytes(self._stamp.wait())

    def on_error(self, error: int) -> None:
        """Prepare for another try after ``error``, or raise it."""
        try:
            self._native.on_error(error).wait()
        except self._error_class as final:
            raise _numbered(final) from final
        self._stamp = None

    def reset(self) -> None:
        """Forget everything, as if just begun."""
        self._native.reset()
        self._native.options.set_timeout(self._timeout_ms)
        self._stamp = None

    def cancel(self) -> None:
        """Give up."""
        self._native.cancel()

    def watch(self, key: bytes) -> FoundationWatch:
        """Watch ``key`` from the value that this transaction sees in it, from the commit on."""
        with self._translating():
            return FoundationWatch(self._native.watch(key), self._error_class)


class FoundationEngine:
    """An open cluster.

    Args:
        fdb: The binding, with its API version chosen.
        cluster_file: Of the cluster.
        options: Bounds.
    """

    def __init__(self, fdb: Any, cluster_file: Path, options: EngineOptions) -> None:  # noqa: ANN401 -- no types
        self._fdb = fdb
        self._cluster_file = cluster_file
        self._options = options
        self._database = fdb.open(str(cluster_file))
        self._pool = ThreadPoolExecutor(options.threads_max, thread_name_prefix="sidecar-fdb")
        self._timeout_ms = min(options.transaction_timeout_ms, _OPENING_MS)
        self._closed = False
        self._epoch = ""

    @property
    def epoch(self) -> str:
        """The UUID of this store's life."""
        return self._epoch

    async def transact(self, body: Callable[[Transaction], T], *, background: bool = False) -> T:  # noqa: ARG002 -- all bodies run in threads
        """Run ``body`` in a transaction, commit it, and return what it returned."""
        return await self._in_thread(lambda: self._tried(body, commits=True))

    async def read(self, body: Callable[[ReadTransaction], T], *, background: bool = False) -> T:  # noqa: ARG002 -- the same
        """Run ``body`` on one snapshot and return what it returned."""
        return await self._in_thread(lambda: self._tried(lambda tr: body(_Snapshot(tr)), commits=False))

    def watch(self, key: bytes) -> FoundationWatch:
        """Watch ``key`` from its present value; waits for the cluster once."""
        self._check_open()
        made: list[FoundationWatch] = []

        def body(tr: FoundationTransaction) -> None:
            made.append(tr.watch(key))

        self._tried(body, commits=True)
        return made[-1]

    def begin(self) -> FoundationTransaction:
        """Return a transaction for the explicit form."""
        self._check_open()
        return FoundationTransaction(self._fdb, self._database, self._timeout_ms)

    async def backup(self, path: Path, *, progress: Progress | None = None) -> int:
        """Write a consistent backup; for stores that can be read within one transaction's five seconds."""
        cancelled = threading.Event()
        try:
            return await self._in_thread(lambda: self._back_up(path, progress, cancelled))
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def close(self) -> None:
        """Finish what is under way and let the cluster go; the process's network thread lives on."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)
        with _network.lock:
            _network.engines -= 1
            if not _network.engines:
                sys.setswitchinterval(_network.switch_seconds)

    def load_record(self) -> None:
        """Read what we keep of the store itself, or make it.

        Raises:
            StoreFormatError: A newer version wrote it.
            CorruptStoreError: A restore into it was not finished.
        """
        record = json.loads(self._tried(self._record, commits=True))
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
        self._timeout_ms = self._options.transaction_timeout_ms

    def restore(self, path: Path, header: Header) -> str:  # noqa: ARG002 -- a cluster's versions are its own
        """Write all rows of a checked backup into this empty store, and return its new epoch."""
        own = self._options.system_prefix
        found = self._tried(lambda tr: tr.get_range(b"", b"\xff", limit=2), commits=False)
        if any(not key.startswith(own) for key, _ in found):
            raise ConflictError(f"The store of {self._cluster_file} is not empty; a restore needs an empty one.")
        self._put_record(restoring=True)
        chunk: Rows = []
        size = 0
        for key, value in backup_rows(path):
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

        self._tried(body, commits=True)

    def _put_record(self, *, restoring: bool) -> None:
        epoch = _new_epoch()
        record = json.dumps({"format": FORMAT, "epoch": epoch, "restoring": restoring}).encode()
        self._tried(lambda tr: tr.set(self._record_key, record), commits=True)
        self._epoch = epoch

    @property
    def _record_key(self) -> bytes:
        return self._options.system_prefix + b"store"

    def _record(self, tr: FoundationTransaction) -> bytes:
        found = tr.get(self._record_key)
        if found is None:
            found = json.dumps({"format": FORMAT, "epoch": _new_epoch()}).encode()
            tr.set(self._record_key, found)
        return found

    def _back_up(self, path: Path, progress: Progress | None, cancelled: threading.Event) -> int:
        tr = self.begin()
        own = self._options.system_prefix
        spans = [(b"", own), (strinc(own), b"\xff")]

        def going_on(rows: int) -> bool:
            if progress is not None:
                progress(rows)
            return not cancelled.is_set()

        with BackupWriter(path, Header(self._epoch, tr.read_version())) as writer:
            try:
                for span in spans:
                    self._copy(tr, writer, span, going_on)
                going_on(writer.rows)
            except TransactionError as error:
                if error.number != _TOO_OLD:
                    raise
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

    def _tried(self, body: Callable[[FoundationTransaction], T], *, commits: bool) -> T:
        """Run ``body`` until it succeeds, cannot, or has been tried too often."""
        tr = self.begin()
        retries = 0
        while True:
            try:
                result = body(tr)
                if commits:
                    tr.commit()
            except TransactionError as error:
                retries += 1
                if retries > self._options.retries_max:
                    raise
                try:
                    tr.on_error(error.number)
                except TransactionError as final:
                    raise self._final(final) from error
            else:
                return result

    def _final(self, error: TransactionError) -> SidecarError:
        if error.number == _TOO_MANY_WATCHES:
            return LimitExceededError("Too many watches are open on the FoundationDB cluster; end some first.")
        return error

    async def _in_thread(self, work: Callable[[], T]) -> T:
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError("The store is closed.")


class _Snapshot:
    """A transaction of which all reads are snapshot reads: nothing is committed, so nothing can conflict."""

    __slots__ = ("_tr",)

    def __init__(self, tr: FoundationTransaction) -> None:
        self._tr = tr

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:  # noqa: ARG002 -- the port's signature
        """Return the value of ``key``, or None when it is absent."""
        return self._tr.get(key, snapshot=True)

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:  # noqa: ARG002 -- the same
        """Return the key that ``selector`` resolves to."""
        return self._tr.get_key(selector, snapshot=True)

    def get_range(
        self,
        begin: bytes | KeySelector,
        end: bytes | KeySelector,
        *,
        limit: int = 0,
        reverse: bool = False,
        snapshot: bool = False,  # noqa: ARG002 -- the same
    ) -> Rows:
        """Return the rows from ``begin`` (included) to ``end`` (excluded)."""
        return self._tr.get_range(begin, end, limit=limit, reverse=reverse, snapshot=True)


async def open_foundationdb(cluster_file: Path, *, clock: Clock, options: EngineOptions) -> FoundationEngine:  # noqa: ARG001 -- the cluster keeps time
    """Open the cluster that ``cluster_file`` names.

    Raises:
        InvalidError: The cluster file is malformed, or a TLS file is no PEM file.
        UnavailableError: A file can not be read, the client library is absent or too old, or the cluster does not
        answer. StoreFormatError: A newer version wrote the store.
    """
    engine = connect(cluster_file, options)
    try:
        await asyncio.get_running_loop().run_in_executor(None, engine.load_record)
    except BaseException:
        await engine.close()
        raise
    return engine


def connect(cluster_file: Path, options: EngineOptions) -> FoundationEngine:
    """Return an engine whose cluster has not been asked anything yet."""
    _check_cluster_file(cluster_file)
    tls = _checked_tls(options)
    fdb = _binding()
    with _network.lock:
        if _network.tls is None:
            _set_tls(fdb, options)
            _network.tls = tls
        elif _network.tls != tls:
            raise InvalidError("FoundationDB's TLS files are set once for a process, and were set otherwise before.")
        try:
            engine = FoundationEngine(fdb, cluster_file, options)
        except fdb.FDBError as error:
            raise UnavailableError(f"The cluster file {cluster_file} can not be used: {error}.") from error
        if not _network.engines:
            _network.switch_seconds = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_SECONDS)
        _network.engines += 1
    return engine


def _binding() -> Any:  # noqa: ANN401 -- the binding has no types
    """Return the binding with its API version chosen."""
    import fdb  # noqa: PLC0415 -- loaded only where a FoundationDB store is opened

    try:
        fdb.api_version(_API_VERSION)
    except Exception as error:
        reason = str(error).rstrip("!. ")
        raise UnavailableError(
            "A FoundationDB store needs FoundationDB's client library, version 7.3 (package foundationdb-clients, from "
            f"https://github.com/apple/foundationdb/releases): {reason}."
        ) from error
    return fdb


def _check_cluster_file(path: Path) -> None:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UnavailableError(f"The cluster file {path} can not be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidError(f"The cluster file {path} is no text.") from error
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) != 1 or not _CLUSTER_LINE.fullmatch(lines[0]):
        raise InvalidError(f"The cluster file {path} is malformed; it holds one line: description:id@address:port,….")


def _checked_tls(options: EngineOptions) -> tuple[object, ...]:
    files = {
        "certificate": options.tls_certificate_file,
        "key": options.tls_key_file,
        "authorities": options.tls_ca_file,
    }
    for what, path in files.items():
        if path is None:
            continue
        try:
            head = path.read_bytes()
        except OSError as error:
            raise UnavailableError(f"The TLS {what} file {path} can not be read: {error.strerror}.") from error
        if b"-----BEGIN " not in head:
            raise InvalidError(f"The TLS {what} file {path} is no PEM file.")
    if (options.tls_certificate_file is None) != (options.tls_key_file is None):
        raise InvalidError("A TLS certificate file and a TLS key file are given together or not at all.")
    return (*files.values(), options.tls_verify_peers)


def _set_tls(fdb: Any, options: EngineOptions) -> None:  # noqa: ANN401 -- the binding has no types
    values = {
        fdb.options.set_tls_cert_path: options.tls_certificate_file,
        fdb.options.set_tls_key_path: options.tls_key_file,
        fdb.options.set_tls_ca_path: options.tls_ca_file,
    }
    try:
        for setter, path in values.items():
            if path is not None:
                setter(str(path))
        if options.tls_verify_peers is not None:
            fdb.options.set_tls_verify_peers(options.tls_verify_peers.encode())
    except fdb.FDBError as error:
        raise InvalidError(f"FoundationDB refuses the TLS settings: {error}.") from error


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _numbered(error: Exception) -> TransactionError:
    return TransactionError(int(getattr(error, "code", 4100)))


def _new_epoch() -> str:
    return str(uuid.UUID(bytes=os.urandom(16), version=4))
