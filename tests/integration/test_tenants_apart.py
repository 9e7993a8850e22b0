"""Two tenants over every route with every id of the other: only 404s, by the very reads that an unknown id takes."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from sidecar.api.context import ROLES, Policy
from sidecar.api.routes import ROUTES
from sidecar.api.shapes import Route
from sidecar.models.base import JsonObject
from sidecar.services.logins import Login
from sidecar.store.engine import Engine, KeySelector, ReadTransaction, Transaction
from sidecar.store.tuples import pack
from tests.integration.house import House, running_house
from tests.integration.test_route_table import path_of

T = TypeVar("T")
NOBODY = "00000000-0000-7000-8000-000000000000"
SECRETS = ("secret", "belongings")  # words that stand in every record of ``House.belongings``

# What a request of a route needs to get as far as its record.
BODIES: dict[tuple[str, str], JsonObject] = {
    ("POST", "/api/v5/conversations/{id}/messages"): {"role": "user", "content": "x"},
    ("PUT", "/api/v5/sessions/{id}"): {"name": "x", "workspace_path": "/x"},
    ("PUT", "/api/v5/agents/{id}"): {"name": "x", "agent_type": "specialist"},
    **{
        ("POST", f"/api/v5/{kind}/{{id}}/{name}/{verb}"): {"items": ["x"]}
        for kind, name in (
            ("sessions", "tags"),
            ("sessions", "facts"),
            ("sessions", "decisions"),
            ("conversations", "tags"),
        )
        for verb in ("add", "remove")
    },
}
BY_ID = [route for route in ROUTES if route.policy in ROLES and "{id}" in route.path]
LISTS = [
    r for r in ROUTES if r.policy in ROLES and r.method == "GET" and "{" not in r.path and r.policy is not Policy.SOCKET
]


class _Watched:
    """A transaction that notes which keys are read."""

    def __init__(self, kv: Any, seen: list[bytes]) -> None:
        self._kv = kv
        self._seen = seen

    def get(self, key: bytes, **more: Any) -> bytes | None:
        self._seen.append(key)
        return cast("bytes | None", self._kv.get(key, **more))

    def get_many(self, keys: Sequence[bytes], **more: Any) -> Any:
        self._seen += keys
        return self._kv.get_many(keys, **more)

    def get_range(self, begin: bytes | KeySelector, end: bytes | KeySelector, **more: Any) -> Any:
        self._seen += [each if isinstance(each, bytes) else each.key for each in (begin, end)]
        return self._kv.get_range(begin, end, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kv, name)


class _WatchedEngine:
    def __init__(self, engine: Engine, seen: list[bytes]) -> None:
        self._engine = engine
        self._seen = seen

    async def read(self, body: Callable[[ReadTransaction], T], *, background: bool = False) -> T:
        return await self._engine.read(
            lambda kv: body(cast("ReadTransaction", _Watched(kv, self._seen))), background=background
        )

    async def transact(self, body: Callable[[Transaction], T], *, background: bool = False) -> T:
        return await self._engine.transact(
            lambda kv: body(cast("Transaction", _Watched(kv, self._seen))), background=background
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


@contextmanager
def reads_of(house: House) -> Iterator[list[bytes]]:
    """Gather the keys that the API reads inside the block."""
    seen: list[bytes] = []
    database = house.context.database
    engine = database.engine
    database.engine = cast("Engine", _WatchedEngine(engine, seen))
    try:
        yield seen
    finally:
        database.engine = engine


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def two(house: House) -> tuple[Login, Login, dict[str, str]]:
    """Return a caller, an owner in another tenant, and the ids of all that the owner has."""
    caller = await house.person(await house.tenant("curious"), "admin")
    owner = await house.person(await house.tenant("private"), "admin")
    return caller, owner, await house.belongings(owner)


def kind_in(route: Route) -> str:
    """Return the kind of record that a route's id names: the word before it."""
    words = route.path.split("/")
    kind = words[words.index("{id}") - 1]
    return "auth_sessions" if route.path.startswith("/api/v5/auth/") else kind


async def ask(house: House, route: Route, token: str, identifier: str, ids: dict[str, str]) -> tuple[int, Any]:
    sent: dict[str, Any] = {}
    if route.path.endswith("/diff"):
        sent = {"params": {"from_id": ids["snapshots"]}}
    if route.method in ("POST", "PUT", "PATCH"):
        restored = {"snapshot_id": ids["snapshots"]} if route.path.endswith("/restore") else {}
        sent = {"json": BODIES.get((route.method, route.path), restored)}
    answer = await house.call(route.method, path_of(route, id=identifier), token, **sent)
    content = dict(answer.content or {})
    content.pop("request_id", None)
    return answer.status, str(content).replace(identifier, "ID")


@pytest.mark.parametrize("route", BY_ID, ids=lambda route: f"{route.method} {route.path}")
async def test_an_id_of_another_tenant_is_as_unknown_as_one_that_nobody_has(house: House, route: Route) -> None:
    caller, owner, ids = await two(house)
    before = await house.dump()
    await house.call("GET", "/api/v5/users/me", caller.access_token)  # who asks is looked up once, for both
    theirs = ids[kind_in(route)]
    unknown = str(uuid.UUID(int=uuid.UUID(theirs).int ^ 1))
    with reads_of(house) as reads_of_theirs:
        answer_to_theirs = await ask(house, route, caller.access_token, theirs, ids)
    with reads_of(house) as reads_of_unknown:
        answer_to_unknown = await ask(house, route, caller.access_token, unknown, ids)
    assert answer_to_theirs[0] == 404
    assert answer_to_theirs == answer_to_unknown
    assert await house.dump() == before
    own = pack(("sidecar", uuid.UUID(caller.tenant.id)))
    assert reads_of_theirs
    assert {key[: len(own)] for key in reads_of_theirs} == {own}, "a key outside the caller's tenant was read"
    as_theirs = [key.replace(uuid.UUID(theirs).bytes, b"ID") for key in reads_of_theirs]
    as_unknown = [key.replace(uuid.UUID(unknown).bytes, b"ID") for key in reads_of_unknown]
    assert as_theirs == as_unknown, "the two took different ways, so their times could tell them apart"
    status, _ = await ask(house, route, owner.access_token, theirs, ids)
    assert status != 404, "the route does not reach its owner's record either, so this test shows nothing"


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.path)
async def test_no_list_shows_anything_of_another_tenant(house: House, route: Route) -> None:
    caller, owner, ids = await two(house)
    path = f"/belongings/{owner.user.id}"
    queries = [
        {},
        {"workspace_path": path},
        {"user_id": owner.user.id},
        {"workspace_path": path, "path": "secret-plan.txt"},
    ]
    for params in queries:
        with reads_of(house) as reads:
            answer = await house.call("GET", route.path, caller.access_token, params=params)
        assert answer.status in (200, 400, 404), answer
        shown = str(answer.content).replace(path, "").replace(owner.user.id, "").replace("secret-plan.txt", "")
        assert not [word for word in (*SECRETS, *ids.values()) if word in shown]
        own = pack(("sidecar", uuid.UUID(caller.tenant.id)))
        assert {key[: len(own)] for key in reads} <= {own}


async def test_every_kind_of_id_in_the_table_of_routes_is_tried(house: House) -> None:
    _, owner, ids = await two(house)
    assert {kind_in(route) for route in BY_ID} <= ids.keys()
    shown = [await house.call("GET", route.path, owner.access_token) for route in LISTS]
    assert any(word in str(answer.content) for answer in shown for word in SECRETS), "the owner sees the secrets"
