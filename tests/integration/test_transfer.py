"""Export and import: a loss-free round trip in bounded memory, repeatable, and never another's records."""

import asyncio
import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sidecar import limits
from sidecar.repositories.blobs import Blobs
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


def an_id(number: int) -> str:
    return f"01a21502-18dd-7432-939d-{number:012x}"


async def talk(house: House, token: str, *messages: str) -> str:
    """Begin a conversation and return its id."""
    sent = {"ai_provider": "x", "title": "t"}
    conversation = (await house.call("POST", "/api/v5/conversations", token, json=sent)).content["id"]
    for each in messages:
        message = {"role": "user", "content": each}
        await house.call("POST", f"/api/v5/conversations/{conversation}/messages", token, json=message)
    return str(conversation)


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
        for was_there in (False, True):
            answer = await other.call("POST", "/api/v5/import", login["access_token"], LINES, data=as_body(lines))
            assert answer.status == 200, answer
            assert answer.content["stored"]["messages"] == 30
            none = dict.fromkeys(answer.content["stored"], 0)
            assert answer.content["unchanged"] == (answer.content["stored"] if was_there else none)
            assert answer.content["replaced"] == none
        own = {"tenant_id": login["tenant"]["id"], "user_id": login["user"]["id"]}
        expected = [
            line | {"record": line["record"] | {name: own[name] for name in own if name in line["record"]}}
            for line in lines[1:]
        ]
        assert (await exported(other, login["access_token"]))[1:] == expected


async def test_records_of_any_size_that_the_api_has_taken_come_back(house: House) -> None:
    token = (await house.pair())["access_token"]
    conversation = await talk(house, token)
    path = f"/api/v5/conversations/{conversation}"
    for content in ("x" * 1_900_000, "é" * 4_190_000, "\n" * 1_000_000):  # the second is the largest that is taken
        sent = json.dumps({"role": "user", "content": content}, ensure_ascii=False).encode()
        answer = await house.call(
            "POST", f"{path}/messages", token, {"Content-Type": "application/json"}, data=io.BytesIO(sent)
        )
        assert answer.status == 201, answer
    files = {"active_files": [f"/x/{number:04}".ljust(2_040, "é") for number in range(2_030)]}
    sent = json.dumps({"name": "large", "workspace_path": "/x", **files}, ensure_ascii=False).encode()
    answer = await house.call(
        "POST", "/api/v5/sessions", token, {"Content-Type": "application/json"}, data=io.BytesIO(sent)
    )
    assert answer.status == 201, answer
    before = await exported(house, token)
    assert [line["kind"] for line in before[1:]] == ["sessions", "conversations", *["messages"] * 3]
    assert (await house.call("DELETE", path, token)).status == 204
    assert (await house.call("DELETE", f"/api/v5/sessions/{answer.content['id']}", token)).status == 204
    escaped = as_body(before)
    assert len(escaped.getvalue()) > 3 * 8_000_000
    for unchanged in (0, 3):
        answer = await house.call("POST", "/api/v5/import", token, LINES, data=as_body(before))
        assert (answer.status, answer.content["unchanged"]["messages"]) == (200, unchanged), answer
    assert await exported(house, token) == before


async def test_what_differs_in_json_is_replaced_and_what_does_not_is_left_alone(house: House) -> None:
    token = (await house.pair())["access_token"]
    conversation = await talk(house, token, "one", "two")
    await house.call("PUT", "/api/v5/settings/editor/font", token, json={"value": {"a": 1, "b": [0.0]}})
    before = await exported(house, token)
    setting = before[-1]["record"]
    for value, version in (({"b": [0.0], "a": 1}, 1), ({"a": True, "b": [0.0]}, 2), ({"a": 1.0, "b": [-0.0]}, 3)):
        sent = as_body([before[0], {"kind": "settings", "record": setting | {"value": value}}])
        answer = await house.call("POST", "/api/v5/import", token, LINES, data=sent)
        counts = [answer.content[each]["settings"] for each in ("stored", "replaced", "unchanged")]
        assert (answer.status, counts) == (200, [1, int(version > 1), int(version == 1)])
        stored = (await house.call("GET", "/api/v5/settings/editor/font", token)).content
        assert (json.dumps(stored["value"], sort_keys=True), stored["version"]) == (
            json.dumps(value, sort_keys=True),
            version,
        )
    await house.call("DELETE", f"/api/v5/conversations/{conversation}", token)
    for lines in (before[:3], before):  # the first is broken off before the second message
        assert (await house.call("POST", "/api/v5/import", token, LINES, data=as_body(lines))).status == 200
    assert (await exported(house, token))[1:4] == before[1:4]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid"),
        (b"{", "invalid_json"),
        (b'{"sidecar_export": 2}', "invalid"),
        (b"{}", "invalid"),
        (b'{"sidecar_export": 1}\n{"kind": "users", "record": {}}', "invalid"),
        (b'{"sidecar_export": 1}\n{"kind": "sessions", "record": {}}', "invalid"),
        (b'{"sidecar_export": 1}\n{"kind": "messages", "record": {"conten', "invalid_json"),
        (b'{"sidecar_export": 1}\n{"kind": "\\ud800", "record": {}}', "invalid_json"),
        ('{"sidecar_export": 1}\n'.encode("utf-16"), "invalid_json"),
    ],
)
async def test_what_is_no_export_is_refused(house: House, body: bytes, code: str) -> None:
    token = (await house.pair())["access_token"]
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=body)
    assert (answer.status, answer.code) == (400, code)


