"""The settings of a FoundationDB store reach its engine, from every command that opens one; no cluster is needed."""

from pathlib import Path

import pytest

from sidecar.store.backup import BackupWriter, Header
from tests.e2e.daemons import DaemonProcess


@pytest.mark.parametrize("words", [("up",), ("doctor",), ("restore", "backup")])
def test_a_tls_file_that_is_not_there_is_named(daemon: DaemonProcess, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "fdb.cluster").write_text("sidecar:test@127.0.0.1:4500:tls", encoding="ascii")
    (daemon.home / "side" / "data").mkdir(parents=True)
    with BackupWriter(tmp_path / "backup", Header("epoch", 1)) as writer:
        writer.finish()
    paths = [str(tmp_path / word) if word == "backup" else word for word in words]

    done = daemon.run(
        *paths, SIDECAR_STORE=f"fdb:{tmp_path / 'fdb.cluster'}", SIDECAR_FDB_TLS_CA_FILE=str(tmp_path / "absent.pem")
    )

    missing = f"The TLS authorities file {tmp_path / 'absent.pem'} can not be read: No such file or directory."
    assert done.stderr == f"sidecar: {missing}\n"
