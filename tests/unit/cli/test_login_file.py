import stat
from pathlib import Path

import pytest

from sidecar.cli.login_file import LoginFile
from sidecar.client import UserTokens
from sidecar.errors import ForbiddenError, InvalidError

TOKENS = UserTokens("ada@example.com", "access", "refresh")
NEWER = UserTokens("ada@example.com", "newer access", "newer refresh")


@pytest.fixture
def file(tmp_path: Path) -> LoginFile:
    return LoginFile(tmp_path / "state" / "login.json")


def test_what_is_kept_is_there_until_it_is_taken(file: LoginFile) -> None:
    assert file.load() is None
    file.save(TOKENS)
    file.save(NEWER)
    assert file.load() == NEWER
    assert file.take() == NEWER
    assert file.load() is file.take() is None


def test_only_its_owner_can_read_it(file: LoginFile) -> None:
    file.save(TOKENS)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o660, 0o606])
def test_one_that_is_open_to_others_is_not_used_but_can_be_ended(file: LoginFile, mode: int) -> None:
    file.save(TOKENS)
    file.path.chmod(mode)
    with pytest.raises(ForbiddenError, match="is open to others; `sidecar logout` removes it"):
        file.load()
    assert file.take() == TOKENS
    assert not file.path.exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"email": "a"}', "nonsense"])
def test_what_is_no_login_is_told_and_can_be_removed(file: LoginFile, content: str) -> None:
    file.save(TOKENS)
    file.path.write_text(content)
    with pytest.raises(InvalidError, match="sidecar logout"):
        file.load()
    assert file.take() is None
    assert not file.path.exists()


def test_a_login_that_can_not_be_looked_at_is_told(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ForbiddenError, match="can not be read"):
        LoginFile(loop / "login.json").load()
