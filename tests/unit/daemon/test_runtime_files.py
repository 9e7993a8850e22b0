import os
import stat
from pathlib import Path

import pytest

from sidecar import endpoint
from sidecar.daemon.runtime_files import make_private_folder, obtain_pairing_key, publish, withdraw, write_private
from sidecar.endpoint import ENDPOINT_FILE, PAIRING_KEY_FILE, Endpoint
from sidecar.errors import ForbiddenError, InvalidError, UnavailableError

HERE = Endpoint(url="http://127.0.0.1:7370", pid=1, version="1", epoch="e")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def be_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)


def test_a_new_folder_and_those_above_it_are_the_users_alone(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    assert mode_of(tmp_path / "a" / "b") == 0o700


def test_access_of_others_is_taken_away(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    make_private_folder(tmp_path)
    assert mode_of(tmp_path) == 0o700


def test_a_link_to_a_folder_of_ones_own_is_fine(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o700)
    (tmp_path / "here").symlink_to(tmp_path / "there")
    make_private_folder(tmp_path / "here")


def test_a_folder_of_another_user_is_refused_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be_another_user(monkeypatch)
    with pytest.raises(ForbiddenError, match=str(tmp_path)):
        make_private_folder(tmp_path)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match=str(tmp_path / "file")):
        make_private_folder(tmp_path / name)


def test_a_folder_that_can_not_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UnavailableError, match="can not be written to"):
        make_private_folder(tmp_path)


def test_a_written_file_is_the_users_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    write_private(tmp_path / "f", b"x")
    write_private(tmp_path / "f", b"y")
    assert (tmp_path / "f").read_bytes() == b"y"
    assert mode_of(tmp_path / "f") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="absent/f"):
        write_private(tmp_path / "absent" / "f", b"")


def test_the_pairing_key_is_made_once_and_kept(tmp_path: Path) -> None:
    key = obtain_pairing_key(tmp_path)
    assert len(bytes.fromhex(key)) == 32
    assert obtain_pairing_key(tmp_path) == key
    assert mode_of(tmp_path / PAIRING_KEY_FILE) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b"A" * 64])
def test_a_damaged_pairing_key_is_made_anew(tmp_path: Path, content: bytes) -> None:
    write_private(tmp_path / PAIRING_KEY_FILE, content)
    key = obtain_pairing_key(tmp_path)
    assert obtain_pairing_key(tmp_path) == key


@pytest.mark.parametrize("mode", [0o644, 0o622, 0o604])
def test_a_pairing_key_that_others_could_read_or_write_is_made_anew(tmp_path: Path, mode: int) -> None:
    key = obtain_pairing_key(tmp_path)
    (tmp_path / PAIRING_KEY_FILE).chmod(mode)
    assert obtain_pairing_key(tmp_path) != key
    assert mode_of(tmp_path / PAIRING_KEY_FILE) == 0o600


def test_a_link_in_the_place_of_the_pairing_key_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("a" * 64, encoding="utf-8")
    (tmp_path / PAIRING_KEY_FILE).symlink_to(tmp_path / "other")
    assert obtain_pairing_key(tmp_path) != "a" * 64
    assert (tmp_path / "other").read_text(encoding="utf-8") == "a" * 64


def test_what_is_published_is_found_until_it_is_withdrawn(tmp_path: Path) -> None:
    assert endpoint.find([tmp_path]) == []
    key = obtain_pairing_key(tmp_path)
    assert endpoint.find([tmp_path]) == []
    publish(tmp_path, HERE)
    assert endpoint.find([tmp_path / "absent", tmp_path, tmp_path]) == [(HERE, key, tmp_path)]
    assert mode_of(tmp_path / ENDPOINT_FILE) == 0o600
    withdraw(tmp_path, HERE)
    assert endpoint.find([tmp_path]) == []
    assert (tmp_path / PAIRING_KEY_FILE).exists()


def test_the_endpoint_of_a_successor_is_not_withdrawn(tmp_path: Path) -> None:
    publish(tmp_path, HERE._replace(pid=2))
    withdraw(tmp_path, HERE)
    assert (tmp_path / ENDPOINT_FILE).exists()


def test_what_is_wrong_in_one_folder_does_not_hide_the_daemon_of_the_next(tmp_path: Path) -> None:
    key = obtain_pairing_key(tmp_path)
    publish(tmp_path, HERE)
    (tmp_path / "wrong").mkdir()
    obtain_pairing_key(tmp_path / "wrong")
    write_private(tmp_path / "wrong" / ENDPOINT_FILE, b"[]")
    assert endpoint.find([tmp_path / "wrong", tmp_path]) == [(HERE, key, tmp_path)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"url": 1, "pid": 1, "version": "", "epoch": ""}',
        b'{"url": "", "pid": -1, "version": "", "epoch": ""}',
    ],
)
def test_a_file_that_is_no_endpoint_is_named(tmp_path: Path, content: bytes) -> None:
    obtain_pairing_key(tmp_path)
    write_private(tmp_path / ENDPOINT_FILE, content)
    with pytest.raises(InvalidError, match=ENDPOINT_FILE):
        endpoint.find([tmp_path])


def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    publish(tmp_path, HERE)
    write_private(tmp_path / PAIRING_KEY_FILE, b"")
    with pytest.raises(InvalidError, match=PAIRING_KEY_FILE):
        endpoint.find([tmp_path])


def test_a_client_trusts_no_file_that_others_can_write(tmp_path: Path) -> None:
    obtain_pairing_key(tmp_path)
    publish(tmp_path, HERE)
    (tmp_path / ENDPOINT_FILE).chmod(0o620)
    with pytest.raises(ForbiddenError, match=ENDPOINT_FILE):
        endpoint.find([tmp_path])


def test_a_client_trusts_no_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    obtain_pairing_key(tmp_path)
    publish(tmp_path, HERE)
    be_another_user(monkeypatch)
    with pytest.raises(ForbiddenError, match=ENDPOINT_FILE):
        endpoint.find([tmp_path])


def test_a_client_follows_no_link_and_reads_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(HERE.to_json())
    (tmp_path / ENDPOINT_FILE).symlink_to(tmp_path / "real")
    with pytest.raises(ForbiddenError, match=ENDPOINT_FILE):
        endpoint.find([tmp_path])
    (tmp_path / ENDPOINT_FILE).unlink()
    os.mkfifo(tmp_path / ENDPOINT_FILE, 0o600)
    with pytest.raises(ForbiddenError, match="not a plain file"):
        endpoint.find([tmp_path])
