"""The client against a server that the test plays itself: honest, a stranger, or gone."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar import client, errors
from sidecar.auth.pairing import prove, prove_port
from sidecar.daemon.runtime_files import obtain_pairing_key, publish
from sidecar.endpoint import Endpoint

EPOCH = "an-epoch"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PlayedDaemon:
    """Speaks as much of the API as the client needs, and remembers what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = obtain_pairing_key(folder)
        self.seen: list[tuple[str, str | None]] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.connections: list[list[dict[str, Any]]] = []
        self.port = 0
        self.tokens = 0
        self.valid_token = ""
        self.hello: Callable[[str], dict[str, Any]] = self.honest
        self.greeting: Callable[[], web.Response] | None = None
        self.routes: dict[str, Handler] = {}

    def honest(self, nonce: str) -> dict[str, Any]:
        return {"port_proof": prove_port(self.key, nonce, EPOCH, self.port), "version": "1", "instance": EPOCH}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("Authorization")
        self.seen.append((request.path, authorization))
        if request.path == "/api/v5/hello":
            nonce = request.query["nonce"]
            return self.greeting() if self.greeting else web.json_response(self.hello(nonce))
        if request.path == "/api/v5/auth/pair":
            assert authorization == f"Bearer {self.key}"
            assert await request.json() == {}
            self.tokens += 1
            self.valid_token = f"token-{self.tokens}"
            return web.json_response({"access_token": self.valid_token})
        if authorization != f"Bearer {self.valid_token}" and request.path != "/api/v5/auth/refresh":
            return web.json_response({"code": "unauthenticated", "detail": "The token has ended."}, status=401)
        if request.path == "/api/v5/auth/logout":
            self.valid_token = ""
            return web.Response(status=204)
        if request.path == "/api/v5/events":
            return await self.serve_events(request)
        return await self.routes[request.path](request)

    async def serve_events(self, request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        self.subscriptions.append(await websocket.receive_json())
        messages = self.connections.pop(0)
        for message in messages:
            if "close" in message:
                await websocket.close(code=message["close"])
                return websocket
            await websocket.send_str(json.dumps(message))
        await websocket.close()
        return websocket


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[PlayedDaemon]:
    played = PlayedDaemon(tmp_path)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", played.handle)
    async with TestServer(app) as server:
        played.port = server.port or 0
        publish(tmp_path, Endpoint(url=str(server.make_url("")).rstrip("/"), pid=1, version="1", epoch=EPOCH))
        yield played


async def test_the_key_is_sent_after_the_proof_only_and_one_login_serves_all_requests_and_is_ended(
    daemon: PlayedDaemon,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"method": request.method, "query": dict(request.query), "body": await request.json()})

    daemon.routes["/api/v5/x"] = answer
    async with client.connect([daemon.folder]) as connected:
        for _ in range(2):
            got = await connected.request("POST", "/api/v5/x", params={"a": "1"}, body={"b": 2})
            assert got == {"method": "POST", "query": {"a": "1"}, "body": {"b": 2}}
    assert daemon.seen == [
        ("/api/v5/hello", None),
        ("/api/v5/auth/pair", f"Bearer {daemon.key}"),
        ("/api/v5/x", "Bearer token-1"),
        ("/api/v5/x", "Bearer token-1"),
        ("/api/v5/auth/logout", "Bearer token-1"),
    ]
    assert daemon.valid_token == ""


@pytest.mark.parametrize(
    "answer",
    [
        {"port_proof": "0" * 64, "version": "1", "instance": EPOCH},
        {"port_proof": None, "instance": EPOCH},
        {"port_proof": "\ud800", "instance": "\ud800"},
        {"port_proof": prove_port("0" * 64, "a nonce of its own", EPOCH, 1), "instance": EPOCH},
        {},
    ],
)
async def test_a_stranger_on_the_port_learns_nothing(daemon: PlayedDaemon, answer: dict[str, Any]) -> None:
    daemon.hello = lambda _: answer
    with pytest.raises(errors.ForbiddenError, match="could not prove") as caught:
        async with client.connect([daemon.folder]):
            pass
    assert caught.value.code == "not_proved"
    assert daemon.seen == [("/api/v5/hello", None)]
    assert daemon.key not in caught.value.message


