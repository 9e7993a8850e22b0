"""The served API as a whole daemon answers it: who gets in, what lists and errors look like, what the socket tells."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from sidecar import config, limits
from sidecar.api import problems
from sidecar.api.context import Policy
from sidecar.api.routes import ROUTES
from sidecar.auth.pairing import prove, prove_port
from sidecar.clock import SystemClock
from sidecar.daemon.wiring import Daemon
from sidecar.errors import TransactionError

NOBODY = "00000000-0000-7000-8000-000000000000"


class Caller:
    """A client of the test's own, so that nothing is hidden by ours."""

    def __init__(self, daemon: Daemon, http: aiohttp.ClientSession, key: str) -> None:
        self.daemon = daemon
        self.http = http
        self.key = key
        self.token = ""

    async def pair(self) -> dict[str, Any]:
        status, answer = await self.call("POST", "/api/v5/auth/pair", token=self.key, json={})
        assert status == 200, answer
        self.token = answer["access_token"]
        return dict(answer)

    async def call(
        self, method: str, path: str, *, token: str | None = None, headers: dict[str, str] | None = None, **more: Any
    ) -> tuple[int, Any]:
        token = self.token if token is None else token
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.request(method, self.daemon.url + path, headers=sent | (headers or {}), **more) as answer:
            text = await answer.text()
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json", text
                problem = json.loads(text)
                assert problem["status"] == answer.status
                assert problem["code"]
                assert problem["request_id"]
            return answer.status, json.loads(text) if text else None

    async def all_files(self, root: Path, **query: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        cursor: str | None = None
        while True:
            params = {"workspace_path": str(root), "limit": "7", **query} | ({"cursor": cursor} if cursor else {})
            status, page = await self.call("GET", "/api/v5/files", params=params)
            assert status == 200, page
            found |= {file["file_path"]: file for file in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def watch(self, root: Path) -> dict[str, Any]:
        status, workspace = await self.call("POST", "/api/v5/workspaces", json={"path": str(root)})
        assert status in (200, 201), workspace
        while workspace["progress"]["state"] == "scanning":
            await asyncio.sleep(0.02)
            _, workspace = await self.call("GET", f"/api/v5/workspaces/{workspace['id']}")
        return dict(workspace)


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    settings = config.load({"home": tmp_path / "home", "port": 0})
    async with (
        Daemon(settings, clock=SystemClock()) as daemon,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http,
    ):
        key = (settings.runtime_dir / "pairing.key").read_text().strip()
        caller = Caller(daemon, http, key)
        await caller.pair()
        yield caller


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / ".gitignore").write_text("*.log\nbuild/\n")
    (root / "build").mkdir()
    (root / "build" / "out").write_text("ignored")
    (root / "noise.log").write_text("ignored")
    for number in range(20):
        (root / "src" / f"{number}.py").write_text(f"print({number})\n")
    return root


async def test_the_daemon_proves_itself_and_pairs(caller: Caller) -> None:
    status, hello = await caller.call("GET", "/api/v5/hello?nonce=abc", token="")
    assert status == 200
    assert hello["proof"] == prove(caller.key, "abc", hello["instance"])
    port = urlsplit(caller.daemon.url).port
    assert port is not None
    assert hello["port_proof"] == prove_port(caller.key, "abc", hello["instance"], port)
    login = await caller.pair()
    assert login["user"]["tenant_id"] == login["tenant"]["id"]
    assert login["user"]["id"] == login["tenant"]["owner_user_id"]
    assert login["expires_in"] == 900
    assert login["refresh_token"]
    assert "password_hash" not in login["user"]


def altered(token: str) -> str:
    """Change a character in the middle of the signature, where every bit counts."""
    at = len(token) - 20
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


async def test_public_routes_answer_without_a_token(caller: Caller) -> None:
    for path in ("/healthz", "/readyz", "/api/v5/version"):
        assert (await caller.call("GET", path, token=""))[0] == 200


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_keeps_its_policy_and_refuses_foreign_hosts_and_origins(caller: Caller, route: Any) -> None:
    path = re.sub(r"\{\w+\}", NOBODY, route.path) + ("?nonce=a" if route.path.endswith("hello") else "")
    body: dict[str, Any] = {"json": {}} if route.method == "POST" else {}
    for header in (
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ):
        status, problem = await caller.call(route.method, path, headers=header, **body)
        assert (status, problem["code"]) == (403, "foreign_host" if "Host" in header else "foreign_origin")
    if route.policy in (Policy.USER, Policy.PAIRING_KEY):
        for token in (
            "",
            "nonsense",
            altered(caller.token),
            *([caller.token] if route.policy is Policy.PAIRING_KEY else [caller.key]),
        ):
            status, _ = await caller.call(route.method, path, token=token, **body)
            assert status == 401


async def test_what_is_no_route_is_a_problem_too(caller: Caller) -> None:
    assert (await caller.call("GET", "/api/v5/nothing"))[0] == 404
    assert (await caller.call("PUT", "/api/v5/files"))[0] == 405
    assert (await caller.call("GET", "/", token=""))[0] == 404


async def test_a_watched_folder_is_listed_as_git_lists_it(caller: Caller, root: Path) -> None:
    workspace = await caller.watch(root)
    assert workspace["path"] == os.path.realpath(root)
    files = await caller.all_files(root)
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True, text=True
    )
    assert sorted(files) == sorted(listed.stdout.split())
    assert list(files) == sorted(files)
    again = await caller.watch(root)
    assert again["id"] == workspace["id"]
    status, by_path = await caller.call(
        "GET", "/api/v5/files/by-path", params={"workspace_path": str(root), "path": "src/3.py"}
    )
    assert (status, by_path) == (200, files["src/3.py"])
    assert (await caller.call("GET", f"/api/v5/files/{by_path['id']}"))[1] == by_path
    assert set(await caller.all_files(root, prefix="src/1")) == {path for path in files if path.startswith("src/1")}


async def test_removing_a_workspace_stops_watching_and_keeps_its_files(caller: Caller, root: Path) -> None:
    workspace = await caller.watch(root)
    path = f"/api/v5/workspaces/{workspace['id']}"
    assert (await caller.call("DELETE", path, headers={"If-Match": '"7"'}))[0] == 412
    assert (await caller.call("DELETE", path, headers={"If-Match": '"1"'}))[0] == 204
    assert (await caller.call("GET", path))[0] == 404
    assert len(await caller.all_files(root)) == 21


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        (
            "POST",
            "/api/v5/workspaces",
            {"data": "{", "headers": {"Content-Type": "application/json"}},
            400,
            "invalid_json",
        ),
        (
            "POST",
            "/api/v5/workspaces",
            {"data": "[" * 100_000, "headers": {"Content-Type": "application/json"}},
            400,
            "invalid_json",
        ),
        ("POST", "/api/v5/workspaces", {"data": "{}"}, 415, "unsupported_media_type"),
        ("POST", "/api/v5/workspaces", {"json": {}}, 400, "invalid"),
        ("POST", "/api/v5/workspaces", {"json": {"path": "relative"}}, 400, "invalid_path"),
        ("POST", "/api/v5/workspaces", {"json": {"path": "/no/such/folder"}}, 400, "invalid_path"),
        ("POST", "/api/v5/workspaces", {"json": {"path": "/\0"}}, 400, "invalid_path"),
        ("POST", "/api/v5/workspaces", {"json": {"path": "/", "more": 1}}, 400, "invalid"),
        ("GET", "/api/v5/files?limit=0", {}, 400, "invalid"),
        ("GET", "/api/v5/files?limit=x", {}, 400, "invalid"),
        ("GET", "/api/v5/files?unknown=1", {}, 400, "invalid"),
        ("GET", "/api/v5/files?cursor=%%%", {}, 400, "invalid_cursor"),
        ("GET", "/api/v5/files?prefix=a", {}, 400, "invalid"),
        ("GET", "/api/v5/files/nonsense", {}, 400, "invalid"),
        ("GET", f"/api/v5/files/{NOBODY}", {}, 404, "not_found"),
        ("GET", "/api/v5/changes?since=zzz", {}, 400, "invalid_cursor"),
        ("GET", "/api/v5/hello", {}, 400, "invalid"),
    ],
    ids=lambda part: str(part)[:40],
)
async def test_bad_input_gets_a_problem(
    caller: Caller, method: str, path: str, sent: dict[str, Any], status: int, code: str
) -> None:
    answered, problem = await caller.call(method, path, **sent)
    assert (answered, problem["code"]) == (status, code)


async def test_what_is_too_large_for_a_transaction_is_a_413(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "store_transaction_bytes_max", 50_000)
    sent = {"name": "a", "agent_type": "specialist", "memory": {"all": "x" * 60_000}}
    status, problem = await caller.call("POST", "/api/v5/agents", json=sent)
    assert (status, problem["code"]) == (413, "body_too_large")
    assert problem["detail"] == "This is too much to be stored at once; send it in parts."


@pytest.mark.parametrize(("number", "status"), [(2103, 413), (1007, 503), (1020, 503), (1021, 503), (1036, 500)])
def test_an_error_of_the_store_tells_whether_to_try_again(number: int, status: int) -> None:
    answer = problems.of_error(TransactionError(number), "id")
    assert (answer.status, str(number) in str(answer.text)) == (status, False)


