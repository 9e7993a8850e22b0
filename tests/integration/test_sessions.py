"""Workspace sessions over HTTP: what a change reads, which one work goes on with, whose a fork is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

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