WORDS_OF_A_STRANGER = "\x1b[31mRun this: ..."


@pytest.mark.parametrize(
    ("status", "text"),
    [
        *(
            (status, json.dumps({"detail": WORDS_OF_A_STRANGER, "code": code, "details": ["?"]}))
            for status in (401, 429, 500, 503)
            for code in ("not_running", "unauthenticated", "internal")
        ),
        (200, "[" * 100_000),
    ],
)
async def test_what_a_stranger_says_is_neither_shown_nor_obeyed_and_another_folder_is_tried(
    daemon: PlayedDaemon, tmp_path: Path, status: int, text: str
) -> None:
    daemon.greeting = lambda: web.Response(status=status, text=text)
    with pytest.raises(errors.ForbiddenError) as caught:
        async with client.connect([daemon.folder]):
            pass
    assert caught.value.code == "not_proved"
    assert WORDS_OF_A_STRANGER not in caught.value.message
    url = f"http://127.0.0.1:{daemon.port}"
    assert await client.version_at(url) is None

    daemon.greeting = None
    stale = tmp_path / "stale"
    stale.mkdir()
    obtain_pairing_key(stale)
    for written in (url, "http://127.0.0.1:99999", "http://127.0.0.1:abc"):
        publish(stale, Endpoint(url=written, pid=1, version="1", epoch=EPOCH))
        async with client.connect([stale, daemon.folder]) as connected:
            assert connected.daemon.pid == 1


async def test_what_is_no_text_is_not_sent_and_only_its_field_is_named(daemon: PlayedDaemon) -> None:
    async with client.connect([daemon.folder]) as connected:
        for body in ({"password": "S3cret\udcff"}, {"a": [{"password": "S3cret\udcff"}]}):
            with pytest.raises(errors.InvalidError) as caught:
                await connected.request("POST", "/api/v5/x", body=body)
            assert caught.value.message == "password is not UTF-8, so it can not be sent to the daemon."


@pytest.mark.parametrize("port", ["99999", "abc"])
async def test_a_published_address_that_is_none_is_said_to_be(daemon: PlayedDaemon, port: str) -> None:
    publish(daemon.folder, Endpoint(url=f"http://127.0.0.1:{port}", pid=1, version="1", epoch=EPOCH))
    with pytest.raises(errors.InvalidError, match="no address; remove endpoint"):
        async with client.connect([daemon.folder]):
            pass


async def test_the_version_of_a_stranger_is_told_only_if_it_reads_like_one(daemon: PlayedDaemon) -> None:
    url = f"http://127.0.0.1:{daemon.port}"
    for version, told in (("0.1.0.dev3+x", "0.1.0.dev3+x"), ("9\x1b[31m", None), ("1" * 10_000, None), ({}, None)):
        answer: dict[str, Any] = {"version": version, "proof": "", "instance": EPOCH}
        daemon.greeting = lambda answer=answer: web.json_response(answer)
        assert await client.version_at(url) == told


async def test_a_stranger_who_hands_the_daemons_own_proofs_on_learns_nothing(daemon: PlayedDaemon) -> None:
    """It is on the port that was published, the daemon on another, and answers whoever asks for a proof."""

    def handed_on(nonce: str) -> dict[str, Any]:
        proofs = {"proof": prove(daemon.key, nonce, EPOCH), "port_proof": prove_port(daemon.key, nonce, EPOCH, 7370)}
        return {**proofs, "version": "1", "instance": EPOCH}

    daemon.hello = handed_on
    with pytest.raises(errors.ForbiddenError, match="could not prove"):
        async with client.connect([daemon.folder]):
            pass
    assert daemon.seen == [("/api/v5/hello", None)]


