"""The push channel under load: many subscribers, one that never reads, topics, filters, the end of a token."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sidecar import limits
from sidecar.api.events import _Listener
from sidecar.errors import UnavailableError
from sidecar.feed.log import TOPICS, ChangeLog
from sidecar.ids import new_id
from sidecar.models.settings import Setting
from sidecar.models.workspaces import Workspace
from sidecar.repositories.changes import STAMP_FIRST, Changes
from sidecar.repositories.settings import Settings
from sidecar.repositories.transactions import Writing
from sidecar.repositories.workspaces import Workspaces
from tests.e2e.daemons import eventually
from tests.integration.house import House, running_house

SUBSCRIBERS = 100
CHANGES = 10_000
A_TRANSACTION = 50


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def write(house: House, login: dict[str, object], count: int, *, pad: str = "") -> list[str]:
    """Make so many settings, some in each transaction; return their ids in the order of the changes."""
    tenant_id, user_id = str(login["tenant"]["id"]), str(login["user"]["id"])  # type: ignore[index] # JSON
    keys = house.context.database.keyspace.tenant(tenant_id)
    made: list[str] = []
    for first in range(0, count, A_TRANSACTION):

        def body(tr: Writing, first: int = first) -> list[str]:
            names = [f"{pad}{new_id(tr.now_ms)}" for _ in range(first, min(first + A_TRANSACTION, count))]
            own: dict[str, Any] = {"tenant_id": tenant_id, "user_id": user_id, "category": "bench", "value": 1}
            return [Settings(keys).create(tr, Setting.new(key=name, now_ms=tr.now_ms, **own)).id for name in names]

        made += await house.context.database.transact(body)
        await asyncio.sleep(0)
    return made


async def subscribe(house: House, token: str, **asked: object) -> aiohttp.ClientWebSocketResponse:
    listener = await house.http.ws_connect(
        house.daemon.url + "/api/v5/events", headers={"Authorization": f"Bearer {token}"}, max_msg_size=0
    )
    await listener.send_json({"op": "subscribe", **asked})
    assert (await listener.receive_json())["type"] == "subscribed"
    return listener


async def hear(listener: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    heard: list[str] = []
    while len(heard) < count:
        message = await listener.receive_json(timeout=60)
        heard += [change["id"] for change in message["changes"]]
    return heard


async def deaf(house: House, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Subscribe over a bare connection, and read nothing from then on."""
    host, port = house.host.split(":")
    link = socket.create_connection((host, int(port)))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    reader, writer = await asyncio.open_connection(sock=link, limit=1_024)
    writer.write(
        f"GET /api/v5/events HTTP/1.1\r\nHost: {house.host}\r\nAuthorization: Bearer {token}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: c2lkZWNhci1pcy1oZXJlIQ==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    text = json.dumps({"op": "subscribe", "topics": ["settings"], "since": "beginning"}).encode()
    writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # masked with zeros
    writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's transport is a read transport
    return reader, writer


def listeners() -> int:
    """Return how many sockets the daemon still works for."""
    found = [each for each in gc.get_objects() if isinstance(each, _Listener)]
    return sum(not each._socket.closed for each in found)  # noqa: SLF001 - the daemon's end of it


async def test_all_subscribers_hear_everything_in_order_and_one_that_never_reads_is_closed_and_delays_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.subscriber_send_seconds_max", 1.0)
    login = await house.pair()
    token = str(login["access_token"])
    sockets = [await subscribe(house, token, topics=["settings"], since="now") for _ in range(SUBSCRIBERS)]
    _, never = await deaf(house, token)
    async with asyncio.TaskGroup() as tasks:
        listening = [tasks.create_task(hear(each, CHANGES)) for each in sockets]
        made = await write(house, login, CHANGES, pad="x" * 60)
    assert all(task.result() == made for task in listening)
    for each in sockets:
        await each.close()
    await write(house, login, CHANGES, pad="y" * 60)  # with those before more than the buffers of a connection hold
    await eventually(lambda: listeners() == 0, "the one that never reads is closed")
    never.transport.abort()
    _, hub = house.context.feed(str(login["tenant"]["id"]))
    assert sum(len(each.events) for each in hub._ring) <= limits.feed_ring_changes_max  # noqa: SLF001 - what memory it takes


async def test_topics_and_folders_choose_what_is_heard(house: House) -> None:
    login = await house.pair()
    token, tenant_id = str(login["access_token"]), str(login["tenant"]["id"])
    keys = house.context.database.keyspace.tenant(tenant_id)
    settings = await subscribe(house, token, topics=["settings"])
    here = await subscribe(house, token, topics=["workspaces"], workspace_path="/here")
    await write(house, login, 1)

    def body(tr: Writing) -> list[str]:
        new = [Workspace.new(tenant_id=tenant_id, path=path, now_ms=tr.now_ms) for path in ("/there", "/here")]
        return [Workspaces(keys).create(tr, each).id for each in new]

    _, own = await house.context.database.transact(body)
    assert await hear(here, 1) == [own]
    assert len(await hear(settings, 1)) == 1
    await here.send_json({"op": "subscribe", "topics": ["settings"], "since": "beginning"})  # in place of the first
    assert (await here.receive_json())["type"] == "subscribed"
    assert len(await hear(here, 1)) == 1


async def test_who_wants_nothing_of_what_changes_gets_newer_cursors_and_is_not_reset_after_a_trim(house: House) -> None:
    login = await house.pair()
    token, tenant_id = str(login["access_token"]), str(login["tenant"]["id"])
    listener = await subscribe(house, token, topics=["agents"])
    await write(house, login, limits.feed_passed_over_max)
    message = await listener.receive_json(timeout=20)
    assert (message["type"], message["changes"]) == ("changes", [])
    changes = Changes(house.context.database.keyspace.tenant(tenant_id))
    while await house.context.database.transact(lambda tr: changes.trim(tr, before_ms=0, changes_max=100)):
        pass
    await subscribe(house, token, topics=["agents"], since=message["cursor"])
    polled = await house.call("GET", "/api/v5/changes", token)
    assert len(polled.content["changes"]) == 100


async def test_a_topic_that_there_is_not_is_refused_and_those_that_there_are_are_named(house: House) -> None:
    token = str((await house.pair())["access_token"])
    await subscribe(house, token, topics=sorted(TOPICS))
    listener = await house.http.ws_connect(
        house.daemon.url + "/api/v5/events", headers={"Authorization": f"Bearer {token}"}
    )
    await listener.send_json({"op": "subscribe", "topics": ["settings", "weather"]})
    closing = await listener.receive(timeout=20)
    assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 4400)
    answer = await house.call("GET", "/api/v5/changes?since=now&topics=settings,weather", token)
    assert (answer.status, answer.code) == (400, "invalid")
    assert "'weather'" in answer.content["detail"]
    for each in TOPICS:
        assert each in str(closing.extra)
        assert each in answer.content["detail"]


