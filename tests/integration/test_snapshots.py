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
