"""What the daemon tells of itself and does for itself: status, measures, backups, settings read anew."""

import asyncio
import logging
import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from sidecar import config, endpoint
from sidecar.clock import SystemClock
from sidecar.daemon.wiring import Daemon
from sidecar.metrics import MEASURES
from sidecar.store.opening import restore
from tests.integration.house import House, running_house

UPKEEP = [("GET", "/api/v5/status"), ("POST", "/api/v5/reload"), ("POST", "/api/v5/backups")]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def metrics_of(house: House) -> str:
    async with house.http.get(house.daemon.url + "/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return await answer.text()


async def test_every_measure_is_there(house: House) -> None:
    await house.pair()
    text = await metrics_of(house)
    assert {name for name in MEASURES if f"# TYPE sidecar_{name} " in text} == MEASURES.keys()
    for name in ("commits_total", "store_syncs_total", "store_used_bytes", "open_files", "tasks", "resident_bytes"):
        [line] = [line for line in text.splitlines() if line.startswith(f"sidecar_{name} ")]
        assert float(line.split()[1]) > 0, line
    assert 'sidecar_requests_total{method="POST",route="/api/v5/auth/pair",status="200"} 1\n' in text


async def test_a_clock_that_is_set_back_is_told_until_it_is_right_and_ends_no_login(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    token = (await house.pair())["access_token"]

    async def warnings() -> list[str]:
        found: list[str] = (await house.call("GET", "/api/v5/status", house.key)).content["warnings"]
        return found

    assert await warnings() == []
    house.clock.set_back(3_600)
    [warning] = await warnings()
    assert "clock is 60 min behind" in warning
    assert (await house.call("GET", "/api/v5/users/me", token)).status == 200
    made = await house.call("PUT", "/api/v5/settings/editor/earlier", token, json={"value": 1})
    assert made.status == 201
    assert (await house.call("GET", "/api/v5/users/me", (await house.pair())["access_token"])).status == 200
    house.clock.set_back(-3_600)
    assert await warnings() == []
    assert caplog.text.count(warning) == 2, "when it began, and when it was over"


async def test_a_store_that_was_removed_under_the_daemon_is_told_and_can_be_backed_up(
    house: House, tmp_path: Path
) -> None:
    file = tmp_path / "home" / "data" / "store" / "data.mdb"
    file.unlink()
    [warning] = (await house.call("GET", "/api/v5/status", house.key)).content["warnings"]
    assert warning.startswith(f"{file} was removed")
    saved = await house.call("POST", "/api/v5/backups", house.key, json={"path": str(tmp_path / "saved")})
    assert saved.status == 200
    assert saved.content["rows"] > 0


async def test_what_was_published_is_published_again_where_it_has_gone(house: House, tmp_path: Path) -> None:
    folders = [tmp_path / "home" / "run", tmp_path / "home" / "state" / "run"]
    published = endpoint.find(folders)
    assert [each.folder for each in published] == folders
    shutil.rmtree(folders[0])
    (folders[1] / "pairing.key").unlink()
    assert (await house.call("GET", "/api/v5/status", house.key)).content["warnings"] == []
    assert endpoint.find(folders) == published

    for folder in folders:
        shutil.rmtree(folder)
        folder.write_text("a file is in its place")
    [warning] = (await house.call("GET", "/api/v5/status", house.key)).content["warnings"]
    assert warning.startswith(f"New clients do not find the daemon: {folders[0]} is needed as a folder")


async def test_what_a_client_writes_makes_no_labels(house: House) -> None:
    async with house.http.request("GET", house.daemon.url + "/canary-path"):
        pass
    async with house.http.request("CANARY", house.daemon.url + "/healthz"):
        pass
    assert "canary" not in (await metrics_of(house)).lower()


async def test_who_follows_changes_is_counted_and_how_late_they_get_them(house: House, tmp_path: Path) -> None:
    token = (await house.pair())["access_token"]
    async with house.http.ws_connect(
        house.daemon.url + "/api/v5/events", headers={"Authorization": f"Bearer {token}"}
    ) as socket:
        await socket.send_json({"op": "subscribe", "topics": ["workspaces"], "since": "now"})
        assert (await socket.receive_json())["type"] == "subscribed"
        (tmp_path / "folder").mkdir()
        await house.daemon.watch(str(tmp_path / "folder"))
        assert (await socket.receive_json())["type"] == "changes"
        status = (await house.call("GET", "/api/v5/status", house.key)).content
        assert status["clients"] == 1
        while status["feed_lag_ms"] is None:  # noted right after the push
            status = (await house.call("GET", "/api/v5/status", house.key)).content
    while (await house.call("GET", "/api/v5/status", house.key)).content["clients"]:  # noqa: ASYNC110 - each try asks the daemon
        await asyncio.sleep(0)


async def test_the_status_tells_of_store_versions_and_sizes(house: House) -> None:
    status = (await house.call("GET", "/api/v5/status", house.key)).content
    assert status["pid"] == os.getpid()
    assert status["store"]["epoch"] == house.context.database.engine.epoch
    assert status["store"]["url"].startswith("embedded:")
    assert status["store"]["used_bytes"] > 0
    assert status["store"]["commits"] > 0
    assert status["open_files"] > 0
    assert status["warnings"] == []


@pytest.mark.parametrize(("method", "path"), UPKEEP)
async def test_upkeep_is_for_the_holder_of_the_pairing_key_alone(house: House, method: str, path: str) -> None:
    token = (await house.pair())["access_token"]
    for shown in ("", token):
        answer = await house.call(method, path, shown, json={"path": "/never"} if method == "POST" else None)
        assert (answer.status, answer.code) == (401, "invalid_pairing_key")


async def test_a_backup_is_taken_while_the_daemon_runs_and_restores_into_a_fresh_one(
    house: House, tmp_path: Path
) -> None:
    await house.register("ada@example.org")
    path = tmp_path / "backup.sidecar"
    answer = await house.call("POST", "/api/v5/backups", house.key, json={"path": str(path)})
    assert answer.status == 200
    assert answer.content == {
        "path": str(path),
        "rows": len(await house.dump(without=())),
        "bytes": path.stat().st_size,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = await house.dump(without=())

    settings = config.load({"home": tmp_path / "other", "port": 0})
    epoch, _ = await restore(path, settings.store, clock=SystemClock())
    assert epoch != house.context.database.engine.epoch
    async with Daemon(settings, clock=SystemClock()) as fresh, aiohttp.ClientSession() as http:
        assert fresh.context.database.engine.epoch == epoch
        restored = House(fresh, http, "", house.clock)
        assert (await restored.login("ada@example.org")).status == 200
        kept = await restored.dump(without=())
    assert rows.keys() <= kept.keys()


async def test_a_backup_replaces_nothing_but_a_backup_when_asked_to(house: House, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("mine")
    sent = {"path": str(path)}
    for replace in (False, True):
        refused = await house.call("POST", "/api/v5/backups", house.key, json={**sent, "replace": replace})
        assert refused.status == 409, "it is no backup"
    assert path.read_text() == "mine"
    path.unlink()
    assert (await house.call("POST", "/api/v5/backups", house.key, json=sent)).status == 200
    assert path.read_bytes().startswith(b"sidecar-store-backup ")
    assert (await house.call("POST", "/api/v5/backups", house.key, json=sent)).status == 409
    assert (await house.call("POST", "/api/v5/backups", house.key, json={**sent, "replace": True})).status == 200
    assert (await house.call("POST", "/api/v5/backups", house.key, json={"path": "here"})).code == "invalid_path"
    absent = str(tmp_path / "absent" / "file")
    assert (await house.call("POST", "/api/v5/backups", house.key, json={"path": absent})).status == 503


async def test_settings_are_read_anew_and_what_can_not_change_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "level", logging.WARNING)
    flags = {"home": tmp_path / "home", "port": 0}
    settings = config.load(flags)
    async with Daemon(settings, clock=SystemClock(), reload=lambda: config.load(flags)) as daemon:
        upkeep = daemon.context.upkeep
        assert upkeep.reload().model_dump() == {"changed": [], "after_restart": []}
        settings.config_dir.mkdir()
        settings.config_file.write_text('log_level = "debug"\nhost = "::1"\n', encoding="utf-8")
        assert upkeep.reload().model_dump() == {"changed": ["log_level"], "after_restart": ["host"]}
        assert logging.getLogger().level == logging.DEBUG
        assert upkeep.reload().model_dump() == {"changed": [], "after_restart": ["host"]}
