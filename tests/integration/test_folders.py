"""A folder is one, however its path is written: over a link, with a slash behind it, or with dots in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.repositories.workspaces import Workspaces
from tests.e2e.daemons import eventually
from tests.integration.house import House, running_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def test_a_folder_is_found_by_every_spelling_of_its_path(house: House, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    token = (await house.pair())["access_token"]
    spellings = [str(link), str(real), f"{real}/", f"{link}/", f"{tmp_path}/./real", f"{tmp_path}/link/../real"]
    made = (await house.call("POST", "/api/v5/workspaces", token, json={"path": str(link)})).content
    resumed = [
        (await house.call("POST", "/api/v5/sessions/resume", token, json={"workspace_path": each})).content
        for each in spellings
    ]
    assert {each["id"] for each in resumed} == {resumed[0]["id"]}
    assert made["path"] == resumed[0]["workspace_path"] == str(real)
    head = {"Authorization": f"Bearer {token}"}
    sockets = [await house.http.ws_connect(house.daemon.url + "/api/v5/events", headers=head) for _ in spellings]
    for socket, each in zip(sockets, spellings, strict=True):
        await socket.send_json({"op": "subscribe", "topics": ["files"], "workspace_path": each})
        assert (await socket.receive_json(timeout=20))["type"] == "subscribed"
    cursor = (await house.call("GET", "/api/v5/changes?since=now", token)).content["cursor"]

    async def is_watched() -> bool:
        return bool(
            (await house.call("GET", f"/api/v5/workspaces/{made['id']}", token)).content["progress"]["state"]
            == "watching"
        )

    await eventually(is_watched, "the folder is watched")
    (real / "a.txt").write_text("hello")
    heard = [(await socket.receive_json(timeout=20))["changes"][0]["id"] for socket in sockets]
    assert len(set(heard)) == 1
    for each in spellings:
        where = {"workspace_path": each}
        files = (await house.call("GET", "/api/v5/files", token, params=where)).content["items"]
        assert [file["workspace_session_id"] for file in files] == [resumed[0]["id"]], each
        sessions = (await house.call("GET", "/api/v5/sessions", token, params=where)).content["items"]
        assert [session["id"] for session in sessions] == [resumed[0]["id"]], each
        asked = where | {"since": cursor, "topics": "files"}
        changes = (await house.call("GET", "/api/v5/changes", token, params=asked)).content["changes"]
        assert [change["id"] for change in changes] == heard[:1], each


async def test_a_session_is_moved_to_the_folder_that_a_link_leads_to(house: House, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": str(tmp_path / "gone" / ".." / "gone")}
    made = (await house.call("POST", "/api/v5/sessions", token, json=sent)).content
    assert made["workspace_path"] == str(tmp_path / "gone")
    path, link = f"/api/v5/sessions/{made['id']}", {"workspace_path": str(tmp_path / "link")}
    for method, body in (("PATCH", link), ("PUT", {"name": "x"} | link)):
        moved = await house.call(method, path, token, json=body)
        assert moved.content["workspace_path"] == str(tmp_path / "real"), method


@pytest.mark.parametrize("path", ["relative/./path", "vscode-vfs://github/x", "C:\\work"])
async def test_a_path_that_is_none_of_this_machine_is_kept_as_it_is_written(house: House, path: str) -> None:
    token = (await house.pair())["access_token"]
    made = await house.call("POST", "/api/v5/sessions", token, json={"name": "x", "workspace_path": path})
    assert made.content["workspace_path"] == path
    assert (
        await house.call("POST", "/api/v5/sessions", token, json={"name": "x", "workspace_path": "/a\0b"})
    ).status == 400


async def test_every_users_folders_are_watched_after_a_start(tmp_path: Path) -> None:
    folder = tmp_path / "of-a-guest"
    folder.mkdir()
    async with running_house(tmp_path) as house:
        token = (await house.register("guest@example.org"))["access_token"]
        made = (await house.call("POST", "/api/v5/workspaces", token, json={"path": str(folder)})).content
    (folder / "meanwhile.txt").write_text("meanwhile")
    async with running_house(tmp_path) as house:
        token = (await house.login("guest@example.org")).content["access_token"]

        async def names() -> list[str]:
            where = {"workspace_path": str(folder)}
            files = (await house.call("GET", "/api/v5/files", token, params=where)).content["items"]
            return [file["file_path"] for file in files]

        async def finds(*expected: str) -> bool:
            return await names() == [*expected]

        await eventually(lambda: finds("meanwhile.txt"), "what happened meanwhile is found")
        (folder / "now.txt").write_text("now")
        await eventually(lambda: finds("meanwhile.txt", "now.txt"), "it is watched")

        await house.context.workspaces._watching.stop(made["id"])  # noqa: SLF001 - as after a failure of its start
        asked = await house.call("POST", f"/api/v5/workspaces/{made['id']}/rescan", token)
        assert asked.status == 202
        (folder / "again.txt").write_text("again")
        await eventually(lambda: finds("again.txt", "meanwhile.txt", "now.txt"), "a rescan begins to watch")


async def test_a_damaged_folder_of_one_tenant_keeps_no_other_from_being_watched(tmp_path: Path) -> None:
    made = {}
    async with running_house(tmp_path) as house:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            login = await house.register(f"{name}@example.org")
            sent = {"path": str(tmp_path / name)}
            made[name] = (await house.call("POST", "/api/v5/workspaces", login["access_token"], json=sent)).content
        keys = house.context.database.keyspace.tenant(made["one"]["tenant_id"])
        await house.context.database.transact(lambda tr: tr.kv.set(Workspaces(keys).key(made["one"]["id"]), b"\x01{"))
    async with running_house(tmp_path) as house:
        token = (await house.login("two@example.org")).content["access_token"]
        found = (await house.call("GET", f"/api/v5/workspaces/{made['two']['id']}", token)).content
        assert found["progress"]["state"] != "stopped"


async def test_files_of_a_session_are_narrowed_to_a_folder_and_a_beginning(house: House, tmp_path: Path) -> None:
    token = (await house.pair())["access_token"]
    one, two = tmp_path / "one", tmp_path / "two"
    session = ""
    for root in (one, two):
        (root / "src").mkdir(parents=True)
        sent = {"workspace_path": str(root)}
        session = (await house.call("POST", "/api/v5/sessions/resume", token, json=sent)).content["id"]
        await house.call("POST", "/api/v5/workspaces", token, json={"path": str(root)})
    (two / "src" / "a.py").write_text("a")
    (two / "b.py").write_text("b")

    async def found(**narrowed: str) -> list[str]:
        asked = {"session_id": session} | narrowed
        files = (await house.call("GET", "/api/v5/files", token, params=asked)).content["items"]
        return sorted(file["file_path"] for file in files)

    async def are_recorded() -> bool:
        return await found() == ["b.py", "src/a.py"]

    await eventually(are_recorded, "the session has the files")
    assert await found(workspace_path=str(two)) == ["b.py", "src/a.py"]
    assert await found(workspace_path=str(two), prefix="src/") == ["src/a.py"]
    assert await found(workspace_path=str(one)) == []
