"""A request that is sent again under its Idempotency-Key gets the answer that it had, and changes nothing again."""

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sidecar import limits
from sidecar.api.examples import AGENT, BODIES
from sidecar.api.routes import ROUTES, V5
from sidecar.api.shapes import Route
from tests.integration.house import PASSWORD, Answer, House, running_house

KEYED = [route for route in ROUTES if route.is_keyed]
KEY = {"Idempotency-Key": "one"}
NEW_PASSWORD = "another long password"  # noqa: S105 - of accounts that live for one test
CHANGE = f"{V5}/users/me/password"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def asked(house: House, route: Route, tenant: str) -> tuple[str, str, dict[str, Any]]:
    """Return the token, the path and the body of a request that succeeds, of somebody in a tenant of their own."""
    own = await house.tenant(tenant)
    login, other = await house.person(own, "admin", "somebody"), await house.person(own, "developer")
    ids = await house.belongings(login) | {"users": other.user.id, "category": "theme", "key": "secret-key"}
    noun = route.path.removeprefix(f"{V5}/").partition("/")[0]
    path = route.path.replace("{id}", ids.get(noun, "")).format(**ids)
    text = json.dumps(BODIES.get((route.method, route.path.removeprefix(V5)), {}))
    named = text.replace("$SNAPSHOT", ids["snapshots"]).replace("$SESSION", ids["sessions"])
    return login.access_token, path, json.loads(named)


def form(answer: Answer) -> tuple[int, set[str], set[str]]:
    """Return what two answers to the same request share although they are of different people."""
    return answer.status, set(answer.content or ()), {"ETag", "Location", "Preference-Applied"} & answer.headers.keys()


@pytest.mark.parametrize("route", KEYED, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_that_takes_a_key_answers_as_without_and_then_once_for_all(
    house: House, route: Route
) -> None:
    token, path, sent = await asked(house, route, "without")
    plain = await house.call(route.method, path, token, json=sent)
    token, path, sent = await asked(house, route, "acme")
    first = await house.call(route.method, path, token, KEY, json=sent)
    assert form(first) == form(plain)
    assert first.status in route.shape.statuses
    assert "Idempotency-Replayed" not in first.headers
    before = await house.dump(without=())
    again = await house.call(route.method, path, token, KEY, json=sent)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert form(again) == form(first)
    for name in ("ETag", "Location"):
        assert again.headers.get(name) == first.headers.get(name)
    assert {**(again.content or {}), "access_token": ""} == {**(first.content or {}), "access_token": ""}
    assert await house.dump(without=()) == before
    other = await house.call(route.method, path, token, KEY, json={**sent, "x": 1})
    assert (other.status, other.code) in {(422, "idempotency_key_reused"), (401, "token_revoked")}


async def test_a_change_of_the_password_whose_answer_was_lost_is_answered_again_to_nobody_else(house: House) -> None:
    login = await house.register("dev@example.org")
    stranger = (await house.register("else@example.org"))["access_token"]
    assert (await house.call("POST", f"{V5}/auth/logout", stranger)).status == 204
    token, sent = login["access_token"], {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    lost = await house.call("PUT", CHANGE, token, KEY, json=sent)
    again = await house.call("PUT", CHANGE, token, KEY, json=sent)
    assert (lost.status, again.status, again.headers["Idempotency-Replayed"]) == (200, 200, "true")
    assert again.content["refresh_token"] == lost.content["refresh_token"]
    assert (await house.call("GET", f"{V5}/users/me", again.content["access_token"])).status == 200
    for name, (bearer, key, body) in {
        "another key": (token, {"Idempotency-Key": "two"}, sent),
        "no key": (token, {}, sent),
        "another password": (token, KEY, {**sent, "new_password": "yet another password"}),
        "somebody else, whose login has ended too": (stranger, KEY, sent),
    }.items():
        refused = await house.call("PUT", CHANGE, bearer, key, json=body)
        assert refused.status == 401, name
    for route in ("GET", f"{V5}/users/me"), ("POST", f"{V5}/sessions"):
        assert (await house.call(*route, token, KEY)).code == "token_revoked", "the old token is good for nothing else"
    rows = b"".join((await house.dump(without=())).values())
    for secret in (lost.content["refresh_token"], lost.content["access_token"], again.content["access_token"]):
        assert secret.encode() not in rows
    used = await house.call("POST", f"{V5}/auth/refresh", json={"refresh_token": lost.content["refresh_token"]})
    assert used.status == 200
    late = await house.call("PUT", CHANGE, token, KEY, json=sent)
    assert (late.status, late.code) == (401, "login_ended"), "who has the answer does not ask for it again"


async def test_twins_of_a_change_of_the_password_that_race_all_get_the_one_login(house: House) -> None:
    token = (await house.register("dev@example.org"))["access_token"]
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    async with asyncio.TaskGroup() as tasks:
        twins = [tasks.create_task(house.call("PUT", CHANGE, token, KEY, json=sent)) for _ in range(4)]
    answers = [twin.result() for twin in twins]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content["refresh_token"] for answer in answers}) == 1


