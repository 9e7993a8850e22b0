"""Workspace sessions over HTTP: what a change reads, which one work goes on with, whose a fork is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar import limits
from sidecar.repositories.blobs import Blobs
from tests.integration.house import Answer, House, running_house

MINIMAL = {"Prefer": "return=minimal"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def begin(house: House, token: str, **fields: Any) -> str:
    sent = {"name": "work", "workspace_path": "/x"} | fields
    answer = await house.call("POST", "/api/v5/sessions", token, json=sent)
    assert answer.status == 201, answer
    return str(answer.content["id"])


async def test_a_small_change_reads_no_more_of_the_state_than_it_names(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await house.pair())["access_token"]
    state = {"groups": [{"tabs": [{"path": f"{number}.py"} for number in range(1_000)]}], "zoom": 1}
    path = f"/api/v5/sessions/{await begin(house, token, editor_state=state, memory={'facts': ['one'], 'own': 1})}"
    read: list[int] = []
    get = Blobs.get

    def seen(*given: Any) -> bytes:
        content = get(*given)
        read.append(len(content))
        return content

    monkeypatch.setattr(Blobs, "get", seen)

    async def change(method: str, place: str, sent: dict[str, Any]) -> Answer:
        answer = await house.call(method, path + place, token, MINIMAL, json=sent)
        assert answer.status == 204, answer
        return answer

    await change("PATCH", "", {"name": "other"})
    await change("PATCH", "", {"memory": {"decisions": ["yes"]}})
    await change("POST", "/facts/add", {"items": ["two"]})
    assert sum(read) < 1_000, read
    await change("PATCH", "", {"editor_state": {"zoom": 2}})
    assert sum(read) > 10_000, read
    now = (await house.call("GET", path, token)).content
    assert now["memory"] == {"facts": ["one", "two"], "decisions": ["yes"], "own": 1}
    assert (now["name"], now["editor_state"]["zoom"]) == ("other", 2)
    assert len(now["editor_state"]["groups"][0]["tabs"]) == 1_000


async def test_work_goes_on_with_ones_own_session_however_many_others_work_there_and_one_works_elsewhere(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await house.tenant("acme")
    own, other = [(await house.person(tenant, "developer", name)).access_token for name in ("own", "other")]
    latest = {}
    for branch in ("main", None, "fix", "main"):
        latest[branch] = await begin(house, own, git_branch=branch)
    for number in range(20):
        await begin(house, own, workspace_path=f"/elsewhere/{number}")
        for _ in range(6):
            await begin(house, other, git_branch="main")
    monkeypatch.setattr(limits, "page_reads_max", 1)

    async def resumed(token: str, **asked: Any) -> tuple[int, str]:
        answer = await house.call("POST", "/api/v5/sessions/resume", token, json={"workspace_path": "/x"} | asked)
        return answer.status, answer.content["id"]

    for branch, identifier in latest.items():
        assert await resumed(own, git_branch=branch) == (200, identifier)
    status, fresh = await resumed(own, git_branch="new")
    assert (status, await resumed(own, git_branch="new")) == (201, (200, fresh))
    status, theirs = await resumed(other, git_branch="fix")
    assert (status, theirs in latest.values()) == (201, False)


async def test_a_fork_is_whose_who_forks_and_shown_to_nobody_else(house: House) -> None:
    tenant = await house.tenant("acme")
    own, admin = await house.person(tenant, "developer"), await house.person(tenant, "admin")
    path = f"/api/v5/sessions/{await begin(house, own.access_token, active_files=['a'])}"
    fork = await house.call("POST", f"{path}/fork", admin.access_token, json={"name": "another"})
    assert (fork.status, fork.content["user_id"], fork.content["active_files"]) == (201, admin.user.id, ["a"])
    mine = await house.call("POST", f"{path}/fork", own.access_token, json={"name": "mine"})
    for login, names in ((own, ["mine"]), (admin, ["another", "mine"])):
        children = await house.call("GET", f"{path}/children", login.access_token)
        assert [each["name"] for each in children.content["items"]] == names
    sent = {"workspace_path": "/x"}
    resumed = await house.call("POST", "/api/v5/sessions/resume", own.access_token, json=sent)
    assert resumed.content["id"] == mine.content["id"]
