"""Export and import: a loss-free round trip in bounded memory, repeatable, and never another's records."""

import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.house import House, running_house

LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path / "one") as house:
        yield house


async def exported(house: House, token: str, query: str = "") -> list[dict[str, Any]]:
    async with house.http.get(
        f"{house.daemon.url}/api/v5/export{query}", headers={"Authorization": f"Bearer {token}"}
    ) as answer:
        assert answer.status == 200
        return [json.loads(line) for line in (await answer.read()).splitlines()]


def as_body(lines: list[dict[str, Any]]) -> io.BytesIO:
    return io.BytesIO(b"\n".join(json.dumps(line).encode() for line in lines))


async def fill(house: House, token: str) -> None:
    for number in range(45):
        state = {"groups": [{"tabs": [{"path": "a.py", "content": "é" * 5_000, "dirty": True, "ours": [number]}]}]}
        memory = {"facts": [f"fact {number}", {"text": "x", "why": "y"}], "more": {"kept": True}}
        sent = {"name": f"s{number}", "workspace_path": "/x", "tags": ["t"], "editor_state": state, "memory": memory}
        session = (await house.call("POST", "/api/v5/sessions", token, json=sent)).content["id"]
        await house.call("PATCH", f"/api/v5/sessions/{session}", token, json={"git_branch": "main"})
    talk = {"ai_provider": "x", "title": "t", "workspace_session_id": session}
    conversation = (await house.call("POST", "/api/v5/conversations", token, json=talk)).content["id"]
    for number in range(30):
        message = {"role": "user", "content": f"m{number}\u2028", "token_count": 3}
        await house.call("POST", f"/api/v5/conversations/{conversation}/messages", token, json=message)
    await house.call("PUT", "/api/v5/settings/editor/font", token, json={"value": {"size": 1.5, "none": None}})


async def test_a_round_trip_into_another_daemon_loses_nothing_and_may_be_repeated(house: House, tmp_path: Path) -> None:
    token = (await house.pair())["access_token"]
    await fill(house, token)
    lines = await exported(house, token)
    kinds = [line["kind"] for line in lines[1:]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "sessions": 45,
        "conversations": 1,
        "messages": 30,
        "settings": 1,
    }
    async with running_house(tmp_path / "two") as other:
        login = await other.pair()
        for replaced in (0, 1):
            answer = await other.call("POST", "/api/v5/import", login["access_token"], LINES, data=as_body(lines))
            assert answer.status == 200, answer
            assert answer.content["stored"]["messages"] == 30
            assert answer.content["replaced"]["messages"] == 30 * replaced
        own = {"tenant_id": login["tenant"]["id"], "user_id": login["user"]["id"]}
        expected = [
            line | {"record": line["record"] | {name: own[name] for name in own if name in line["record"]}}
            for line in lines[1:]
        ]
        assert (await exported(other, login["access_token"]))[1:] == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid"),
        (b"{", "invalid_json"),
        (b'{"sidecar_export": 2}', "invalid"),
        (b'{"sidecar_export": 1}\n{"kind": "users", "record": {}}', "invalid"),
        (b'{"sidecar_export": 1}\n{"kind": "sessions", "record": {}}', "invalid"),
        (b'{"sidecar_export": 1}\n{"kind": "messages", "record": {"conten', "invalid_json"),
    ],
)
async def test_what_is_no_export_is_refused(house: House, body: bytes, code: str) -> None:
    token = (await house.pair())["access_token"]
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=body)
    assert (answer.status, answer.code) == (400, code)


async def test_nobody_exports_or_replaces_what_is_anothers(house: House) -> None:
    tenant = await house.tenant("acme")
    owner, other = [await house.person(tenant, "developer", name) for name in ("owner", "other")]
    admin = await house.person(tenant, "admin")
    sent = {"name": "mine", "workspace_path": "/x"}
    session = (await house.call("POST", "/api/v5/sessions", owner.access_token, json=sent)).content["id"]
    assert len(await exported(house, other.access_token)) == 1
    assert (await house.call("GET", "/api/v5/export?everybody=true", other.access_token)).code == "role"
    lines = await exported(house, admin.access_token, "?everybody=true")
    assert [line["record"]["id"] for line in lines[1:]] == [session]
    answer = await house.call("POST", "/api/v5/import", other.access_token, LINES, data=as_body(lines))
    assert answer.status == 400
    assert (await house.call("GET", f"/api/v5/sessions/{session}", owner.access_token)).content["version"] == 1


async def test_an_import_neither_moves_a_message_to_another_nor_names_what_is_anothers(house: House) -> None:
    tenant = await house.tenant("acme")
    owner, other = [await house.person(tenant, "developer", name) for name in ("owner", "other")]
    manager = (await house.person(tenant, "manager")).access_token
    theirs, own = await house.belongings(owner), await house.belongings(other)
    before = await house.dump()
    heading, *lines = await exported(house, other.access_token)
    by_kind = {line["kind"]: line for line in lines}
    changes: list[tuple[str, dict[str, Any]]] = [
        ("messages", {"conversation_id": theirs["conversations"], "role": "system", "content": "injected"}),
        ("messages", {"conversation_id": theirs["conversations"], "id": own["agents"]}),
        ("messages", {"id": theirs["messages"]}),
        ("conversations", {"workspace_session_id": theirs["sessions"]}),
        ("conversations", {"related_conversations": [own["conversations"], theirs["conversations"]]}),
        ("sessions", {"conversation_id": theirs["conversations"]}),
        ("sessions", {"related_sessions": [theirs["sessions"]]}),
        ("sessions", {"parent_session_id": theirs["sessions"], "id": own["agents"]}),
    ]
    for kind, fields in changes:
        changed = {"kind": kind, "record": by_kind[kind]["record"] | fields}
        sent = as_body([heading, by_kind["settings"], changed])
        answer = await house.call("POST", "/api/v5/import", other.access_token, LINES, data=sent)
        assert (answer.status, answer.code, answer.content["details"]["line"]) == (400, "invalid", 3), (kind, fields)
        assert answer.content["detail"].startswith("Line 3: The record "), answer
    assert await house.dump() == before, "something was stored"
    sent = as_body([heading, {"kind": "sessions", "record": by_kind["sessions"]["record"] | {"id": own["agents"]}}])
    assert (await house.call("POST", "/api/v5/import", manager, LINES, data=sent)).content["stored"]["sessions"] == 1


async def test_an_import_holds_few_records_in_memory(house: House) -> None:
    token = (await house.pair())["access_token"]
    sent = {"name": "big", "workspace_path": "/x", "memory": {"facts": ["x" * 19_000] * 40}}
    await house.call("POST", "/api/v5/sessions", token, json=sent)
    heading, line = await exported(house, token)
    text = json.dumps(line).encode()

    async def body() -> AsyncIterator[bytes]:
        yield json.dumps(heading).encode() + b"\n"
        for _ in range(40):
            yield text + b"\n"

    tracemalloc.start()
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=body())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.content["stored"]["sessions"] == 40
    assert peak < 40 * len(text) / 2, "half of the import was in memory at once"