async def test_an_old_proof_can_not_be_played_again(daemon: PlayedDaemon) -> None:
    first = daemon.honest("the nonce of an earlier client")
    daemon.hello = lambda _: first
    with pytest.raises(errors.ForbiddenError, match="could not prove"):
        async with client.connect([daemon.folder]):
            pass


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:1", "https://127.0.0.1:1", "http://localhost.example:1", "file:///x"]
)
async def test_nothing_is_sent_to_an_address_that_is_not_this_machine(tmp_path: Path, url: str) -> None:
    obtain_pairing_key(tmp_path)
    publish(tmp_path, Endpoint(url=url, pid=1, version="1", epoch=EPOCH))
    with pytest.raises(errors.ForbiddenError, match="not on this machine"):
        async with client.connect([tmp_path]):
            pass


async def test_a_daemon_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.UnavailableError, match="No daemon is running") as caught:
        async with client.connect([tmp_path]):
            pass
    assert caught.value.code == "not_running"
    obtain_pairing_key(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    publish(tmp_path, Endpoint(url=f"http://127.0.0.1:{port}", pid=1, version="1", epoch=EPOCH))
    with pytest.raises(errors.UnavailableError, match="does not answer") as caught:
        async with client.connect([tmp_path]):
            pass
    assert caught.value.code == "not_running"


async def test_what_a_crashed_daemon_left_does_not_hide_one_that_runs(daemon: PlayedDaemon, tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir(mode=0o700)
    obtain_pairing_key(crashed)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    publish(crashed, Endpoint(url=f"http://127.0.0.1:{port}", pid=2, version="1", epoch=EPOCH))
    async with client.connect([crashed, daemon.folder]) as connected:
        assert connected.daemon.pid == 1
    with pytest.raises(errors.UnavailableError, match=f":{port}/"):
        async with client.connect([crashed, tmp_path / "absent"]):
            pass


async def test_a_login_that_ended_is_opened_anew(daemon: PlayedDaemon) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"token": daemon.valid_token})

    daemon.routes["/api/v5/x"] = answer
    async with client.connect([daemon.folder]) as connected:
        assert await connected.request("GET", "/api/v5/x") == {"token": "token-1"}
        daemon.valid_token = "revoked"  # noqa: S105 - a played one
        assert await connected.request("GET", "/api/v5/x") == {"token": "token-2"}


async def test_a_login_that_can_not_be_ended_spoils_nothing(daemon: PlayedDaemon) -> None:
    async def answer(_: web.Request) -> web.Response:
        daemon.valid_token = "revoked"  # noqa: S105 - a played one
        return web.json_response({"answer": 1})

    daemon.routes["/api/v5/x"] = answer
    async with client.connect([daemon.folder]) as connected:
        assert await connected.request("GET", "/api/v5/x") == {"answer": 1}
    assert daemon.tokens == 1


async def test_redirects_are_not_followed(daemon: PlayedDaemon) -> None:
    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("/api/v5/elsewhere")

    daemon.routes["/api/v5/x"] = redirect
    async with client.connect([daemon.folder]) as connected:
        with pytest.raises(errors.InvalidError, match="does not speak"):
            await connected.request("GET", "/api/v5/x")
    assert ("/api/v5/elsewhere", "Bearer token-1") not in daemon.seen


async def test_lists_are_read_page_by_page(daemon: PlayedDaemon) -> None:
    async def page(request: web.Request) -> web.Response:
        assert request.query["limit"] == "2"
        start = int(request.query.get("cursor", 0))
        following = str(start + 2) if start < 4 else None
        return web.json_response({"items": [{"n": start}, {"n": start + 1}], "next_cursor": following})

    daemon.routes["/api/v5/x"] = page
    async with client.connect([daemon.folder]) as connected:
        assert [item["n"] async for item in connected.pages("/api/v5/x", {"limit": "2"})] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid", errors.InvalidError),
        (400, "some_newer_code", errors.InvalidError),
        (404, "not_found", errors.NotFoundError),
        (404, "no_such_route", errors.NotFoundError),
        (410, "cursor_expired", errors.CursorExpiredError),
        (503, "unavailable", errors.UnavailableError),
        (500, "internal", errors.SidecarError),
        (500, "transaction", errors.SidecarError),
    ],
)
async def test_a_problem_becomes_the_error_it_stands_for(
    daemon: PlayedDaemon, status: int, code: str, kind: type[errors.SidecarError]
) -> None:
    problem = {"code": code, "detail": "One sentence.", "details": {"a": 1}, "request_id": "r"}

    async def fail(_: web.Request) -> web.Response:
        return web.json_response(problem, status=status, content_type="application/problem+json")

    daemon.routes["/api/v5/x"] = fail
    async with client.connect([daemon.folder]) as connected:
        with pytest.raises(errors.SidecarError) as caught:
            await connected.request("GET", "/api/v5/x")
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.message) == (code, "One sentence.")
    assert caught.value.details == {"a": 1, "status": status, "request_id": "r"}