async def test_a_twin_that_finds_the_name_taken_by_the_other_gets_its_answer(house: House) -> None:
    token = (await house.pair())["access_token"]
    sent = {"email": "grace@example.com", "password": PASSWORD}  # hashing it lets the twins overlap
    async with asyncio.TaskGroup() as tasks:
        twins = [tasks.create_task(house.call("POST", f"{V5}/users", token, KEY, json=sent)) for _ in range(4)]
    answers = [twin.result() for twin in twins]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.content["id"] for answer in answers}) == 1


async def test_a_request_that_failed_may_be_sent_again_under_its_key(house: House) -> None:
    token, path = (await house.pair())["access_token"], f"{V5}/sessions/resume"
    assert (await house.call("POST", path, token, KEY, json={"workspace_path": ""})).status == 400
    made = await house.call("POST", path, token, KEY, json={"workspace_path": "/x"})
    assert (made.status, made.headers["ETag"]) == (201, '"1"')


async def test_an_answer_outlives_the_pairing_key_that_a_restart_of_the_machine_has_taken_away(tmp_path: Path) -> None:
    sent = {"name": "x", "workspace_path": "/x"}
    async with running_house(tmp_path) as house:
        first = await house.call("POST", f"{V5}/sessions", (await house.pair())["access_token"], KEY, json=sent)
    (tmp_path / "home" / "run" / "pairing.key").unlink()
    async with running_house(tmp_path) as house:
        again = await house.call("POST", f"{V5}/sessions", (await house.pair())["access_token"], KEY, json=sent)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content


async def test_a_repeated_post_is_answered_once_also_when_its_twins_race(house: House) -> None:
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": "/x", "editor_state": {"ours": "y" * 200_000}}
    key = {"Idempotency-Key": "one"}
    async with asyncio.TaskGroup() as tasks:
        twins = [tasks.create_task(house.call("POST", "/api/v5/sessions", token, key, json=sent)) for _ in range(8)]
    answers = [twin.result() for twin in twins]
    assert {answer.status for answer in answers} == {201}
    assert len({str(answer.content) for answer in answers}) == 1
    assert len((await house.call("GET", "/api/v5/sessions", token)).content["items"]) == 1
    other = await house.call("POST", "/api/v5/sessions", token, key, json=sent | {"name": "y"})
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    house.clock.move(limits.idempotency_seconds + 1)
    token = (await house.pair())["access_token"]
    again = await house.call("POST", "/api/v5/sessions", token, key, json=sent)
    assert again.status == 201
    assert "Idempotency-Replayed" not in again.headers
    assert len((await house.call("GET", "/api/v5/sessions", token)).content["items"]) == 2


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "return=minimal"}])
@pytest.mark.parametrize("tag", [{}, {"If-Match": '"1"'}])
async def test_a_repeated_put_or_patch_is_done_once_also_when_its_twins_race(
    house: House, prefer: dict[str, str], tag: dict[str, str]
) -> None:
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": "/x"}
    path = "/api/v5/sessions/" + (await house.call("POST", "/api/v5/sessions", token, json=sent)).content["id"]
    headers = {"Idempotency-Key": "one", **prefer, **tag}
    async with asyncio.TaskGroup() as tasks:
        twins = [
            tasks.create_task(house.call("PATCH", path, token, headers, json={"git_branch": "b"})) for _ in range(8)
        ]
    answers = [twin.result() for twin in twins]
    assert {(answer.status, answer.headers["ETag"]) for answer in answers} == {(204 if prefer else 200, '"2"')}
    assert (await house.call("GET", path, token)).content["version"] == 2
    headers = {"Idempotency-Key": "two", **prefer, **({"If-Match": '"2"'} if tag else {})}
    for _ in range(2):
        put = await house.call("PUT", path, token, headers, json=sent)
        assert (put.status, put.headers["ETag"]) == (204 if prefer else 200, '"3"')
    for _ in range(2):
        key = {"Idempotency-Key": "three", **prefer}
        put = await house.call("PUT", "/api/v5/settings/editor/tabs", token, key, json={"value": 4})
        assert (put.status, put.headers["ETag"]) == (201, '"1"')
        assert (put.content is None) == bool(prefer)


async def test_a_deletion_that_is_sent_again_takes_nothing_that_was_stored_meanwhile(house: House) -> None:
    token, path = (await house.pair())["access_token"], f"{V5}/settings/editor/tabs"
    absent = await house.call("DELETE", path, token, KEY)
    assert absent.status == 404
    await house.call("PUT", path, token, json={"value": 1})
    async with asyncio.TaskGroup() as tasks:
        twins = [tasks.create_task(house.call("DELETE", path, token, KEY)) for _ in range(4)]
    assert {twin.result().status for twin in twins} == {204}
    await house.call("PUT", path, token, json={"value": 2})
    again = await house.call("DELETE", path, token, KEY)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (204, "true")
    assert (await house.call("GET", path, token)).content["value"] == 2
    other = await house.call("DELETE", f"{V5}/settings/editor/font", token, KEY)
    assert (other.status, other.code) == (422, "idempotency_key_reused")


LARGE = "x" * 8_000_000
TABS = [{"path": str(number), "content": str(number) * 999_000} for number in range(8)]
WHOLE = {  # the largest records of each kind that may have megabytes: how they are stored, how they are changed
    "message": ("POST", "conversations/{conversations}/messages", {"role": "user", "content": LARGE}, None),
    "setting": ("PUT", "settings/theme/secret-key", {"value": LARGE}, {"value": 1}),
    "agent": ("PUT", "agents/{agents}", AGENT | {"memory": {"m": LARGE}}, AGENT),
    "session": (
        "PUT",
        "sessions/{sessions}",
        {"name": "s", "workspace_path": "/w", "editor_state": {"groups": [{"tabs": TABS}]}},
        {"name": "t", "workspace_path": "/w"},
    ),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_what_may_be_stored_without_a_key_may_be_with_one_and_is_answered_as_it_was(
    house: House, name: str
) -> None:
    login = await house.person(await house.tenant("acme"), "admin")
    method, pattern, sent, after = WHOLE[name]
    token, path = login.access_token, f"{V5}/{pattern.format(**await house.belongings(login))}"
    head, body = KEY | {"Content-Type": "application/json"}, json.dumps(sent).encode()
    first = await house.call(method, path, token, head, data=BytesIO(body))
    assert first.status in (200, 201), first.content
    if after is None:
        assert (await house.call("DELETE", path.removesuffix("/messages"), token)).status == 204
    else:
        changed = await house.call("PUT", path, token, json=after)
        assert changed.status == 200
    again = await house.call(method, path, token, head, data=BytesIO(body))
    assert (again.status, again.headers["Idempotency-Replayed"]) == (first.status, "true")
    assert again.content == first.content
