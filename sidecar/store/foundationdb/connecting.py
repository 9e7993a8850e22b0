"""Opening a cluster: its file, the TLS files, the client library, and what one process shares among its engines."""

import asyncio
import re
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidecar.clock import Clock
from sidecar.errors import InvalidError, UnavailableError
from sidecar.store.foundationdb.engine import FoundationEngine
from sidecar.store.options import EngineOptions

_API_VERSION = 730
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


async def open_foundationdb(cluster_file: Path, *, clock: Clock, options: EngineOptions) -> FoundationEngine:
    """Open the cluster that ``cluster_file`` names.

    Raises:
        InvalidError: The cluster file is malformed, or a TLS file is no PEM file.
        UnavailableError: A file can not be read, the client library is absent or too old, or the cluster does not
            answer.
        StoreFormatError: A newer version wrote the store.
    """
    engine = connect(cluster_file, clock, options)
    try:
        await asyncio.get_running_loop().run_in_executor(None, engine.load_record)
    except BaseException:
        await engine.close()
        raise
    return engine


def connect(cluster_file: Path, clock: Clock, options: EngineOptions) -> FoundationEngine:
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
            engine = FoundationEngine(fdb, cluster_file, options, clock=clock, left=_leave)
        except fdb.FDBError as error:
            raise UnavailableError(f"The cluster file {cluster_file} can not be used: {_described(error)}.") from error
        if not _network.engines:
            _network.switch_seconds = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_SECONDS)
        _network.engines += 1
    return engine


def _leave() -> None:
    """Give the interpreter its own pace back when the last engine is closed."""
    with _network.lock:
        _network.engines -= 1
        if not _network.engines:
            sys.setswitchinterval(_network.switch_seconds)


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
        raise InvalidError(f"FoundationDB refuses the TLS settings: {_described(error)}.") from error


def _described(error: Any) -> str:  # noqa: ANN401 -- the same
    """Return the C library's words for one of its errors, which are bytes."""
    return f"{error.description.decode()} ({error.code})"