async def test_the_end_of_a_token_or_of_a_login_ends_the_socket_and_a_renewal_keeps_it(house: House) -> None:
    tenant = await house.tenant("acme")
    first = await house.person(tenant, "admin", "first")
    ended = await subscribe(house, first.access_token)
    assert (await house.call("POST", "/api/v5/auth/logout", first.access_token, json={})).status == 204
    message = await ended.receive(timeout=20)
    while message.type is aiohttp.WSMsgType.TEXT:
        message = await ended.receive(timeout=20)
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4401)
    house.clock.move(-limits.access_token_seconds + 1)  # so that a token made now ends in a second
    short = await house.person(tenant, "admin", "short")
    house.clock.move(limits.access_token_seconds - 1)
    renewed = await subscribe(house, short.access_token, topics=["progress"])
    closing = await renewed.receive(timeout=20)
    assert (closing.data, closing.extra) == (4401, "token_expired")


async def test_a_long_poll_answers_with_the_change_and_with_nothing_when_its_time_is_over(house: House) -> None:
    login = await house.pair()
    token = str(login["access_token"])
    now = (await house.call("GET", "/api/v5/changes?since=now", token)).content["cursor"]
    path = f"/api/v5/changes?since={now}&topics=settings&wait="
    empty = await house.call("GET", path + "0.2", token)
    assert (empty.status, empty.content["changes"]) == (200, [])
    async with asyncio.TaskGroup() as tasks:
        polling = tasks.create_task(house.call("GET", path + "50", token))
        await asyncio.sleep(0.1)
        (made,) = await write(house, login, 1)
    assert [change["id"] for change in polling.result().content["changes"]] == [made]
    assert (await house.call("GET", path + "56", token)).status == 400


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [(UnavailableError("Away."), 1013, "resume from the last cursor"), (OSError("secret"), 1011, "its log tells more")],
)
async def test_a_store_that_fails_closes_the_socket_with_a_reason(
    house: House, error: Exception, code: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await house.pair()
    await write(house, login, limits.feed_ring_changes_max + A_TRANSACTION)  # so that the first are read from the store

    after = ChangeLog.after

    async def failing(log: ChangeLog, stamp: bytes, **more: Any) -> Any:
        if stamp == STAMP_FIRST:
            raise error
        return await after(log, stamp, **more)

    monkeypatch.setattr(ChangeLog, "after", failing)
    listener = await subscribe(house, str(login["access_token"]), topics=["settings"], since="beginning")
    closing = await listener.receive(timeout=20)
    assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, code)
    assert reason in str(closing.extra)
    assert "secret" not in str(closing.extra)


async def test_a_long_poll_ends_with_its_token(house: House) -> None:
    house.clock.move(-limits.access_token_seconds + 1)  # so that a token made now ends in a second
    short = await house.person(await house.tenant("acme"), "admin")
    house.clock.move(limits.access_token_seconds - 1)
    async with asyncio.timeout(20):
        answer = await house.call("GET", "/api/v5/changes?since=now&topics=agents&wait=50", short.access_token)
    assert (answer.status, answer.content["changes"]) == (200, [])
    assert (await house.call("GET", "/api/v5/changes", short.access_token)).code == "token_expired"


async def test_long_polls_are_bounded_and_one_whose_client_has_left_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sidecar.limits.long_polls_max", 2)
    token = str((await house.pair())["access_token"])
    path = "/api/v5/changes?since=now&wait="

    async def wait() -> None:
        while (await house.call("GET", path + "50", token)).status == 503:
            pass  # one of the short polls below was there

    waiting = [asyncio.ensure_future(wait()) for _ in range(2)]

    async def status() -> int:
        return (await house.call("GET", path + "0.01", token)).status

    async def is_refused() -> bool:
        return await status() == 503

    await eventually(is_refused, "both wait")
    answer = await house.call("GET", path + "50", token)
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "too_many_polls", "1")
    assert (await house.call("GET", "/api/v5/changes?since=now", token)).status == 200
    waiting[0].cancel()

    async def is_taken() -> bool:
        return await status() == 200

    async with asyncio.timeout(30):  # its 50 s would be over, too
        await eventually(is_taken, "the place of the one that has left is free")
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []
