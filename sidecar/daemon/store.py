"""What the settings tell the store's engine; for the daemon, and for commands that open the store themselves."""

from sidecar.config import Settings
from sidecar.store.opening import EngineOptions


def engine_options(settings: Settings) -> EngineOptions:
    """Return the options that a store of these settings is opened with."""
    return EngineOptions(
        tls_certificate_file=settings.fdb_tls_certificate_file,
        tls_key_file=settings.fdb_tls_key_file,
        tls_ca_file=settings.fdb_tls_ca_file,
        tls_verify_peers=settings.fdb_tls_verify_peers,
    )
