"""Logins that end while their request is under way: what has not been written or sent by then is not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sidecar import limits
from sidecar.models.tenants import Tenant
from sidecar.repositories.transactions import Reading
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.cascades import Cascades
from sidecar.services.logins import Login
from tests.integration.house import PASSWORD, Answer, House, running_house

JSON, LINES = {"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}
HEADING = b'{"sidecar_export":1}\n'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def answer_overtaken(
    house: House, login: Login, path: str, headers: dict[str, str], pieces: list[bytes], then: Callable[[], Any]
) -> Answer:
    """Send a body in pieces, let something happen before the last one, and return the answer."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces[:-1]:
            yield piece
        await asyncio.sleep(0.05)  # the head is there by then; where it is not, the gate refuses it, as it should
        await then()
        yield pieces[-1]

    return await house.call("POST", path, login.access_token, headers, data=body())


def ways(house: House, admin: Login, user: Login) -> list[Callable[[], Awaitable[Answer]]]:
    """Return how an admin ends a user's logins, the last one for good."""
    path, token = f"/api/v5/users/{user.user.id}", admin.access_token
    changes: list[dict[str, Any]] = [{"role": "viewer"}, {"is_active": False}, {"password": PASSWORD}]
    return [
        *(lambda sent=sent: house.call("PATCH", path, token, json=sent) for sent in changes),
        lambda: house.call("DELETE", path, token),
    ]


async def sessions_of(house: House, tenant: Tenant) -> list[str]:
    sessions = WorkspaceSessions(house.context.database.keyspace.tenant(tenant.id))

    def body(tr: Reading) -> list[str]:
        return [each.user_id for each in sessions.list_all(tr).items]

    return await house.context.database.read(body)


@pytest.mark.parametrize("way", range(4), ids=["demoted", "shut out", "another password", "removed"])
async def test_who_was_shut_out_while_their_body_came_writes_nothing(house: House, way: int) -> None:
    tenant = await house.tenant("acme")
    admin, user = await house.person(tenant, "admin"), await house.person(tenant, "developer")
    pieces = [b'{"name": "late", ', b'"workspace_path": "/x"}']
    end = ways(house, admin, user)[way]
    answer = await answer_overtaken(house, user, "/api/v5/sessions", JSON, pieces, end)
    assert (answer.status, answer.code) == (401, "token_revoked")
    assert await sessions_of(house, tenant) == []


async def test_an_import_ends_where_its_user_was_removed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "transfer_page_rows_max", 1)
    tenant = await house.tenant("acme")
    admin, user = await house.person(tenant, "admin"), await house.person(tenant, "developer")
    made = await house.call("POST", "/api/v5/sessions", user.access_token, json={"name": "s", "workspace_path": "/x"})
    line = json.dumps({"kind": "sessions", "record": made.content}).encode() + b"\n"
    more = line.replace(made.content["id"][-1].encode() + b'"', b'f"', 1)
    remove = ways(house, admin, user)[-1]
    answer = await answer_overtaken(house, user, "/api/v5/import", LINES, [HEADING + line, more], remove)
    assert (answer.status, answer.code) == (401, "token_revoked")
    assert await sessions_of(house, tenant) == []


async def test_an_admin_who_removes_or_demotes_themselves_is_obeyed_to_the_end(house: House) -> None:
    tenant = await house.tenant("acme")
    leaving, demoted = await house.person(tenant, "admin", "leaving"), await house.person(tenant, "admin", "demoted")
    for number in range(3):
        sent = {"name": f"s{number}", "workspace_path": "/x"}
        assert (await house.call("POST", "/api/v5/sessions", leaving.access_token, json=sent)).status == 201
    gone = await house.call("DELETE", f"/api/v5/users/{leaving.user.id}", leaving.access_token)
    assert gone.status == 204
    assert await sessions_of(house, tenant) == []
    assert await Cascades(house.context.database).finish_all() == 0, "nothing is left for later"
    path = f"/api/v5/users/{demoted.user.id}"
    less = await house.call("PATCH", path, demoted.access_token, json={"role": "viewer"})
    assert (less.status, less.content["role"]) == (200, "viewer")


async def test_a_demoted_admin_does_not_raise_themselves_by_a_request_that_was_under_way(house: House) -> None:
    tenant = await house.tenant("acme")
    admin, user = await house.person(tenant, "admin", "boss"), await house.person(tenant, "admin", "other")
    demote, keys = ways(house, admin, user)[0], house.context.database.keyspace.tenant(tenant.id)

    async def body() -> AsyncIterator[bytes]:
        yield b'{"role":'
        await asyncio.sleep(0.05)
        assert (await demote()).status == 200
        yield b' "admin"}'

    path = f"/api/v5/users/{user.user.id}"
    answer = await house.call("PATCH", path, user.access_token, JSON, data=body())
    assert (answer.status, answer.code) == (401, "token_revoked")
    kept = await house.context.database.read(lambda tr: Users(keys).get(tr, user.user.id))
    assert kept.role == "viewer"


async def test_an_export_ends_with_the_login_that_asked_for_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "transfer_batch_bytes_max", 500_000)
    token = (await house.pair())["access_token"]
    for number in range(20):
        sent = {"name": f"s{number}", "workspace_path": "/x", "editor_state": {"note": "x" * 1_000_000}}
        assert (await house.call("POST", "/api/v5/sessions", token, json=sent)).status == 201
    leaving = (await house.pair())["access_token"]
    async with house.http.get(
        house.daemon.url + "/api/v5/export", headers={"Authorization": f"Bearer {leaving}"}
    ) as answer:
        assert await answer.content.readline()
        assert (await house.call("POST", "/api/v5/auth/logout", leaving)).status == 204
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
