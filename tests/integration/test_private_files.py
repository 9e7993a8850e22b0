"""Files and folders at the start of a whole daemon: what others could read or write is repaired, or refused."""

import os
import stat
from pathlib import Path

import aiohttp
import pytest

from sidecar import config
from sidecar.clock import SystemClock
from sidecar.config import Settings
from sidecar.daemon.wiring import Daemon
from sidecar.errors import ForbiddenError

SECRETS = ("run/pairing.key", "data/signing.keys")
FOLDERS = ("data", "state", "run")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return config.load({"home": tmp_path / "home", "port": 0})


async def run_once(settings: Settings) -> dict[str, str]:
    """Start and stop a daemon; return the secrets that it used."""
    async with Daemon(settings, clock=SystemClock()):
        assert settings.home is not None
        return {name: (settings.home / name).read_text() for name in SECRETS}


def modes(settings: Settings) -> dict[str, int]:
    assert settings.home is not None
    return {name: stat.S_IMODE((settings.home / name).lstat().st_mode) for name in (*SECRETS, *FOLDERS)}


async def test_a_first_start_makes_what_it_keeps_private(settings: Settings) -> None:
    first = await run_once(settings)
    assert modes(settings) == {**dict.fromkeys(SECRETS, 0o600), **dict.fromkeys(FOLDERS, 0o700)}
    assert await run_once(settings) == first, "and keeps it"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755, 0o750])
async def test_folders_that_others_may_enter_are_closed_to_them(settings: Settings, mode: int) -> None:
    await run_once(settings)
    assert settings.home is not None
    for name in FOLDERS:
        (settings.home / name).chmod(mode)
    await run_once(settings)
    assert {modes(settings)[name] for name in FOLDERS} == {0o700}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
async def test_secrets_that_others_could_read_or_write_are_made_anew(settings: Settings, mode: int) -> None:
    before = await run_once(settings)
    assert settings.home is not None
    for name in SECRETS:
        (settings.home / name).chmod(mode)
    after = await run_once(settings)
    assert [before[name] == after[name] for name in SECRETS] == [False, False]
    assert {modes(settings)[name] for name in SECRETS} == {0o600}


async def test_links_in_the_place_of_secrets_are_replaced_and_not_followed(settings: Settings, tmp_path: Path) -> None:
    before = await run_once(settings)
    assert settings.home is not None
    for name in SECRETS:
        planted = tmp_path / Path(name).name
        (settings.home / name).rename(planted)
        (settings.home / name).symlink_to(planted)
    after = await run_once(settings)
    for name in SECRETS:
        assert after[name] != before[name]
        assert not (settings.home / name).is_symlink()
        assert (tmp_path / Path(name).name).read_text() == before[name]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
async def test_secrets_that_belong_to_somebody_else_are_made_anew(settings: Settings) -> None:
    before = await run_once(settings)
    assert settings.home is not None
    for name in SECRETS:
        os.chown(settings.home / name, 4711, 4711)
    after = await run_once(settings)
    assert [before[name] == after[name] for name in SECRETS] == [False, False]
    assert {(settings.home / name).stat().st_uid for name in SECRETS} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
@pytest.mark.parametrize("name", FOLDERS)
async def test_a_folder_that_belongs_to_somebody_else_is_refused_and_named(settings: Settings, name: str) -> None:
    await run_once(settings)
    assert settings.home is not None
    os.chown(settings.home / name, 4711, 4711)
    with pytest.raises(ForbiddenError, match=str(settings.home / name)):
        await run_once(settings)


async def test_a_folder_behind_somebody_elses_link_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run_once(settings)
    assert settings.home is not None
    (settings.home / "run").rename(tmp_path / "elsewhere")
    (settings.home / "run").symlink_to(tmp_path / "elsewhere")
    await run_once(settings)  # one's own link is fine
    lstat = Path.lstat

    def somebody_elses(path: Path) -> os.stat_result:
        fields = list(lstat(path))
        fields[stat.ST_UID] += path == settings.runtime_dir
        return os.stat_result(fields)

    monkeypatch.setattr(Path, "lstat", somebody_elses)
    with pytest.raises(ForbiddenError, match="run"):
        await run_once(settings)


async def test_pairing_takes_the_key_of_the_file_and_nothing_else(settings: Settings) -> None:
    async with Daemon(settings, clock=SystemClock()) as daemon, aiohttp.ClientSession(daemon.url) as http:
        key = (settings.runtime_dir / "pairing.key").read_text().strip()

        async def pair(authorization: str | None) -> int:
            headers = {} if authorization is None else {"Authorization": authorization}
            async with http.post("/api/v5/auth/pair", json={}, headers=headers) as answer:
                return answer.status

        assert await pair(f"Bearer {key}") == 200
        others = [None, "", "Bearer", "Bearer ", f"Basic {key}", key, f"Bearer {key[:-1]}", f"Bearer {key}x"]
        others += [f"Bearer {key.upper()}" if key != key.upper() else "Bearer A", "Bearer " + "0" * 64]
        assert [await pair(other) for other in others] == [401] * len(others)
