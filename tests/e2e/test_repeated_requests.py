"""A request whose answer was lost is sent again with its Idempotency-Key, and is done once, also across kill -9."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.e2e.callers import Caller
from tests.e2e.daemons import DaemonProcess, eventually

ROUNDS = 8
WITHIN_SECONDS = 0.03  # a POST takes some milliseconds
SEED = 5


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(caller: Caller, name: str) -> aiohttp.ClientResponse:
    """Ask for a session of that name, under that key."""
    url, headers = await caller.paired()
    sent = {"name": name, "workspace_path": "/w"}
    return await caller.http.post(f"{url}/api/v5/sessions", json=sent, headers=headers | {"Idempotency-Key": name})


async def names(caller: Caller) -> list[str]:
    url, headers = await caller.paired()
    async with caller.http.get(f"{url}/api/v5/sessions?limit=1000", headers=headers) as answer:
        return [session["name"] for session in (await answer.json())["items"]]


async def test_an_answer_that_was_never_read_is_given_again_after_a_kill(
    daemon: DaemonProcess, http: aiohttp.ClientSession
) -> None:
    await daemon.serve()
    caller = Caller(daemon, http)
    url, headers = await caller.paired()
    lost = asyncio.ensure_future(post(caller, "lost"))

    async def is_stored() -> bool:
        async with http.get(f"{url}/api/v5/sessions", headers=headers) as answer:
            return len((await answer.json())["items"]) == 1

    await eventually(is_stored, "the session is committed")
    await daemon.kill()
    lost.cancel()
    await daemon.serve()
    async with await post(caller, "lost") as again:
        assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
        assert again.headers["Location"].endswith((await again.json())["id"])
    assert await names(caller) == ["lost"]


async def test_a_login_that_was_never_read_is_given_again_after_a_kill(
    daemon: DaemonProcess, http: aiohttp.ClientSession
) -> None:
    await daemon.serve()
    caller = Caller(daemon, http)
    url, owner = await caller.paired()
    old = {"Authorization": owner["Authorization"], "Idempotency-Key": "lost"}

    async def change(url: str) -> aiohttp.ClientResponse:
        sent = {"new_password": "correct horse battery"}
        return await http.put(f"{url}/api/v5/users/me/password", json=sent, headers=old)

    async def me(url: str, token: str) -> int:
        async with http.get(f"{url}/api/v5/users/me", headers={"Authorization": token}) as answer:
            return answer.status

    async def is_changed() -> bool:
        return await me(url, old["Authorization"]) == 401

    lost = asyncio.ensure_future(change(url))
    await eventually(is_changed, "the login that it was asked with has ended")
    await daemon.kill()
    lost.cancel()
    await daemon.serve()
    url, _ = await caller.paired()
    async with await change(url) as again:
        assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
        login = await again.json()
    assert await me(url, f"Bearer {login['access_token']}") == 200
    assert await me(url, old["Authorization"]) == 401


async def test_a_deletion_whose_answer_was_never_read_takes_nothing_that_was_stored_after_a_kill(
    daemon: DaemonProcess, http: aiohttp.ClientSession
) -> None:
    await daemon.serve()
    caller = Caller(daemon, http)

    async def call(method: str, **more: Any) -> tuple[int, Any]:
        url, headers = await caller.paired()
        sent = headers | ({"Idempotency-Key": "lost"} if method == "DELETE" else {})
        async with http.request(method, f"{url}/api/v5/settings/editor/tabs", headers=sent, **more) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def is_gone() -> bool:
        return (await call("GET"))[0] == 404

    await call("PUT", json={"value": 1})
    lost = asyncio.ensure_future(call("DELETE"))
    await eventually(is_gone, "the deletion is committed")
    await daemon.kill()
    await asyncio.gather(lost, return_exceptions=True)
    await daemon.serve()
    await call("PUT", json={"value": 2})
    assert (await call("DELETE"))[0] == 204
    assert (await call("GET"))[1]["value"] == 2


async def test_whenever_it_is_killed_a_request_that_is_repeated_is_done_once(
    daemon: DaemonProcess, http: aiohttp.ClientSession
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    await daemon.serve()
    caller = Caller(daemon, http)
    for number in range(ROUNDS):
        first = asyncio.ensure_future(post(caller, f"session {number}"))
        await asyncio.sleep(chance.random() * WITHIN_SECONDS)
        await daemon.kill()
        await asyncio.gather(first, return_exceptions=True)
        await daemon.serve()
        async with await post(caller, f"session {number}") as again:
            assert again.status == 201
    assert sorted(await names(caller)) == [f"session {number}" for number in range(ROUNDS)]
