import asyncio
import stat
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.daemon.signing_keys import SIGNING_KEYS_FILE, obtain_key_ring, rotate_on_schedule
from tests.clocks import FakeClock


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_kept_for_their_owner_alone(tmp_path: Path) -> None:
    first = obtain_key_ring(tmp_path, FakeClock())
    assert obtain_key_ring(tmp_path, FakeClock()).keys == first.keys
    assert mode_of(tmp_path / SIGNING_KEYS_FILE) == 0o600


def test_a_rotation_is_in_the_file_before_it_is_used(tmp_path: Path) -> None:
    ring = obtain_key_ring(tmp_path, FakeClock())
    before = ring.keys
    after = ring.rotate()
    assert after.current != before.current
    assert before.current in after.secrets
    assert obtain_key_ring(tmp_path, FakeClock()).keys == after


def test_keys_that_became_due_while_no_daemon_ran_are_rotated_at_the_start(tmp_path: Path) -> None:
    clock = FakeClock()
    before = obtain_key_ring(tmp_path, clock).keys
    clock.move(limits.signing_key_seconds)
    assert obtain_key_ring(tmp_path, clock).keys.current != before.current


async def test_the_schedule_rotates_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    ring = obtain_key_ring(tmp_path, clock)
    slept: list[float] = []
    seen = [ring.keys.current]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.move(seconds)
        if ring.keys.current not in seen:
            seen.append(ring.keys.current)
        if len(seen) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await rotate_on_schedule(ring)
    assert max(slept) == limits.signing_key_look_seconds
    assert sum(slept) == pytest.approx(2 * limits.signing_key_seconds, abs=2 * limits.signing_key_look_seconds)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_keys_that_others_could_read_or_write_are_made_anew(
    tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    before = obtain_key_ring(tmp_path, FakeClock()).keys
    (tmp_path / SIGNING_KEYS_FILE).chmod(mode)
    after = obtain_key_ring(tmp_path, FakeClock()).keys
    assert not before.secrets.keys() & after.secrets.keys()
    assert mode_of(tmp_path / SIGNING_KEYS_FILE) == 0o600
    assert SIGNING_KEYS_FILE in caplog.text
    assert not [secret for secret in (*before.secrets.values(), *after.secrets.values()) if secret in caplog.text]


def test_a_link_in_the_place_of_the_keys_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    planted = obtain_key_ring(tmp_path / "elsewhere", FakeClock()).keys
    (tmp_path / SIGNING_KEYS_FILE).symlink_to(tmp_path / "elsewhere" / SIGNING_KEYS_FILE)
    assert obtain_key_ring(tmp_path, FakeClock()).keys.current != planted.current
    assert not (tmp_path / SIGNING_KEYS_FILE).is_symlink()
    assert obtain_key_ring(tmp_path / "elsewhere", FakeClock()).keys == planted


@pytest.mark.parametrize("content", ["", "{}", "nonsense", '{"current": "a", "keys": {"a": "00"}}'])
def test_a_damaged_file_is_made_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / SIGNING_KEYS_FILE
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    ring = obtain_key_ring(tmp_path, FakeClock())
    assert obtain_key_ring(tmp_path, FakeClock()).keys == ring.keys
