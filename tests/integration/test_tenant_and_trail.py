"""Users, the tenant and its plan, and the audit trail that every change leaves in its own transaction."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar import limits
from sidecar.daemon.lifecycle import Tasks
from sidecar.errors import LimitExceededError
from sidecar.ids import new_id
from sidecar.models.base import timestamp
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Actor, Writing, acting
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.logins import Login
from tests.integration.house import PASSWORD, House, running_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


@pytest.fixture
async def admin(house: House) -> Login:
    return await house.person(await house.tenant("acme"), "admin")


async def test_an_admin_adds_changes_lists_and_removes_users(house: House, admin: Login) -> None:
    token = admin.access_token
    added = await house.call("POST", "/api/v5/users", token, json={"email": "New@acme.org", "role": "manager"})
    assert (added.status, added.content["email"], added.headers["ETag"]) == (201, "new@acme.org", '"1"')
    path = added.headers["Location"]
    twice = await house.call("POST", "/api/v5/users", token, json={"email": "new@ACME.org"})
    assert (twice.status, twice.code) == (409, "conflict")
    assert (await house.call("PATCH", path, token, {"If-Match": '"9"'}, json={"role": "viewer"})).status == 412
    changed = await house.call("PATCH", path, token, {"If-Match": '"1"'}, json={"role": "viewer", "password": PASSWORD})
    assert (changed.status, changed.content["role"]) == (200, "viewer")
    assert (await house.login("new@acme.org")).content["user"]["role"] == "viewer"
    listed = await house.call("GET", "/api/v5/users", token)
    assert [user["email"] for user in listed.content["items"]] == ["owner@acme", "admin@acme", "new@acme.org"]
    assert "password_hash" not in str(listed.content)
    assert (await house.call("DELETE", path, token)).status == 204
    assert (await house.login("new@acme.org")).status == 401


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        ({"first_name": None}, {"first_name": ""}),
        (
            {"first_name": None, "last_name": "King", "role": None},
            {"first_name": "", "last_name": "King", "role": "developer"},
        ),
        ({}, {}),
        ({"password": None}, {}),
        ({"email": None}, None),
        ({"is_active": "no"}, None),
        ({"unknown": 1}, None),
    ],
    ids=str,
)
async def test_a_user_is_changed_by_merge_patch(
    house: House, admin: Login, patch: dict[str, Any], changed: dict[str, Any] | None
) -> None:
    ada = {"email": "ada@acme.org", "role": "manager", "first_name": "Ada", "password": PASSWORD}
    added = await house.call("POST", "/api/v5/users", admin.access_token, json=ada)
    answer = await house.call("PATCH", added.headers["Location"], admin.access_token, json=patch)
    own = {"id": added.content["id"]}
    [shown] = [
        user
        for user in (await house.call("GET", "/api/v5/users", admin.access_token)).content["items"]
        if user["id"] == own["id"]
    ]
    if changed is None:
        assert (answer.status, answer.code, shown) == (400, "invalid", added.content)
    else:
        assert answer.content == shown
        assert shown == added.content | changed | {name: shown[name] for name in ("version", "updated_at")}
    logged_in = await house.login("ada@acme.org")
    assert logged_in.status == (401 if "password" in patch else 200)


async def test_the_tenant_is_changed_by_merge_patch(house: House, admin: Login) -> None:
    async def patch(sent: dict[str, Any]) -> Any:
        return await house.call("PATCH", "/api/v5/tenant", admin.access_token, json=sent)

    bounds = admin.tenant.settings.limits.model_dump()
    answer = await patch({"settings": {"features": {"a": True, "b": False}, "limits": {"users_max": 7}}})
    assert answer.content["settings"] == {"features": {"a": True, "b": False}, "limits": bounds | {"users_max": 7}}
    answer = await patch({"settings": {"features": {"a": None, "c": True}, "limits": {"users_max": None}}})
    assert answer.content["settings"] == {
        "features": {"b": False, "c": True},
        "limits": bounds | {"users_max": limits.plan_users_max},
    }
    answer = await patch({"settings": {"features": None}})
    assert answer.content["settings"]["features"] == {}
    refused = await patch({"name": None})
    assert (refused.status, refused.code) == (400, "invalid")
    assert (await house.call("GET", "/api/v5/tenant", admin.access_token)).content == answer.content


async def test_the_owner_stays_an_active_admin(house: House, admin: Login) -> None:
    path = f"/api/v5/users/{admin.tenant.owner_user_id}"
    before = await house.dump()
    for method, body in (("PATCH", {"role": "viewer"}), ("PATCH", {"is_active": False}), ("DELETE", None)):
        more: dict[str, Any] = {"json": body} if body else {}
        answer = await house.call(method, path, admin.access_token, **more)
        assert (answer.status, answer.code) == (403, "owner")
    assert await house.dump() == before


async def test_an_id_of_another_spelling_is_no_id(house: House, admin: Login) -> None:
    owner, token = admin.tenant.owner_user_id, admin.access_token
    before = await house.dump()
    for spelling in (owner.upper(), owner.replace("-", ""), f"urn:uuid:{owner}", f"{owner}%0A"):
        for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
            more: dict[str, Any] = {"json": body} if body else {}
            answer = await house.call(method, f"/api/v5/users/{spelling}", token, **more)
            assert (answer.status, answer.code) == (400, "invalid"), spelling
    assert await house.dump() == before


async def test_a_record_that_names_anothers_is_refused_as_one_that_names_nothing(house: House, admin: Login) -> None:
    developer = await house.person(admin.tenant, "developer")
    ids, own = await house.belongings(admin), await house.belongings(developer)
    session, talk = f"/api/v5/sessions/{own['sessions']}", {"ai_provider": "x", "title": "t"}
    work = {"name": "n", "workspace_path": "/w"}

    async def answers(named: dict[str, str]) -> list[tuple[int, str]]:
        calls = (
            ("POST", "/api/v5/conversations", {**talk, "workspace_session_id": named["sessions"]}),
            ("POST", "/api/v5/sessions", {**work, "conversation_id": named["conversations"]}),
            ("PUT", session, {**work, "conversation_id": named["conversations"]}),
            ("PATCH", session, {"conversation_id": named["conversations"]}),
        )
        found = [await house.call(method, path, developer.access_token, json=sent) for method, path, sent in calls]
        return [(each.status, str(each.content.get("detail"))) for each in found]

    before = await house.dump()
    unknown = {kind: new_id(0) for kind in ids}
    told = await answers(ids)
    assert [status for status, _ in told] == [404] * 4
    for (_, theirs), (_, nothing) in zip(told, await answers(unknown), strict=True):
        assert theirs.split(" ")[:-1] == nothing.split(" ")[:-1]
    assert await house.dump() == before
    assert [status for status, _ in await answers(own)] == [201, 201, 200, 200]


async def test_a_record_is_said_to_be_related_to_none_of_anothers(house: House, admin: Login) -> None:
    developer = await house.person(admin.tenant, "developer")
    ids, own = await house.belongings(admin), await house.belongings(developer)
    talk, work = {"ai_provider": "x", "title": "t"}, {"name": "n", "workspace_path": "/w"}

    async def statuses(token: str, named: dict[str, str]) -> list[int]:
        calls = (
            ("POST", "sessions", {**work, "related_sessions": [own["sessions"], named["sessions"]]}),
            ("PUT", f"sessions/{own['sessions']}", {**work, "related_sessions": [named["sessions"]]}),
            ("PATCH", f"sessions/{own['sessions']}", {"related_sessions": [named["sessions"]]}),
            ("POST", "conversations", {**talk, "related_conversations": [named["conversations"]]}),
            ("PATCH", f"conversations/{own['conversations']}", {"related_conversations": [named["conversations"]]}),
        )
        return [(await house.call(method, f"/api/v5/{path}", token, json=sent)).status for method, path, sent in calls]

    before = await house.dump()
    assert await statuses(developer.access_token, ids) == [404] * 5
    assert await house.dump() == before
    done = [201, 200, 200, 201, 200]
    assert await statuses(developer.access_token, {kind: new_id(0) for kind in ids}) == done, "related ones may go"
    assert await statuses(admin.access_token, ids) == done
    assert await statuses(developer.access_token, ids) == [404, 200, 200, 404, 200], "what is named may stay"


async def test_a_session_keeps_the_conversation_that_it_has_where_that_is_not_there(house: House, admin: Login) -> None:
    keys, lost = house.context.database.keyspace.tenant(admin.tenant.id), new_id(0)
    owned: dict[str, Any] = {"tenant_id": admin.tenant.id, "user_id": admin.user.id, "now_ms": 0}
    imported = WorkspaceSession.new(**owned, name="n", workspace_path="/w", conversation_id=lost)
    await house.context.database.transact(lambda tr: WorkspaceSessions(keys).create(tr, imported))
    sent = {"name": "n", "workspace_path": "/w", "conversation_id": lost}
    answer = await house.call("PUT", f"/api/v5/sessions/{imported.id}", admin.access_token, json=sent)
    assert (answer.status, answer.content["conversation_id"]) == (200, lost)


async def test_a_setting_that_is_not_there_is_at_no_version(house: House, admin: Login) -> None:
    path, token, sent = "/api/v5/settings/editor/font", admin.access_token, {"value": 1}
    refused = await house.call("PUT", path, token, {"If-Match": '"5"'}, json=sent)
    assert (refused.status, refused.code) == (412, "version_conflict")
    assert (await house.call("GET", path, token)).status == 404
    assert (await house.call("PUT", path, token, json=sent)).status == 201
    assert (await house.call("PUT", path, token, {"If-Match": '"1"'}, json=sent)).status == 200


async def test_users_change_what_they_say_of_themselves_and_nothing_else(house: House, admin: Login) -> None:
    viewer = await house.person(admin.tenant, "viewer")
    names = {"first_name": "Ada", "last_name": "Lovelace"}
    answer = await house.call("PUT", "/api/v5/users/me", viewer.access_token, json=names)
    assert answer.content["first_name"] == "Ada"
    raised = await house.call("PUT", "/api/v5/users/me", viewer.access_token, json={**names, "role": "admin"})
    assert raised.status == 400
    assert (await house.call("GET", "/api/v5/users/me", viewer.access_token)).content["role"] == "viewer"


async def test_a_conversation_is_begun_in_no_session_of_anothers_and_never_takes_its_place(
    house: House, admin: Login
) -> None:
    developer, owner = [(await house.person(admin.tenant, "developer", name)).access_token for name in ("one", "owner")]
    manager = (await house.person(admin.tenant, "manager")).access_token
    sent = {"name": "mine", "workspace_path": "/x"}
    session = (await house.call("POST", "/api/v5/sessions", owner, json=sent)).content["id"]
    talk = {"ai_provider": "x", "title": "t", "workspace_session_id": session}
    for token, status in ((developer, 404), (manager, 201), (admin.access_token, 201)):
        assert (await house.call("POST", "/api/v5/conversations", token, json=talk)).status == status
    stored = (await house.call("GET", f"/api/v5/sessions/{session}", owner)).content
    assert (stored["version"], stored["conversation_id"]) == (1, None)


async def test_a_plan_allows_so_many_users(house: House, admin: Login) -> None:
    await bound(house, admin, users_max=3)
    answers = [
        await house.call("POST", "/api/v5/users", admin.access_token, json={"email": f"{number}@acme.org"})
        for number in range(2)
    ]
    assert [answer.status for answer in answers] == [201, 403]  # the owner and the admin are two
    assert answers[1].code == "plan_limit"


async def test_many_who_store_sessions_at_once_do_not_wait_for_each_other_and_pass_no_plan(
    house: House, admin: Login
) -> None:
    async def add(number: int) -> int:
        sent = {"name": f"session {number}", "workspace_path": "/w"}
        return (await house.call("POST", "/api/v5/sessions", admin.access_token, json=sent)).status

    before = house.context.metrics.value("conflicts_total")
    assert await asyncio.gather(*map(add, range(40))) == [201] * 40
    assert house.context.metrics.value("conflicts_total") == before
    await bound(house, admin, workspace_sessions_max=50)
    assert sorted(await asyncio.gather(*map(add, range(40)))) == [201] * 10 + [403] * 30


async def test_a_plan_allows_so_many_sessions_and_so_many_bytes(house: House, admin: Login) -> None:
    await bound(house, admin, workspace_sessions_max=1)
    await session(house, admin)
    with pytest.raises(LimitExceededError, match="allows 1 sessions"):
        await session(house, admin)
    await bound(house, admin, workspace_sessions_max=9, storage_bytes_max=100_000)
    with pytest.raises(LimitExceededError, match="allows 100000 bytes"):
        await session(house, admin, editor_state={"text": "x" * 200_000})
    await session(house, admin)


async def bound(house: House, admin: Login, **bounds: int) -> None:
    answer = await house.call("PATCH", "/api/v5/tenant", admin.access_token, json={"settings": {"limits": bounds}})
    assert answer.status == 200, answer


async def session(house: House, login: Login, **fields: Any) -> None:
    """Store a session on behalf of a user, as a handler does."""

    def body(tr: Writing) -> None:
        keys = house.context.database.keyspace.tenant(login.tenant.id)
        made = WorkspaceSession.new(
            tenant_id=login.tenant.id, user_id=login.user.id, name="w", workspace_path="/w", now_ms=tr.now_ms, **fields
        )
        WorkspaceSessions(keys).create(tr, made)

    with acting(actor(house, login)):
        await house.context.database.transact(body)


def actor(house: House, login: Login) -> Actor:
    keys = house.context.database.keyspace.tenant(login.tenant.id)
    return Actor(keys, login.user.id, new_id(1), "127.0.0.1", "test", 0)


@pytest.mark.parametrize(
    ("bounds", "status"),
    [
        ({"users_max": limits.plan_users_max * 4}, 200),
        ({"users_max": limits.plan_users_max * 4 + 1}, 403),
        ({"storage_bytes_max": 10**15}, 403),
        ({"requests_per_minute_max": 1}, 403),
        ({"users_max": -1}, 400),
        ({"unknown": 1}, 400),
    ],
    ids=str,
)
async def test_bounds_stay_within_the_plan(house: House, admin: Login, bounds: dict[str, int], status: int) -> None:
    answer = await house.call("PATCH", "/api/v5/tenant", admin.access_token, json={"settings": {"limits": bounds}})
    assert answer.status == status, answer
    shown = (await house.call("GET", "/api/v5/tenant", admin.access_token)).content
    if status == 200:
        assert shown["settings"]["limits"] == admin.tenant.settings.limits.model_dump() | bounds
    else:
        assert shown == admin.tenant.model_dump(mode="json")


async def test_a_change_and_its_audit_row_are_one_transaction(house: House, admin: Login) -> None:
    added = await house.call(
        "POST", "/api/v5/users", admin.access_token, {"User-Agent": "ide/1"}, json={"email": "new@acme.org"}
    )
    [row] = await house.events(admin.access_token, event="user.created")
    assert row["user_id"] == admin.user.id
    assert row["event_data"] == {"ids": [added.content["id"]], "count": 1}
    assert (row["ip_address"], row["user_agent"]) == ("127.0.0.1", "ide/1")
    keys = house.context.database.keyspace.tenant(admin.tenant.id)

    def fails(tr: Writing) -> None:
        Tenants(keys).update(tr, admin.tenant.id, {"name": "changed"})
        raise LimitExceededError("no")

    before = await house.dump(without=())
    with acting(actor(house, admin)), pytest.raises(LimitExceededError):
        await house.context.database.transact(fails)
    assert await house.dump(without=()) == before


async def test_a_client_that_names_itself_in_no_text_is_audited_like_any(house: House, admin: Login) -> None:
    made = await house.call("POST", "/api/v5/sessions", admin.access_token, json={"name": "a", "workspace_path": "/w"})
    reader, writer = await asyncio.open_connection(*house.host.split(":"))
    head = f"DELETE {made.headers['Location']} HTTP/1.1\r\nHost: {house.host}\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {admin.access_token}\r\n"
    writer.write(head.encode() + b"User-Agent: caf\xe9 \xff\r\n\r\n")
    answered = await reader.read()
    writer.close()
    assert answered.startswith(b"HTTP/1.1 204 "), answered
    (row,) = await house.events(admin.access_token, event="session.deleted")
    assert row["user_agent"] == "caf? ?"


async def test_what_a_user_sets_off_in_the_background_is_not_audited_as_theirs(house: House, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "file.txt").write_text("x")
    token = (await house.pair())["access_token"]
    added = await house.call("POST", "/api/v5/workspaces", token, json={"path": str(tmp_path / "project")})
    while added.content["progress"]["files_indexed"] < 1:
        added = await house.call("GET", f"/api/v5/workspaces/{added.content['id']}", token)
    types = {row["event_type"] for row in await house.events(token)}
    assert "workspace.created" in types
    assert not {name for name in types if name.startswith("file.")}


async def test_a_background_task_acts_for_nobody_whoever_started_it(house: House, admin: Login) -> None:
    tasks, keys = Tasks(), house.context.database.keyspace.tenant(admin.tenant.id)

    async def rename() -> None:
        await house.context.database.transact(lambda tr: Tenants(keys).update(tr, admin.tenant.id, {"name": "new"}))

    with acting(actor(house, admin)):
        await tasks.start(rename(), name="rename")
        assert await house.events(admin.access_token) == []
        await rename()
    await tasks.close()
    assert [row["event_type"] for row in await house.events(admin.access_token)] == ["tenant.updated"]


async def test_a_large_change_is_one_row_that_counts(house: House, admin: Login) -> None:
    keys = house.context.database.keyspace.tenant(admin.tenant.id)

    def body(tr: Writing) -> None:
        for number in range(50):
            made = WorkspaceSession.new(
                tenant_id=keys.tenant_id, user_id=admin.user.id, name=f"{number}", workspace_path="/w", now_ms=tr.now_ms
            )
            WorkspaceSessions(keys).create(tr, made)

    with acting(actor(house, admin)):
        await house.context.database.transact(body)
    [row] = await house.events(admin.access_token, event="session.created")
    assert row["event_data"]["count"] == 50
    assert len(row["event_data"]["ids"]) == limits.audit_ids_max


async def test_the_trail_is_read_by_user_event_and_date_by_admin_and_manager_alone(house: House, admin: Login) -> None:
    manager, developer = await house.person(admin.tenant, "manager"), await house.person(admin.tenant, "developer")
    for login in (admin, manager):
        names = {"first_name": "A", "last_name": "B"}
        assert (await house.call("PUT", "/api/v5/users/me", login.access_token, json=names)).status == 200
    house.clock.move(86_400)
    manager, admin = await house.person(admin.tenant, "manager"), await house.person(admin.tenant, "admin")
    day = timestamp(house.clock.now_ms()).isoformat()
    assert (await house.call("POST", "/api/v5/auth/logout", manager.access_token)).status == 204
    token = admin.access_token
    assert {row["user_id"] for row in await house.events(token, user_id=manager.user.id)} == {manager.user.id}
    assert len(await house.events(token, event="user.updated")) == 2
    assert len(await house.events(token, event="user.updated", user_id=manager.user.id)) == 1
    assert [row["event_type"] for row in await house.events(token, since=day)] == ["auth.logged_out"]
    assert {row["event_type"] for row in await house.events(token, until=day)} == {"user.updated"}
    manager = await house.person(admin.tenant, "manager")
    assert await house.events(manager.access_token) == await house.events(token)
    developer = await house.person(admin.tenant, "developer")
    answer = await house.call("GET", "/api/v5/audit", developer.access_token)
    assert (answer.status, answer.code) == (403, "role")


async def test_every_event_of_a_login_is_in_the_trail_successes_and_failures(house: House) -> None:
    owner = await house.pair()
    await house.call("POST", "/api/v5/auth/pair", "wrong", json={})
    await house.login("nobody@example.org", "wrong")
    await house.call("GET", "/api/v5/users/me", "nonsense")
    await house.call("POST", "/api/v5/auth/refresh", json={"refresh_token": owner["refresh_token"]})
    await house.call("POST", "/api/v5/auth/keys/rotate", owner["access_token"])
    registered = await house.register("dev@example.org")
    await house.login("dev@example.org", "wrong")
    await house.login("dev@example.org")
    await house.call("POST", "/api/v5/auth/logout", registered["access_token"])
    machines = [row["event_type"] for row in await house.events(owner["access_token"])]
    assert machines == [
        "auth.keys_rotated",
        "auth.refreshed",
        "auth.refused",
        "auth.login_refused",
        "auth.refused",
        "auth.paired",
    ]
    again = (await house.login("dev@example.org")).content
    own = [row["event_type"] for row in await house.events(again["access_token"])]
    assert own == [
        "auth.logged_in",
        "auth.logged_out",
        "auth.logged_in",
        "auth.login_refused",
        "auth.registered",
    ]


async def test_a_flood_of_refusals_does_not_fill_the_trail(house: House) -> None:
    token = (await house.pair())["access_token"]
    for _ in range(limits.audited_refusals_burst + 20):
        assert (await house.call("GET", "/api/v5/users/me", "nonsense")).status == 401
    assert len(await house.events(token, event="auth.refused")) == limits.audited_refusals_burst


async def test_the_feed_which_all_users_hear_says_nothing_of_the_trail(house: House, admin: Login) -> None:
    assert await house.events(admin.access_token) == []
    await house.call("PUT", "/api/v5/users/me", admin.access_token, json={"first_name": "A", "last_name": "B"})
    assert len(await house.events(admin.access_token)) == 1
    feed = await house.call("GET", "/api/v5/changes?since=beginning", admin.access_token)
    assert {change["kind"] for change in feed.content["changes"]} == {"tenants", "users", "auth_sessions"}
