"""Snapshots over HTTP."""

import threading
from pathlib import Path
from typing import Any

import pytest

from sidecar.api import snapshots
from sidecar.services.differences import Differences, between_snapshots
from tests.integration.house import running_house


async def test_snapshots_are_compared_off_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()

    def compared(*given: Any) -> Differences:
        threads.add(threading.get_ident())
        return between_snapshots(*given)

    monkeypatch.setattr(snapshots, "between_snapshots", compared)
    async with running_house(tmp_path) as house:
        token = (await house.pair())["access_token"]
        state = {"name": "x", "workspace_path": "/x", "editor_state": {"zoom": 1, "wrap": True, "same": [1, True]}}
        session = (await house.call("POST", "/api/v5/sessions", token, json=state)).content
        path = f"/api/v5/sessions/{session['id']}"
        kept = (await house.call("POST", f"{path}/snapshots", token, json={"label": "a"})).content
        await house.call("PATCH", path, token, json={"editor_state": {"zoom": True, "wrap": 1}})
        answer = await house.call("GET", f"{path}/snapshots/diff", token, params={"from_id": kept["id"]})
    assert answer.content["text"].splitlines() == [
        "~ editor_state/zoom: 1 → true",
        "~ editor_state/wrap: true → 1",
    ]
    assert len(threads - {threading.get_ident()}) == len(threads) == 1


async def test_a_long_name_does_not_make_many_changes_below_it_a_long_answer(tmp_path: Path) -> None:
    def state(value: int) -> dict[str, Any]:
        deep: Any = {f"k{number}": value for number in range(500)}
        for _ in range(10):
            deep = {"D" * 1_000: deep}
        return {"list": [{"name": "N" * 100_000, **{f"k{number}": value for number in range(500)}}], "deep": deep}

    async with running_house(tmp_path) as house:
        token = (await house.pair())["access_token"]
        sent = {"name": "x", "workspace_path": "/x", "editor_state": state(0)}
        path = f"/api/v5/sessions/{(await house.call('POST', '/api/v5/sessions', token, json=sent)).content['id']}"
        kept = (await house.call("POST", f"{path}/snapshots", token, json={})).content
        await house.call("PATCH", path, token, json={"editor_state": state(1)})
        answer = await house.call("GET", f"{path}/snapshots/diff", token, params={"from_id": kept["id"]})
    places = [each["place"] for each in answer.content["changes"]]
    assert answer.content["is_cut"]
    assert 500 < len(places) < 1_000
    assert sum(map(len, places)) < 1_010_000
    assert answer.content["text"].startswith(f"~ editor_state/list/{'N' * 500}…/k0: 0 → 1\n")
