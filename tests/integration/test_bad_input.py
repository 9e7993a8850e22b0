"""Bad input of every kind gets a 4xx problem or a clean close, and the daemon stays up."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.repositories.conversations import Conversations
from tests.e2e.daemons import eventually
from tests.integration.house import House, running_house

HALF_A_BODY = b'Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"name": '
JSON = {"Content-Type": "application/json"}
IMPORT = (
    b"POST /api/v5/import HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\n"
    b"Content-Type: application/x-ndjson\r\n"
)
HEAD = b'{"name": "x", "workspace_path": "/x", '


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        HEAD,
        HEAD + b'"tags": ["a"',
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        HEAD + b'"memory": ' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}",
        HEAD + b'"memory": {"a": 1e400}}',
        HEAD + b'"memory": {"a": NaN}}',
        HEAD + b'"memory": {"a": -Infinity}}',
        HEAD + b'"memory": {"a": ' + b"9" * 5_000 + b"}}",
        HEAD + b'"breakpoints": [{"path": "x", "line": 1e400}]}',
        HEAD + b'"breakpoints": [{"path": "x", "line": ' + b"9" * 5_000 + b"}]}",
        HEAD + b'"breakpoints": [{"path": "x", "line": 0}]}',
        HEAD + b'"tags": ["\\ud800"]}',
        HEAD + b'"memory": {"\\udfff": 1}}',
        HEAD + b'"tags": "a"}',
        HEAD + b'"tags": [1]}',
        HEAD + b'"tags": [""]}',
        HEAD + b'"git_branch": 7}',
        HEAD + b'"conversation_id": "nonsense"}',
        HEAD + b'"editor_state": {"groups": [{"tabs": [{"kind": "hologram", "path": "x"}]}]}}',
        HEAD + b'"editor_state": {"groups": [{"tabs": [{"path": "x", "pinned": "yes"}]}]}}',
        HEAD + b'"editor_state": []}',
        HEAD + b'"no_such_field": 1}',
        b"null",
        b"[]",
        b"7",
        b'"text"',
    ],
    ids=lambda body: repr(body[:60] + b".." + body[-20:]),
)
async def test_a_bad_body_is_a_problem_and_stores_nothing(house: House, body: bytes) -> None:
    token = (await house.pair())["access_token"]
    answer = await house.call("POST", "/api/v5/sessions", token, JSON, data=body)
    assert answer.status == 400, answer
    assert answer.code in ("invalid", "invalid_json")
    assert (await house.call("GET", "/api/v5/sessions", token)).content["items"] == []


async def test_a_body_of_100_mb_is_refused_without_being_read(house: House) -> None:
    token = (await house.pair())["access_token"]
    head = {"Authorization": f"Bearer {token}"} | JSON
    answer = await house.head_only("POST", "/api/v5/sessions", head | {"Content-Length": "100000000"})
    assert (answer.status, answer.code) == (413, "body_too_large")
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            yield b" " * 65_536
            sent += 65_536

    try:
        refused = await house.call("POST", "/api/v5/sessions", token, JSON, data=body())
        assert (refused.status, refused.code) == (413, "body_too_large")
    except OSError:  # the daemon has closed what it does not read
        pass
    assert sent < 100_000_000
    assert (await house.call("GET", "/healthz")).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/api/v5/auth/login", "/api/v5/sessions", "/api/v5/import"])
async def test_a_compressed_body_is_refused_and_never_expanded(
    house: House, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever expanded this one, to read it or to throw it away, would fail: it is broken."""
    token = (await house.pair())["access_token"]
    for coding in ("gzip", "deflate", "br", "GZIP", "tea"):
        head = JSON | {"Content-Encoding": coding}
        answer = await house.call("POST", path, token, head, data=b"\x1f\x8b" * 2_000)
        assert (answer.status, answer.code) == (415, "unsupported_media_type"), coding
        assert answer.headers["Accept-Encoding"] == "identity"
        answer = await house.call("POST", path, token, head, data=io.BytesIO(bytes(limits.request_body_bytes_max + 1)))
        assert (answer.status, answer.code) == (413, "body_too_large"), coding
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


async def test_a_body_that_says_that_it_is_not_compressed_is_taken(house: House) -> None:
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": "/x"}
    answer = await house.call("POST", "/api/v5/sessions", token, {"Content-Encoding": "identity"}, json=sent)
    assert answer.status == 201


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /api/v5/sessions HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /api/v5/sessions HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\n" + HALF_A_BODY,
    ],
    ids=["silence", "half a head", "half a body"],
)
async def test_a_slow_client_is_let_go(house: House, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.limits.request_seconds_max", 0.2)
    token = (await house.pair())["access_token"]
    host, port = house.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent.replace(b"HOST", house.host.encode()).replace(b"TOKEN", token.encode()))
    async with asyncio.timeout(20):
        answer = await reader.read()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 "), answer
    writer.close()
    assert (await house.call("GET", "/healthz")).status == 200