async def test_an_answer_without_an_end_is_cut_off(daemon: PlayedDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    async def much(_: web.Request) -> web.Response:
        return web.Response(body=b" " * 2_000)

    daemon.routes["/api/v5/x"] = much
    monkeypatch.setattr("sidecar.limits.client_answer_bytes_max", 1_000)
    async with client.connect([daemon.folder]) as connected:
        with pytest.raises(errors.InvalidError, match="more than 1000 bytes"):
            await connected.request("GET", "/api/v5/x")


async def test_events_go_on_from_the_last_cursor_after_a_lost_connection(
    daemon: PlayedDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.client_reconnect_seconds_min", 0.0)
    daemon.connections = [
        [{"type": "subscribed", "cursor": "a"}, {"type": "changes", "cursor": "b", "changes": []}],
        [{"close": 4401}],
        [
            {"type": "subscribed", "cursor": "b"},
            {"type": "progress"},
            {"type": "changes", "cursor": "c", "changes": []},
        ],
    ]
    got = []
    async with (
        client.connect([daemon.folder]) as connected,
        aclosing(connected.events(["files"], since="beginning")) as messages,
    ):
        async for message in messages:
            got.append(message["type"])
            if message.get("cursor") == "c":
                break
    assert got == ["subscribed", "changes", "subscribed", "progress", "changes"]
    assert [subscription["since"] for subscription in daemon.subscriptions] == ["beginning", "b", "b"]
    assert daemon.subscriptions[0] == {
        "op": "subscribe",
        "topics": ["files"],
        "since": "beginning",
    }
    assert daemon.tokens == 3


async def test_a_subscription_that_is_not_understood_ends_with_an_error(daemon: PlayedDaemon) -> None:
    daemon.connections = [[{"close": 4400}]]
    async with client.connect([daemon.folder]) as connected:
        with pytest.raises(errors.InvalidError, match="subscription"):
            await anext(connected.events(since="nonsense"))


async def test_events_do_not_go_on_with_a_stranger(daemon: PlayedDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.limits.client_reconnect_seconds_min", 0.0)
    daemon.connections = [[{"type": "subscribed", "cursor": "a"}]]
    async with client.connect([daemon.folder]) as connected:
        messages = connected.events()
        await anext(messages)
        daemon.hello = lambda _: {"port_proof": "", "instance": EPOCH}
        with pytest.raises(errors.ForbiddenError, match="could not prove"):
            await anext(messages)
    assert len(daemon.subscriptions) == 1


class KeptTokens:
    """A kept login in memory."""

    def __init__(self) -> None:
        self.tokens: client.UserTokens | None = client.UserTokens("ada@example.com", "access-0", "refresh-0")

    def load(self) -> client.UserTokens | None:
        return self.tokens

    def save(self, tokens: client.UserTokens) -> None:
        self.tokens = tokens


def serve_refresh(daemon: PlayedDaemon) -> None:
    """Let the daemon exchange ``refresh-N`` for the next pair, each once."""

    async def refresh(request: web.Request) -> web.Response:
        number = daemon.tokens
        if (await request.json())["refresh_token"] != f"refresh-{number}":
            return web.json_response({"code": "login_ended", "detail": "It has ended."}, status=401)
        daemon.tokens += 1
        daemon.valid_token = f"access-{number + 1}"
        return web.json_response({"access_token": daemon.valid_token, "refresh_token": f"refresh-{number + 1}"})

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"token": daemon.valid_token})

    daemon.routes |= {"/api/v5/auth/refresh": refresh, "/api/v5/x": answer}


async def test_a_kept_login_is_used_as_it_is_and_not_ended(daemon: PlayedDaemon) -> None:
    serve_refresh(daemon)
    daemon.valid_token = "access-0"  # noqa: S105 - a played one
    async with client.connect([daemon.folder], KeptTokens()) as connected:
        assert await connected.request("GET", "/api/v5/x") == {"token": "access-0"}
    assert daemon.seen == [("/api/v5/hello", None), ("/api/v5/x", "Bearer access-0")]


async def test_a_kept_login_is_renewed_when_its_access_token_has_ended(daemon: PlayedDaemon) -> None:
    serve_refresh(daemon)
    kept = KeptTokens()
    async with client.connect([daemon.folder], kept) as connected:
        assert await connected.request("GET", "/api/v5/x") == {"token": "access-1"}
        daemon.valid_token = "revoked"  # noqa: S105 - a played one
        assert await connected.request("GET", "/api/v5/x") == {"token": "access-2"}
    assert kept.tokens == client.UserTokens("ada@example.com", "access-2", "refresh-2")


async def test_a_login_that_another_client_has_renewed_is_taken_from_there(daemon: PlayedDaemon) -> None:
    serve_refresh(daemon)
    kept = KeptTokens()
    daemon.valid_token = "access-0"  # noqa: S105 - a played one
    async with client.connect([daemon.folder], kept) as connected:
        await connected.request("GET", "/api/v5/x")
        kept.save(client.UserTokens("ada@example.com", "access-7", "refresh-7"))
        daemon.valid_token = "access-7"  # noqa: S105 - a played one
        assert await connected.request("GET", "/api/v5/x") == {"token": "access-7"}
    assert daemon.tokens == 0, "nothing was exchanged"


async def test_a_kept_login_that_has_ended_is_told_and_not_replaced_by_pairing(
    daemon: PlayedDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.client_reconnect_seconds_min", 0.0)
    serve_refresh(daemon)
    kept = KeptTokens()
    kept.save(client.UserTokens("ada@example.com", "old", "old"))
    async with client.connect([daemon.folder], kept) as connected:
        with pytest.raises(errors.UnauthenticatedError, match=r"ada@example\.com has ended") as caught:
            await connected.request("GET", "/api/v5/x")
        assert caught.value.code == "login_ended"
        with pytest.raises(errors.UnauthenticatedError, match=r"ada@example\.com has ended"):
            await anext(connected.events())
    assert "/api/v5/auth/pair" not in {path for path, _ in daemon.seen}


async def test_events_of_a_kept_login_go_on_with_the_renewed_one(
    daemon: PlayedDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.client_reconnect_seconds_min", 0.0)
    serve_refresh(daemon)
    daemon.connections = [[{"type": "subscribed", "cursor": "a"}]]
    async with client.connect([daemon.folder], KeptTokens()) as connected, aclosing(connected.events()) as messages:
        assert (await anext(messages))["type"] == "subscribed"
    assert daemon.valid_token == "access-1"  # noqa: S105 - a played one


async def test_what_is_streamed_comes_and_goes_piece_by_piece(daemon: PlayedDaemon) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.Response(body=b"line\n" * 1_000)
        assert request.content_type == "application/x-ndjson"
        return web.json_response({"bytes": len(await request.read())})

    async def me(_: web.Request) -> web.Response:
        return web.json_response({})

    async def lines() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"line\n"

    daemon.routes |= {"/api/v5/x": echo, "/api/v5/users/me": me}
    async with client.connect([daemon.folder]) as connected:
        assert b"".join([chunk async for chunk in connected.download("/api/v5/x")]) == b"line\n" * 1_000
        assert await connected.upload("/api/v5/x", lines()) == {"bytes": 15}


async def test_a_problem_instead_of_a_stream_is_the_error_it_stands_for(daemon: PlayedDaemon) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"code": "role", "detail": "You may not."}, status=403)

    async def me(_: web.Request) -> web.Response:
        return web.json_response({})

    daemon.routes |= {"/api/v5/x": refuse, "/api/v5/users/me": me}
    async with client.connect([daemon.folder]) as connected:
        with pytest.raises(errors.ForbiddenError, match="You may not"):
            await anext(connected.download("/api/v5/x"))
