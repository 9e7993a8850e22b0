"""Logins over HTTP: passwords, refresh and its thieves, devices, sockets, keys, brute force."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from argon2.profiles import CHEAPEST
from hypothesis import given
from hypothesis import strategies as st

from sidecar import limits
from sidecar.auth import argon2id
from sidecar.auth.attempts import Peer
from sidecar.auth.passwords import Match, Passwords
from sidecar.ids import new_id
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.users import User
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.transactions import Writing
from sidecar.repositories.users import Users
from sidecar.services.accounts import owner_email
from tests.integration.house import PASSWORD, Answer, House, running_house

EMAIL = "dev@example.org"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def refresh(house: House, token: str) -> Answer:
    return await house.call("POST", "/api/v5/auth/refresh", json={"refresh_token": token})


async def works(house: House, login: dict[str, Any]) -> bool:
    return (await house.call("GET", "/api/v5/users/me", login["access_token"])).status == 200


async def test_a_registered_user_logs_in_in_whatever_case_and_has_a_tenant_of_their_own(house: House) -> None:
    registered = await house.register("Dev@Example.ORG")
    assert registered["user"]["email"] == EMAIL
    assert registered["tenant"]["type"] == "self"
    assert registered["tenant"]["owner_user_id"] == registered["user"]["id"]
    logged_in = (await house.login("DEV@example.org")).content
    assert logged_in["user"]["id"] == registered["user"]["id"]
    assert logged_in["user"]["last_login_at"]
    assert logged_in["tenant"]["id"] != (await house.pair())["tenant"]["id"]


async def test_a_wrong_password_an_unknown_address_and_an_inactive_account_get_the_same_answer(house: House) -> None:
    registered = await house.register(EMAIL)
    answers = [await house.login(EMAIL, "wrong"), await house.login("nobody@example.org")]
    added = await house.call(
        "POST",
        "/api/v5/users",
        registered["access_token"],
        json={"email": "left@example.org", "password": PASSWORD},
    )
    users = f"/api/v5/users/{added.content['id']}"
    assert (await house.call("PATCH", users, registered["access_token"], json={"is_active": False})).status == 200
    answers.append(await house.login("left@example.org"))
    shown = [{**answer.content, "request_id": ""} for answer in answers]
    assert {answer.status for answer in answers} == {401}
    assert shown[0]["code"] == "invalid_credentials"
    assert shown[0] == shown[1] == shown[2]


@pytest.mark.parametrize(
    "sent",
    [
        {"email": "no-address", "password": PASSWORD},
        {"email": EMAIL, "password": "short"},
        {"email": EMAIL, "password": "x" * 2_000},
        {"email": EMAIL},
        {"email": EMAIL, "password": PASSWORD, "role": "admin"},
        {"email": EMAIL, "password": 123456789012},
    ],
    ids=str,
)
async def test_a_registration_that_can_not_be_is_refused_whole(house: House, sent: dict[str, Any]) -> None:
    before = await house.dump()
    answer = await house.call("POST", "/api/v5/auth/register", house.key, json=sent)
    assert (answer.status, answer.code) == (400, "invalid")
    assert str(sent.get("password")) not in str(answer.content)
    assert await house.dump() == before


async def test_an_address_may_be_as_long_as_any(house: House) -> None:
    domain = ".".join(["d" * 60] * 3)
    email = f"{'l' * limits.email_local_bytes_max}@{domain}".ljust(limits.email_chars_max, "x")
    registered = await house.register(email)
    assert registered["user"]["email"] == email
    assert registered["tenant"]["name"] == email[: limits.name_chars_max]


async def test_refreshing_rotates_and_the_old_access_token_stays_good_until_it_ends(house: House) -> None:
    first = await house.pair()
    second = (await refresh(house, first["refresh_token"])).content
    assert second["refresh_token"] != first["refresh_token"]
    assert await works(house, first)
    assert await works(house, second)
    house.clock.move(limits.access_token_seconds + 1)
    assert not await works(house, second)
    third = (await refresh(house, second["refresh_token"])).content
    assert await works(house, third)


async def test_twenty_windows_that_race_all_go_on_in_one_chain(house: House) -> None:
    first = await house.pair()
    answers = await asyncio.gather(*(refresh(house, first["refresh_token"]) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content["refresh_token"] for answer in answers}) == 1
    for answer in answers:
        assert await works(house, answer.content)
    logins = await house.call("GET", "/api/v5/auth/sessions", first["access_token"])
    assert len(logins.content["items"]) == 1, "one live link"
    house.clock.move(limits.refresh_grace_seconds + 1)
    followed = await refresh(house, answers[0].content["refresh_token"])
    assert followed.status == 200
    assert await works(house, followed.content)


async def test_a_window_that_comes_late_in_the_race_joins_the_newest_link(house: House) -> None:
    first = await house.pair()
    second = (await refresh(house, first["refresh_token"])).content
    assert (await house.call("POST", "/api/v5/auth/keys/rotate", second["access_token"])).status == 200
    third = (await refresh(house, second["refresh_token"])).content
    late = (await refresh(house, first["refresh_token"])).content
    assert late["refresh_token"] == third["refresh_token"]
    assert await works(house, late)


async def test_wrong_tokens_hold_up_no_right_one(house: House) -> None:
    first, other = await house.pair(), await house.pair()
    wrong = first["refresh_token"][:-8] + "A" * 8
    while (answer := await refresh(house, wrong)).status == 401:
        assert answer.code == "invalid_refresh_token"
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert answer.headers["RateLimit"].startswith('"attempts-of-peer";r=0')
    assert (await refresh(house, first["refresh_token"])).status == 200
    token = first["refresh_token"]
    while (answer := await refresh(house, token)).status == 200:
        token = answer.content["refresh_token"]
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert answer.headers["RateLimit-Policy"] == f'"exchanges-of-login";q={limits.login_exchanges_burst};w=60'
    assert (await refresh(house, other["refresh_token"])).status == 200


async def test_a_stolen_token_that_is_used_again_ends_the_family_and_is_audited(house: House) -> None:
    other = await house.pair()
    first = await house.pair()
    second = (await refresh(house, first["refresh_token"])).content
    house.clock.move(limits.refresh_grace_seconds + 1)
    thief = await refresh(house, first["refresh_token"])
    assert (thief.status, thief.code) == (401, "refresh_token_reused")
    for login in (first, second):
        assert (await house.call("GET", "/api/v5/users/me", login["access_token"])).code == "token_revoked"
    victim = await refresh(house, second["refresh_token"])
    assert (victim.status, victim.code) == (401, "login_ended")
    assert await works(house, other), "another family of the same user goes on"
    [row] = [
        row
        for row in await house.events(other["access_token"], event="auth.refresh_refused")
        if row["event_data"]["code"] == "refresh_token_reused"
    ]
    assert row["user_id"] == first["user"]["id"]


async def test_a_clock_that_is_put_back_gives_a_thief_no_time(house: House) -> None:
    first = await house.pair()
    await refresh(house, first["refresh_token"])
    house.clock.set_back(limits.refresh_grace_seconds + 1)
    thief = await refresh(house, first["refresh_token"])
    assert (thief.status, thief.code) == (401, "refresh_token_reused")


async def test_a_refresh_token_that_is_none_or_has_expired_opens_nothing(house: House) -> None:
    login = await house.pair()
    token = login["refresh_token"]
    changed = token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8)
    for wrong in ("", "x", changed, login["access_token"], house.key):
        answer = await refresh(house, wrong)
        assert (answer.status, answer.code) == (401, "invalid_refresh_token")
    house.clock.move(limits.refresh_token_seconds)
    assert (await refresh(house, token)).code == "refresh_token_expired"


async def test_logging_out_ends_the_family_and_no_other(house: House) -> None:
    kept, left = await house.pair(), await house.pair()
    assert (await house.call("POST", "/api/v5/auth/logout", left["access_token"])).status == 204
    assert not await works(house, left)
    assert (await refresh(house, left["refresh_token"])).code == "login_ended"
    assert await works(house, kept)


async def test_a_login_names_the_session_that_it_works_in_through_every_refresh(house: House) -> None:
    await house.register(EMAIL)
    ways = [("pair", house.key, {}), ("login", "", {"email": EMAIL, "password": PASSWORD})]
    foreign = new_id(1)
    for route, token, sent in ways:
        own = (await house.call("POST", f"/api/v5/auth/{route}", token, json=sent)).content["access_token"]
        work = {"name": "n", "workspace_path": "/w"}
        session_id = (await house.call("POST", "/api/v5/sessions", own, json=work)).content["id"]
        for named in (foreign, new_id(1)):
            refused = await house.call(
                "POST", f"/api/v5/auth/{route}", token, json={**sent, "workspace_session_id": named}
            )
            assert (refused.status, refused.code) == (404, "not_found"), named
        foreign = session_id
        named_too = {**sent, "workspace_session_id": session_id}
        opened = (await house.call("POST", f"/api/v5/auth/{route}", token, json=named_too)).content
        renewed = (await refresh(house, opened["refresh_token"])).content
        logins = (await house.call("GET", "/api/v5/auth/sessions", renewed["access_token"])).content["items"]
        assert logins[-1]["workspace_session_id"] == session_id


async def test_a_device_can_be_looked_up_and_ended_from_another(house: House) -> None:
    here, there = await house.pair(), await house.pair()
    listed = (await house.call("GET", "/api/v5/auth/sessions", here["access_token"])).content["items"]
    assert len(listed) == 2
    assert "refresh_token_hash" not in listed[0]
    path, token = f"/api/v5/auth/sessions/{listed[1]['id']}", here["access_token"]
    other = await house.call("DELETE", path, token, {"If-Match": f'"{listed[1]["version"] + 1}"'})
    assert (other.status, other.code) == (412, "version_conflict")
    assert await works(house, there)
    assert (await house.call("DELETE", path, token, {"If-Match": f'"{listed[1]["version"]}"'})).status == 204
    assert not await works(house, there)
    assert await works(house, here)


async def test_devices_are_found_behind_many_logins_that_have_ended(house: House) -> None:
    here = await house.pair()
    for _ in range(12):
        left = await house.pair()
        await house.call("POST", "/api/v5/auth/logout", left["access_token"])
    await house.pair()
    listed = (await house.call("GET", "/api/v5/auth/sessions?limit=10", here["access_token"])).content
    assert (len(listed["items"]), listed["next_cursor"]) == (2, None)


async def test_another_users_device_is_unknown_to_a_developer_and_ended_by_an_admin(house: House) -> None:
    tenant = await house.tenant("acme")
    admin, developer = await house.person(tenant, "admin"), await house.person(tenant, "developer")
    for login, status in ((developer, 404), (admin, 204)):
        viewer = await house.person(tenant, "viewer")
        [device] = (await house.call("GET", "/api/v5/auth/sessions", viewer.access_token)).content["items"]
        answer = await house.call("DELETE", f"/api/v5/auth/sessions/{device['id']}", login.access_token)
        assert answer.status == status
        gone = await house.call("GET", "/api/v5/users/me", viewer.access_token)
        assert gone.status == (401 if status == 204 else 200)
        await house.call("POST", "/api/v5/auth/logout", viewer.access_token)


async def test_logins_at_once_that_hash_the_password_anew_are_all_let_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.register(EMAIL)
    passwords = house.context.accounts._passwords  # noqa: SLF001 - as a version with other parameters has them
    monkeypatch.setattr(passwords, "_parameters", CHEAPEST)
    answers = await asyncio.gather(*[house.login(EMAIL) for _ in range(3)])
    assert [answer.status for answer in answers] == [200] * 3
    assert (await house.login(EMAIL, "wrong")).status == 401


async def test_a_new_password_ends_every_login_and_gives_one_new_one(house: House) -> None:
    first, other = await house.register(EMAIL), (await house.login(EMAIL)).content
    path, new = "/api/v5/users/me/password", "another passphrase of mine"
    wrong = await house.call(
        "PUT", path, first["access_token"], json={"current_password": "wrong", "new_password": new}
    )
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")
    assert await works(house, other)
    changed = await house.call(
        "PUT", path, first["access_token"], json={"current_password": PASSWORD, "new_password": new}
    )
    assert changed.status == 200
    assert not await works(house, first)
    assert not await works(house, other)
    assert await works(house, changed.content)
    assert (await house.login(EMAIL)).status == 401
    assert (await house.login(EMAIL, new)).status == 200


async def test_a_new_password_ends_any_number_of_logins_at_once(house: House) -> None:
    admin = await house.person(await house.tenant("acme"), "admin")
    keys, user = house.context.database.keyspace.tenant(admin.tenant.id), admin.user
    owned: dict[str, Any] = {"tenant_id": admin.tenant.id, "user_id": user.id, "refresh_token_hash": "0" * 64}

    def open_many(tr: Writing) -> None:
        for _ in range(500):
            AuthSessions(keys).create(tr, AuthSession.new(**owned, now_ms=tr.now_ms))

    await house.context.database.transact(open_many)
    since = (await house.call("GET", "/api/v5/changes?since=now", admin.access_token)).content["cursor"]

    login: dict[str, Any] = {}

    async def change() -> None:
        sent = {"new_password": PASSWORD}
        login.update((await house.call("PUT", "/api/v5/users/me/password", admin.access_token, json=sent)).content)

    assert await closing_code(house, admin.access_token, change) == 4401
    told = await house.call("GET", f"/api/v5/changes?since={since}", login["access_token"])
    assert [change["kind"] for change in told.content["changes"]] == ["users", "auth_sessions"]
    assert not await works(house, admin.model_dump())
    assert (await refresh(house, admin.refresh_token)).code == "login_ended"
    listed = await house.call("GET", "/api/v5/auth/sessions?limit=1000", login["access_token"])
    assert len(listed.content["items"]) == 1
    assert await works(house, (await refresh(house, login["refresh_token"])).content)


async def test_the_machines_owner_gives_themselves_a_first_password(house: House) -> None:
    owner = await house.pair()
    answer = await house.call(
        "PUT", "/api/v5/users/me/password", owner["access_token"], json={"new_password": PASSWORD}
    )
    assert answer.status == 200
    assert (await house.login(owner["user"]["email"])).status == 200


@pytest.mark.parametrize(
    "name", ["john@corp.example", "John Doe", " \t", "Zoë Straße", "é" * 300, "\udcff", "CORP\\john"]
)
async def test_the_daemons_account_may_have_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", name)
    async with running_house(tmp_path) as house:
        owner = await house.pair()
    assert owner["user"]["email"].endswith("@localhost")
    assert owner["tenant"]["name"]


@given(st.text(st.characters()))
def test_an_account_of_any_name_gives_an_address(name: str) -> None:
    user = User.new(tenant_id=new_id(0), email=owner_email(name), now_ms=0)
    assert user.email.endswith("@localhost")


async def test_a_daemon_whose_owner_is_lost_has_another_from_its_next_start_on(tmp_path: Path) -> None:
    async with running_house(tmp_path) as house:
        old = await house.pair()
        users = Users(house.context.database.keyspace.tenant(old["tenant"]["id"]))
        await house.context.database.transact(lambda tr: users.delete(tr, old["user"]["id"]))
        taken = User.new(tenant_id=old["tenant"]["id"], email=old["user"]["email"], now_ms=house.clock.now_ms())
        await house.context.database.transact(lambda tr: users.create(tr, taken))
        assert (await house.call("POST", "/api/v5/auth/pair", house.key, json={})).status == 404
    async with running_house(tmp_path) as house:
        new = await house.pair()
        assert new["tenant"]["owner_user_id"] == new["user"]["id"]
        assert (new["tenant"]["id"], new["user"]["role"]) == (old["tenant"]["id"], "admin")
        assert new["user"]["id"] not in (old["user"]["id"], taken.id)


async def test_a_changed_role_refuses_old_access_tokens_and_a_deactivated_user_gets_nothing(house: House) -> None:
    tenant = await house.tenant("acme")
    admin, user = await house.person(tenant, "admin"), await house.person(tenant, "developer")
    path = f"/api/v5/users/{user.user.id}"
    for change in ({"role": "viewer"}, {"password": PASSWORD}, {"is_active": False}):
        user = await house.person(tenant, "developer")
        assert (await house.call("PATCH", path, admin.access_token, json=change)).status == 200
        answer = await house.call("GET", "/api/v5/users/me", user.access_token)
        assert (answer.status, answer.code) == (401, "token_revoked")
        assert (await refresh(house, user.refresh_token)).status == 401


async def closing_code(house: House, token: str, then: Any) -> int:
    async with house.http.ws_connect(
        house.daemon.url + "/api/v5/events", headers={"Authorization": f"Bearer {token}"}
    ) as socket:
        await socket.send_json({"op": "subscribe", "topics": ["files"]})
        assert (await socket.receive_json(timeout=20))["type"] == "subscribed"
        await then()
        closing = await socket.receive(timeout=20)
        assert closing.type is aiohttp.WSMsgType.CLOSE
        assert closing.extra == "token_revoked"
        return int(closing.data)


async def test_the_end_of_a_login_closes_its_sockets(house: House) -> None:
    login, admin = await house.register(EMAIL), await house.pair()
    tenant = await house.tenant("acme")
    boss, user = await house.person(tenant, "admin"), await house.person(tenant, "developer")

    async def log_out() -> None:
        await house.call("POST", "/api/v5/auth/logout", admin["access_token"])

    async def change_password() -> None:
        sent = {"current_password": PASSWORD, "new_password": "another passphrase of mine"}
        await house.call("PUT", "/api/v5/users/me/password", login["access_token"], json=sent)

    async def change_role() -> None:
        await house.call("PATCH", f"/api/v5/users/{user.user.id}", boss.access_token, json={"role": "viewer"})

    assert await closing_code(house, admin["access_token"], log_out) == 4401
    assert await closing_code(house, login["access_token"], change_password) == 4401
    assert await closing_code(house, user.access_token, change_role) == 4401


async def test_rotated_keys_sign_new_tokens_and_old_ones_stay_good(house: House, tmp_path: Path) -> None:
    before = await house.pair()
    answer = await house.call("POST", "/api/v5/auth/keys/rotate", before["access_token"])
    after = await house.pair()
    assert jwt.get_unverified_header(after["access_token"])["kid"] == answer.content["key_id"]
    assert jwt.get_unverified_header(before["access_token"])["kid"] != answer.content["key_id"]
    assert await works(house, before)
    file = tmp_path / "home" / "data" / "signing.keys"
    assert answer.content["key_id"] in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_another_tenants_admin_does_not_rotate_the_machines_keys(house: House) -> None:
    keys = house.context.tokens.ring.keys
    stranger = await house.person(await house.tenant("acme"), "admin")
    answer = await house.call("POST", "/api/v5/auth/keys/rotate", stranger.access_token)
    assert (answer.status, answer.code) == (403, "not_the_machines")
    assert house.context.tokens.ring.keys == keys


async def test_who_adds_an_address_to_another_tenant_shuts_nobody_out(house: House) -> None:
    older = await house.register("attacker@example.org", "a passphrase of theirs")
    own = (await house.register(EMAIL))["user"]
    for sent in ({"email": EMAIL}, {"email": EMAIL, "password": "another passphrase of mine"}):
        added = await house.call("POST", "/api/v5/users", older["access_token"], json=sent)
        assert (await house.login(EMAIL)).content["user"]["id"] == own["id"]
        if "password" in sent:
            there = (await house.login(EMAIL, sent["password"])).content["user"]
            assert there["id"] == added.content["id"], "an account of theirs, if they have been told its password"
        path = f"/api/v5/users/{added.content['id']}"
        assert (await house.call("DELETE", path, older["access_token"])).status == 204
    renamed = await house.call(
        "PATCH", f"/api/v5/users/{older['user']['id']}", older["access_token"], json={"email": EMAIL}
    )
    assert renamed.status == 200
    assert (await house.login(EMAIL)).content["user"]["id"] == own["id"], "which is not the oldest account now"


async def test_an_older_account_that_is_not_active_shuts_nobody_out(house: House) -> None:
    admin = (await house.register("admin@example.org"))["access_token"]
    added = await house.call("POST", "/api/v5/users", admin, json={"email": EMAIL, "password": PASSWORD})
    own = (await house.register(EMAIL))["user"]
    path = f"/api/v5/users/{added.content['id']}"
    assert (await house.call("PATCH", path, admin, json={"is_active": False})).status == 200
    assert (await house.login(EMAIL)).content["user"]["id"] == own["id"]


async def test_a_guess_at_an_unknown_account_costs_as_many_hashes_as_a_wrong_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.register(EMAIL)
    computed: list[Any] = []
    digest = argon2id._digest  # noqa: SLF001 - the one place where work is done

    def noting(password: bytes, salt: bytes, parameters: Any) -> bytes:
        computed.append(parameters)
        return digest(password, salt, parameters)

    monkeypatch.setattr(argon2id, "_digest", noting)
    for email in (EMAIL, "nobody@example.org", "no address at all", (await house.pair())["user"]["email"]):
        before = len(computed)
        assert (await house.login(email, "wrong")).code == "invalid_credentials"
        assert len(computed) == before + limits.login_accounts_max
    assert len(set(map(str, computed))) == 1


async def test_guessing_at_an_account_is_slowed_and_its_owner_still_gets_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.register(EMAIL)
    monkeypatch.setattr("sidecar.api.auth.peer_of", lambda _: Peer("127.0.0.1 uid 4711", is_own=False))
    monkeypatch.setattr("sidecar.auth.passwords.Passwords.find", _finds_none)
    answers = [await house.login(EMAIL, "guess") for _ in range(limits.login_attempts_burst + 1)]
    assert [answer.status for answer in answers] == [401] * limits.login_attempts_burst + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["RateLimit"].startswith('"attempts-on-account";r=0')
    monkeypatch.undo()
    assert (await house.login(EMAIL)).status == 200, "the owner's own processes have a bucket of their own"


async def test_a_login_whose_password_is_replaced_again_and_again_meanwhile_is_told_to_come_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = (await house.register(EMAIL))["user"]
    users, find = Users(house.context.database.keyspace.tenant(user["tenant_id"])), Passwords.find

    async def overtaken(passwords: Passwords, stored: Sequence[str | None], given: str) -> Match | None:
        match = await find(passwords, stored, given)
        new = {"password_hash": argon2id.new_hash(PASSWORD.encode(), CHEAPEST)}
        await house.context.database.transact(lambda tr: users.update(tr, user["id"], new))
        return match

    monkeypatch.setattr(Passwords, "find", overtaken)
    refused = await house.login(EMAIL)
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (409, "busy", "1")
    monkeypatch.undo()
    assert (await house.login(EMAIL)).status == 200


async def _finds_none(*_: object) -> None:
    """Stand in for the hashes, which would cost a fifth of a second each."""


async def test_a_users_requests_are_bounded_by_the_plan_and_say_so(house: House) -> None:
    tenant = await house.tenant("acme")
    admin = await house.person(tenant, "admin")
    sent = {"settings": {"limits": {"requests_per_minute_max": limits.plan_requests_per_minute_min}}}
    assert (await house.call("PATCH", "/api/v5/tenant", admin.access_token, json=sent)).status == 200
    answers = [
        await house.call("GET", "/api/v5/users/me", admin.access_token)
        for _ in range(limits.plan_requests_per_minute_min + 1)
    ]
    assert answers[0].headers["RateLimit-Policy"] == '"requests-of-user";q=60;w=60'
    assert (answers[-1].status, answers[-1].code) == (429, "rate_limited")
    assert answers[-1].headers["Retry-After"] == "1"
    house.clock.move(1.5)
    assert (await house.call("GET", "/api/v5/users/me", admin.access_token)).status == 200


async def test_strangers_sockets_are_bounded_and_keep_nobody_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "subscribers_unknown_max", 2)
    monkeypatch.setattr(limits, "subscribers_max", 2)
    url, token = house.daemon.url + "/api/v5/events", (await house.pair())["access_token"]
    known = {"Authorization": f"Bearer {token}"}
    async with house.http.ws_connect(url) as first, house.http.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await house.http.ws_connect(url)
        assert caught.value.status == 503
        async with house.http.ws_connect(url, headers=known):
            await first.send_json({"op": "auth", "token": token})  # no stranger any more
            await first.send_json({"op": "subscribe", "topics": ["files"]})
            assert (await first.receive_json(timeout=20))["type"] == "subscribed"
            async with house.http.ws_connect(url) as third:
                await third.send_json({"op": "auth", "token": token})
                assert (await third.receive(timeout=20)).data == 1001, "two are known already"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await house.http.ws_connect(url, headers=known)
    for _ in range(3):  # all have left, or are about to
        while (answer := await upgrade(house, url, known)) == 503:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        assert answer == 101


async def upgrade(house: House, url: str, headers: dict[str, str]) -> int:
    """Open a socket and leave; return the status of the answer."""
    try:
        async with house.http.ws_connect(url, headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status