@pytest.mark.parametrize(
    ("raw", "answered"),
    [
        (b"POST /api/v5/sessions HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\n" + HALF_A_BODY, False),
        (IMPORT + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + b'{"sid', False),
        (b"GET /api/v5/export HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\n\r\n", True),
    ],
    ids=["a body", "an import", "an export"],
)
async def test_a_client_that_leaves_in_the_middle_is_no_failure(
    house: House, raw: bytes, *, answered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": "/x", "editor_state": {"text": "x" * 900_000}}
    for _ in range(12):  # more than the buffers of a connection hold
        assert (await house.call("POST", "/api/v5/sessions", token, json=sent)).status == 201
    host, port = house.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw.replace(b"HOST", house.host.encode()).replace(b"TOKEN", token.encode()))
    if answered:
        await reader.readuntil(b"\r\n\r\n")
    else:
        await eventually(lambda: len(house.context.silent) == 0, "the head has come")
    writer.transport.abort()

    def statuses() -> set[str]:
        found = house.context.metrics.render()
        return set(re.findall(r'requests_total\{[^}]*status="(\d+)"', found))

    await eventually(lambda: "499" in statuses(), "the end is noticed")
    assert "500" not in statuses()
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (limits.request_header_bytes_max + 10_000) + b"\r\n\r\n",
        b"GET /" + b"x" * (limits.request_header_bytes_max + 10_000) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\x00: b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda raw: repr(raw[:40]),
)
async def test_what_is_no_http_gets_a_clean_close(house: House, raw: bytes) -> None:
    host, port = house.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw + b"\r\n\r\n")
    writer.write_eof()
    async with asyncio.timeout(20):
        answer = await reader.read()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer[:200]
    writer.close()
    assert (await house.call("GET", "/healthz")).status == 200


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n", 404, "no_such_route"),
        (b"BREW /api/v5/version HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "http_error"),
        (b"GET /healthz HTTP/1.1\r\nHost: HOST\r\nExpect: tea\r\n\r\n", 417, "http_error"),
        (b"GET /healthz HTTP/1.1\r\nHost: HOST\r\nAuthorization canary-secret\r\n\r\n", 400, "http_error"),
    ],
    ids=lambda raw: repr(raw[:30]) if isinstance(raw, bytes) else None,
)
async def test_what_reaches_no_route_gets_a_problem_with_the_headers_that_all_have(
    house: House, raw: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    host, port = house.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw.replace(b"HOST", house.host.encode()))
    async with asyncio.timeout(20):
        head, _, _ = (await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        body = (await reader.readexactly(int(headers["Content-Length"]))).decode()
    writer.close()
    problem = json.loads(body)
    assert head.split()[1] == str(status)
    assert headers["Content-Type"].startswith("application/problem+json")
    assert (problem["status"], problem["code"], problem["request_id"]) == (status, code, headers["X-Request-Id"])
    plain = (await house.call("GET", "/api/v5/nothing")).headers
    for name in ("Server", "X-Content-Type-Options", "Cache-Control"):
        assert headers[name] == plain[name]
    assert "canary" not in body + caplog.text


async def test_a_patch_with_a_wrong_version_is_refused_and_one_without_is_merged(house: House) -> None:
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": "/x", "memory": {"facts": ["a"], "ours": {"kept": 1, "gone": 2}}}
    path = "/api/v5/sessions/" + (await house.call("POST", "/api/v5/sessions", token, json=sent)).content["id"]
    patch = {"memory": {"facts": ["b"], "ours": {"gone": None}}, "git_branch": "main"}
    merge = {"Content-Type": "application/merge-patch+json"}
    for tag, status in (('"7"', 412), ('W/"1"', 400), ("1", 400), ('"1"', 200)):
        answer = await house.call("PATCH", path, token, merge | {"If-Match": tag}, data=json.dumps(patch))
        assert answer.status == status, tag
    assert answer.content["memory"] == {"facts": ["b"], "decisions": [], "ours": {"kept": 1}}
    assert answer.headers["Etag"] == '"2"'
    removed = await house.call("PATCH", path, token, json={"git_branch": None, "memory": None})
    assert (removed.content["git_branch"], removed.content["memory"]) == (None, {"facts": [], "decisions": []})
    assert (await house.call("PATCH", path, token, json={"name": None})).status == 400
    minimal = await house.call("PATCH", path, token, {"Prefer": "return=minimal"}, json={"tags": ["t"]})
    assert (minimal.status, minimal.content, minimal.headers["Etag"]) == (204, None, '"4"')


async def test_a_patch_that_others_always_overtake_is_told_to_come_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await house.pair()
    made = await house.call(
        "POST", "/api/v5/conversations", login["access_token"], json={"ai_provider": "x", "title": "t"}
    )
    path, database = f"/api/v5/conversations/{made.content['id']}", house.context.database
    conversations = Conversations(database.keyspace.tenant(login["tenant"]["id"]))

    async def overtaken(*_: object) -> None:
        await database.transact(lambda tr: conversations.update(tr, made.content["id"], {"summary": "another's"}))

    monkeypatch.setattr("sidecar.api.conversations.check_related", overtaken)
    refused = await house.call("PATCH", path, login["access_token"], json={"title": "u"})
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (409, "busy", "1")
    monkeypatch.undo()
    changed = await house.call("PATCH", path, login["access_token"], json={"title": "u"})
    assert (changed.status, changed.content["version"]) == (200, limits.patch_attempts_max + 2)


async def test_many_who_add_at_once_lose_nothing(house: House) -> None:
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": "/x"}
    path = "/api/v5/sessions/" + (await house.call("POST", "/api/v5/sessions", token, json=sent)).content["id"]
    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(house.call("POST", f"{path}/tags/add", token, json={"items": [f"t{number}"]}))
            tasks.create_task(house.call("POST", f"{path}/facts/add", token, json={"items": [f"f{number}"]}))
    found = (await house.call("GET", path, token)).content
    assert sorted(found["tags"]) == sorted(f"t{number}" for number in range(20))
    assert sorted(found["memory"]["facts"]) == sorted(f"f{number}" for number in range(20))