async def heard(socket: aiohttp.ClientWebSocketResponse, state: dict[str, str], want: dict[str, str]) -> str:
    """Apply changes of files until ``state`` (path to checksum) is what is wanted; return the last cursor."""
    by_id: dict[str, str] = {}
    cursor = ""
    while state != want:
        message = await socket.receive_json(timeout=20)
        if message["type"] != "changes":
            continue
        cursor = message["cursor"]
        for change in message["changes"]:
            if change["kind"] == "files":
                state.pop(by_id.pop(change["id"], ""), None)
                if change["op"] != "deleted":
                    by_id[change["id"]] = change["hint"]["file_path"]
                    state[change["hint"]["file_path"]] = change["hint"]["checksum"]
    return cursor


async def test_a_socket_tells_from_the_beginning_what_the_index_holds(caller: Caller, root: Path) -> None:
    await caller.watch(root)
    files = {path: file["checksum"] for path, file in (await caller.all_files(root)).items()}
    async with caller.http.ws_connect(
        caller.daemon.url + "/api/v5/events", headers={"Authorization": f"Bearer {caller.token}"}
    ) as socket:
        await socket.send_json({"op": "subscribe", "topics": ["files"], "since": "beginning"})
        assert (await socket.receive_json())["type"] == "subscribed"
        await heard(socket, {}, files)
    _, polled = await caller.call("GET", "/api/v5/changes?since=beginning&topics=files")
    assert {change["hint"]["file_path"] for change in polled["changes"]} == set(files)


async def test_a_socket_may_show_its_token_in_the_first_message(caller: Caller, root: Path) -> None:
    async with caller.http.ws_connect(caller.daemon.url + "/api/v5/events") as socket:
        await socket.send_json({"op": "auth", "token": caller.token})
        await socket.send_json({"op": "subscribe", "topics": ["workspaces"]})
        assert (await socket.receive_json())["type"] == "subscribed"
        await caller.watch(root)
        message = await socket.receive_json(timeout=20)
        assert [change["op"] for change in message["changes"]] == ["created"]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"op": "subscribe"}], 4401),
        ([{"op": "auth", "token": "nonsense"}], 4401),
        (["nonsense"], 4400),
        ([{"op": "dance"}], 4400),
        ([{"op": "auth"}], 4400),
    ],
    ids=str,
)
async def test_a_socket_without_a_right_to_it_is_closed_with_a_reason(
    caller: Caller, messages: list[Any], code: int
) -> None:
    async with caller.http.ws_connect(caller.daemon.url + "/api/v5/events") as socket:
        for message in messages:
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))
        closing = await socket.receive(timeout=20)
        assert closing.type is aiohttp.WSMsgType.CLOSE
        assert closing.data == code


async def test_a_silent_socket_is_closed(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.limits.websocket_auth_seconds", 0.05)
    async with caller.http.ws_connect(caller.daemon.url + "/api/v5/events") as socket:
        assert (await socket.receive(timeout=20)).data == 4408


async def test_a_foreign_cursor_gets_a_reset_and_then_news(caller: Caller, root: Path) -> None:
    _, now = await caller.call("GET", "/api/v5/changes?since=now")
    foreign = "A" * len(now["cursor"])
    assert (await caller.call("GET", f"/api/v5/changes?since={foreign}"))[1]["type"] == "reset"
    async with caller.http.ws_connect(
        caller.daemon.url + "/api/v5/events", headers={"Authorization": f"Bearer {caller.token}"}
    ) as socket:
        await socket.send_json({"op": "subscribe", "topics": ["workspaces"], "since": foreign})
        assert (await socket.receive_json(timeout=20))["type"] == "reset"
        assert (await socket.receive_json(timeout=20))["type"] == "subscribed"
        await caller.watch(root)
        assert (await socket.receive_json(timeout=20))["type"] == "changes"


async def test_sockets_are_closed_with_a_reason_when_the_daemon_stops(tmp_path: Path) -> None:
    settings = config.load({"home": tmp_path / "home", "port": 0})
    async with aiohttp.ClientSession() as http:
        async with Daemon(settings, clock=SystemClock()) as daemon:
            caller = Caller(daemon, http, (settings.runtime_dir / "pairing.key").read_text().strip())
            await caller.pair()
            socket = await http.ws_connect(
                daemon.url + "/api/v5/events", headers={"Authorization": f"Bearer {caller.token}"}
            )
            await socket.send_json({"op": "subscribe"})
            await socket.receive_json()
        closing = await socket.receive(timeout=20)
        while closing.type is aiohttp.WSMsgType.TEXT:
            closing = await socket.receive(timeout=20)
        assert closing.data == 1001
        assert "stopping" in str(closing.extra)
