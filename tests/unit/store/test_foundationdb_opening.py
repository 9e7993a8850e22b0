"""What can go wrong before a cluster is reached is one clear sentence."""

import importlib
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from sidecar.clock import SystemClock
from sidecar.errors import InvalidError, SidecarError, UnavailableError
from sidecar.store.opening import EngineOptions, open_engine

GOOD = "sidecar:test@127.0.0.1:4500"


def has_library() -> bool:
    """Tell whether the binding finds its client library, by the search that it makes itself."""
    try:
        importlib.import_module("fdb.impl")
    except Exception:  # noqa: BLE001 -- it raises nothing narrower
        return False
    return True


HAS_LIBRARY = has_library()


async def refusal(path: Path, options: EngineOptions | None = None) -> SidecarError:
    with pytest.raises(SidecarError) as caught:
        await open_engine(f"fdb:{path}", clock=SystemClock(), options=options)
    assert "\n" not in caught.value.message
    assert caught.value.message.endswith(".")
    return caught.value


async def test_an_absent_cluster_file_is_named(tmp_path: Path) -> None:
    error = await refusal(tmp_path / "fdb.cluster")

    assert isinstance(error, UnavailableError)
    assert error.message == f"The cluster file {tmp_path / 'fdb.cluster'} can not be read: No such file or directory."


@pytest.mark.parametrize("text", ["", "hello", "a:b@", "a:b@host", "a b@host:1", f"{GOOD}\n{GOOD}", "a:b@host:x"])
async def test_a_malformed_cluster_file_says_what_it_should_hold(tmp_path: Path, text: str) -> None:
    (tmp_path / "fdb.cluster").write_text(text)

    error = await refusal(tmp_path / "fdb.cluster")

    assert isinstance(error, InvalidError)
    assert "description:id@address:port" in error.message


async def test_a_cluster_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fdb.cluster").write_bytes(b"\xff\xfe\x00")

    assert isinstance(await refusal(tmp_path / "fdb.cluster"), InvalidError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (EngineOptions(tls_ca_file=Path("absent.pem")), "The TLS authorities file absent.pem can not be read"),
        (EngineOptions(tls_ca_file=Path(__file__).with_name("test_conflicts.py")), "is no PEM file"),
    ],
)
async def test_bad_tls_files_are_named(tmp_path: Path, options: EngineOptions, message: str) -> None:
    (tmp_path / "fdb.cluster").write_text(GOOD)

    error = await refusal(tmp_path / "fdb.cluster", options)

    assert message in error.message


async def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fdb.cluster").write_text(GOOD)
    (tmp_path / "pem").write_text("-----BEGIN CERTIFICATE-----\n")

    error = await refusal(tmp_path / "fdb.cluster", EngineOptions(tls_certificate_file=tmp_path / "pem"))

    assert "given together" in error.message


async def test_what_the_client_library_refuses_is_told_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fdb.cluster").write_text(GOOD)

    class FDBError(Exception):
        code = 2104
        description = b"Connection string invalid"

    def refuse(_path: str) -> None:
        raise FDBError

    unused = SimpleNamespace(set_tls_cert_path=None, set_tls_key_path=None, set_tls_ca_path=None)
    binding = SimpleNamespace(FDBError=FDBError, options=unused, open=refuse)
    monkeypatch.setattr("sidecar.store.foundationdb.connecting._binding", lambda: binding)

    error = await refusal(tmp_path / "fdb.cluster")

    assert error.message.endswith("can not be used: Connection string invalid (2104).")


@pytest.mark.skipif(HAS_LIBRARY, reason="the client library is installed")
async def test_an_absent_client_library_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "fdb.cluster").write_text(GOOD)

    error = await refusal(tmp_path / "fdb.cluster")

    assert isinstance(error, UnavailableError)
    assert "client library, version 7.3" in error.message
    assert "Unable to locate the FoundationDB API shared library" in error.message


@pytest.mark.skipif(not HAS_LIBRARY, reason="the client library is not installed")
async def test_an_unreachable_cluster_is_given_up_within_ten_seconds(tmp_path: Path) -> None:
    (tmp_path / "fdb.cluster").write_text("sidecar:test@127.0.0.1:1")
    start = time.monotonic()

    error = await refusal(tmp_path / "fdb.cluster", EngineOptions(transaction_timeout_ms=2_000))

    assert isinstance(error, UnavailableError)
    assert "did not answer within 2 seconds" in error.message
    assert time.monotonic() - start < 10
