"""What an engine can be told at its opening, beside its URL."""

from dataclasses import dataclass
from pathlib import Path

from sidecar import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Settings of an engine; each has a default that suits a developer's machine.

    Args:
        retries_max: How often ``transact`` and ``read`` try again before they raise the last error.
        threads_max: Worker threads: for background bodies (embedded), for all bodies (FoundationDB).
        map_bytes: Embedded: address space to map at first; 0 picks by platform. It grows by itself.
        system_prefix: FoundationDB: where the engine keeps its few own keys (epoch, format) in the shared cluster.
        transaction_timeout_ms: FoundationDB: after this long a transaction, with its retries, raises
            ``UnavailableError``.
        tls_certificate_file: FoundationDB: our certificate chain, PEM.
        tls_key_file: FoundationDB: our private key, PEM.
        tls_ca_file: FoundationDB: the authorities that may sign the cluster's certificates, PEM.
        tls_verify_peers: FoundationDB: its expression of who the cluster must be, for example ``Check.Valid=1``.
    """

    retries_max: int = limits.store_retries_max
    threads_max: int = limits.store_threads_max
    map_bytes: int = 0
    system_prefix: bytes = b"sidecar-store/"
    transaction_timeout_ms: int = limits.store_transaction_ms_max
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    tls_ca_file: Path | None = None
    tls_verify_peers: str | None = None
