"""What a command may write for its user, and what it never replaces."""

import os
import sys
from pathlib import Path

import pytest

from sidecar import config
from sidecar.cli.outputs import written_whole
from sidecar.errors import ConflictError
from sidecar.store.backup import is_backup


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_HOME", str(tmp_path / "side"))
    return tmp_path / "side"


def write(path: Path) -> None:
    with written_whole(path, replace=True) as file:
        file.write(b"new")


def test_sidecars_own_files_are_never_replaced_also_not_through_a_link(home: Path, tmp_path: Path) -> None:
    settings = config.load()
    for own in (home / "data/store/data.mdb", settings.config_file, settings.log_file, home / "state/login.json"):
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes(b"# ours")
        link = tmp_path / "link"
        link.symlink_to(own)
        for path in (own, link):
            with pytest.raises(ConflictError, match="of Sidecar's own"):
                write(path)
        assert own.read_bytes() == b"# ours"
        link.unlink()
    write(home / "mine")
    write(home / "mine")


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such pipes")
def test_what_is_no_plain_file_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(ConflictError, match="no plain file"):
            write(path)
    assert pipe.is_fifo()
    assert not is_backup(pipe), "and nobody waits for who writes into it"


def test_a_link_leads_to_what_is_written(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("target")
    write(link)
    assert (link.is_symlink(), (tmp_path / "target").read_bytes()) == (True, b"new")
    with pytest.raises(ConflictError, match="--replace replaces it"), written_whole(link, replace=False):
        pass