async def test_what_is_imported_can_still_be_changed(house: House) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token)
    head, line = await exported(house, token)
    path = f"/api/v5/conversations/{line['record']['id']}"
    assert (await house.call("DELETE", path, token)).status == 204
    line["record"]["version"] = limits.version_imported_max + 1
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=as_body([head, line]))
    assert (answer.status, answer.content["details"]) == (400, {"line": 2})
    assert str(limits.version_imported_max) in answer.content["detail"]
    line["record"]["version"] -= 1
    assert (await house.call("POST", "/api/v5/import", token, LINES, data=as_body([head, line]))).status == 200
    changed = await house.call("PATCH", path, token, json={"title": "u"})
    assert (changed.status, changed.content["version"]) == (200, limits.version_imported_max + 1)


async def test_lines_end_as_on_any_system_and_errors_name_them_as_an_editor_does(house: House) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, "\U0001f600\x00\u2028")
    lines = [json.dumps(line).encode() for line in await exported(house, token)]
    body = b"\xef\xbb\xbf" + b"\r\n \r\n".join([*lines, lines[-1]]) + b"\r\n"
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=body)
    assert answer.content["stored"]["messages"] == 2, answer
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=body + b"{")
    assert (answer.code, answer.content["details"]["line"]) == ("invalid_json", body.count(b"\n") + 1)


async def test_who_goes_away_in_the_middle_leaves_whole_records(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await house.pair())["access_token"]
    conversation = await talk(house, token, "one")
    heading, _, line = await exported(house, token)
    monkeypatch.setattr(limits, "transfer_page_rows_max", 2)

    async def body() -> AsyncIterator[bytes]:
        yield as_body(
            [heading, *[line | {"record": line["record"] | {"id": an_id(number)}} for number in range(4)]]
        ).read()
        yield b'{"kind": "messages", "rec'
        while len(await exported(house, token)) < 5:  # noqa: ASYNC110 - each try asks the daemon
            await asyncio.sleep(0.01)
        raise EOFError

    with pytest.raises(aiohttp.ClientError):
        await house.call("POST", "/api/v5/import", token, LINES, data=body())
    stored = await house.call("GET", f"/api/v5/conversations/{conversation}/messages", token)
    assert {each["id"] for each in stored.content["items"]} >= {an_id(0), an_id(1), line["record"]["id"]}


async def test_an_admin_imports_nothing_of_users_who_are_not_there(house: House) -> None:
    tenant = await house.tenant("acme")
    admin, other = await house.person(tenant, "admin"), await house.person(tenant, "developer")
    await house.belongings(other)
    heading, line, *_ = await exported(house, admin.access_token, "?everybody=true")
    for user_id, status in ((other.user.id, 200), (an_id(1), 400)):
        sent = as_body([heading, line | {"record": line["record"] | {"user_id": user_id}}])
        path = "/api/v5/import?everybody=true"
        answer = await house.call("POST", path, admin.access_token, LINES, data=sent)
        assert answer.status == status, answer


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


async def test_an_export_that_fails_ends_the_connection_so_that_nobody_takes_it_for_whole(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, "x" * 100_000)
    monkeypatch.setattr(Blobs, "get", lambda *_: 1 / 0)
    with pytest.raises(aiohttp.ClientPayloadError):
        await exported(house, token)
    host, port = house.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /api/v5/export HTTP/1.1\r\nHost: {house.host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    assert answer.count(b"HTTP/1.1 ") == 1, "another answer stands in the first"


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


async def test_an_export_holds_few_records_in_memory(house: House) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, *[f"{number:04}" * 250_000 for number in range(24)])
    size = 0
    tracemalloc.start()
    async with house.http.get(
        f"{house.daemon.url}/api/v5/export", headers={"Authorization": f"Bearer {token}"}
    ) as answer:
        async for chunk in answer.content.iter_any():
            size += len(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 24_000_000
    assert peak < 15_000_000


async def test_an_imported_session_was_not_active_later_than_now(house: House) -> None:
    token = (await house.pair())["access_token"]
    await house.call("POST", "/api/v5/sessions", token, json={"name": "x", "workspace_path": "/x"})
    heading, line = await exported(house, token)
    later = {"last_active_at": "9999-01-01T00:00:00Z"}
    sent = [heading, *[line | {"record": line["record"] | later | {"id": an_id(number)}} for number in range(2)]]
    await house.call("POST", "/api/v5/sessions", token, json={"name": "y", "workspace_path": "/x"})
    for _ in range(2):  # the second time nothing is changed
        answer = await house.call("POST", "/api/v5/import", token, LINES, data=as_body(sent))
        assert answer.status == 200, answer
    await house.call("POST", "/api/v5/sessions", token, json={"name": "z", "workspace_path": "/x"})
    items = (await house.call("GET", "/api/v5/sessions", token)).content["items"]
    assert [each["name"] for each in items] == ["z", "x", "x", "y", "x"]
    assert {each["version"] for each in items} == {1}


async def test_an_imported_session_lies_in_the_folder_that_its_path_leads_to(house: House, tmp_path: Path) -> None:
    token = (await house.pair())["access_token"]
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    await house.call("POST", "/api/v5/sessions", token, json={"name": "x", "workspace_path": str(real)})
    heading, line = await exported(house, token)

    def named(*paths: str) -> io.BytesIO:
        records = [{"id": an_id(number), "workspace_path": path} for number, path in enumerate(paths)]
        return as_body([heading, *[line | {"record": line["record"] | record} for record in records]])

    sent = named(str(link), f"{real}/../real/", "/not/../here/")
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=sent)
    assert answer.status == 200, answer
    paths = [each["record"]["workspace_path"] for each in (await exported(house, token))[1:]]
    assert sorted(paths) == sorted(["/here", str(real), str(real), str(real)])
    answer = await house.call("POST", "/api/v5/import", token, LINES, data=named("/a", "/a\0b"))
    assert (answer.status, answer.code, answer.content["details"]["line"]) == (400, "invalid", 3), answer
