"""Every route against every attack: the right status and code, and nothing changed. Iterates the table of routes."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import jwt
import pytest

from sidecar.api.app import build
from sidecar.api.context import ROLES, Policy
from sidecar.api.routes import ROUTES
from sidecar.api.shapes import Route
from sidecar.auth.tokens import ALGORITHM
from sidecar.models.users import Role
from tests.integration.house import House, running_house

NOBODY = "00000000-0000-7000-8000-000000000000"
TOKEN_POLICIES = frozenset(ROLES)
ROUTE = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


def path_of(route: Route, **ids: str) -> str:
    """Return a path of the route, with ids of nobody where none are given."""
    parts = [(ids.get(part.strip("{}"), NOBODY) if part.startswith("{") else part) for part in route.path.split("/")]
    return "/".join(parts)


def body_of(route: Route) -> dict[str, Any]:
    return {"json": {}} if route.method in ("POST", "PUT", "PATCH") else {}


def signed(house: House, claims: dict[str, Any], *, key: bytes | None = None, algorithm: str = ALGORITHM) -> str:
    keys = house.context.tokens.ring.keys
    secret = bytes.fromhex(keys.secrets[keys.current]) if key is None else key
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": keys.current})


def disguised(house: House, claims: dict[str, Any], algorithm: str) -> str:
    """Return a token with a true signature whose header names another algorithm: HS/RS confusion."""
    keys = house.context.tokens.ring.keys
    header = {"alg": algorithm, "kid": keys.current, "typ": "JWT"}
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signature = hmac.digest(bytes.fromhex(keys.secrets[keys.current]), text, "sha256")
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


async def bad_tokens(house: House, victim: str) -> dict[str, tuple[str, str]]:
    """Return what attackers show, each with the code of the answer."""
    claims = jwt.decode(victim, options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": house.context.tokens.ring.keys.current})
    head, body, signature = victim.split(".")
    revoked = (await house.pair())["access_token"]
    assert (await house.call("POST", "/api/v5/auth/logout", revoked)).status == 204
    return {
        "nothing that is a token": ("nonsense", "invalid_token"),
        "the pairing key": (house.key, "invalid_token"),
        "expired": (signed(house, claims | {"exp": claims["iat"] - 1}), "token_expired"),
        "wrong signature": (f"{head}.{body}.{'A' * len(signature)}", "invalid_token"),
        "another key": (signed(house, claims, key=b"x" * 64), "invalid_token"),
        "alg none": (unsigned, "invalid_token"),
        "alg none, with a signature": (disguised(house, claims, "none"), "invalid_token"),
        "HS/RS confusion": (disguised(house, claims, "RS256"), "invalid_token"),
        "HS512": (signed(house, claims, algorithm="HS512"), "invalid_token"),
        "wrong audience": (signed(house, claims | {"aud": "another"}), "invalid_token"),
        "wrong issuer": (signed(house, claims | {"iss": "another"}), "invalid_token"),
        "revoked family": (revoked, "token_revoked"),
        "a role that the user has not": (signed(house, claims | {"role": "viewer"}), "token_revoked"),
        "a login of nobody": (signed(house, claims | {"login": NOBODY}), "token_revoked"),
        "a user of nobody": (signed(house, claims | {"sub": NOBODY}), "token_revoked"),
        "another tenant": (signed(house, claims | {"tenant": NOBODY}), "token_revoked"),
    }


@ROUTE
async def test_every_route_refuses_whoever_may_not_call_it_and_changes_nothing(house: House, route: Route) -> None:
    owner = await house.pair()
    path, body = path_of(route), body_of(route)
    attacks = await bad_tokens(house, owner["access_token"])
    before = await house.dump()
    if route.policy in TOKEN_POLICIES:
        for name, (token, code) in attacks.items():
            answer = await house.call(route.method, path, token, **body)
            assert (answer.status, answer.code) == (401, code), name
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name
    if route.policy in TOKEN_POLICIES - {Policy.SOCKET}:
        answer = await house.call(route.method, path, **body)
        assert (answer.status, answer.code) == (401, "unauthenticated")
    if route.policy is Policy.PAIRING_KEY:
        wrong = ["", house.key[:-1], house.key.upper() + "0", owner["access_token"]]
        for token in (*wrong, *(token for token, _ in attacks.values() if token != house.key)):
            answer = await house.call(route.method, path, token, **body)
            assert (answer.status, answer.code) == (401, "invalid_pairing_key"), token
    assert await house.dump() == before


@ROUTE
async def test_every_route_refuses_foreign_pages_and_odd_bodies_and_changes_nothing(house: House, route: Route) -> None:
    token = house.key if route.policy is Policy.PAIRING_KEY else (await house.pair())["access_token"]
    path, body = path_of(route), body_of(route)
    before = await house.dump()
    for headers, code in (
        ({"Host": "evil.example"}, "foreign_host"),
        ({"Host": "127.0.0.1"}, "foreign_host"),
        ({"Host": house.host + "0"}, "foreign_host"),
        ({"Origin": "http://evil.example"}, "foreign_origin"),
        ({"Origin": "null"}, "foreign_origin"),
        ({"Origin": f"http://{house.host}0"}, "foreign_origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "foreign_origin"),
        ({"Sec-Fetch-Site": "same-site"}, "foreign_origin"),
    ):
        answer = await house.call(route.method, path, token, headers, **body)
        assert (answer.status, answer.code) == (403, code), headers
    answer = await house.call(route.method, path, token, {"Content-Type": "text/plain"}, data="{}")
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await house.head_only(route.method, path, head | {"Content-Length": "9000000"})
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert await house.dump() == before


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.policy in TOKEN_POLICIES],
    ids=lambda route: f"{route.method} {route.path}",
)
async def test_every_route_refuses_a_role_that_is_too_low_and_changes_nothing(house: House, route: Route) -> None:
    tenant = await house.tenant("acme")
    people = {role: await house.person(tenant, role) for role in get_args(Role)}
    before = await house.dump()
    for role in people.keys() - ROLES[route.policy]:
        answer = await house.call(route.method, path_of(route), people[role].access_token, **body_of(route))
        assert (answer.status, answer.code) == (403, "role"), role
    assert await house.dump() == before
    changing = route.method not in ("GET", "HEAD")
    about_oneself = route.path.startswith(("/api/v5/auth/", "/api/v5/users/me"))
    if changing and not about_oneself:
        assert "viewer" not in ROLES[route.policy], "a viewer only reads"


@pytest.mark.parametrize("policy", [None, "", "anybody"])
async def test_the_application_does_not_start_with_a_route_that_does_not_declare_its_policy(
    house: House, policy: Any
) -> None:
    undeclared = ROUTES[0]._replace(path="/new", policy=policy)
    with pytest.raises(RuntimeError, match="GET /new does not declare"):
        build(house.context, [*ROUTES, undeclared])


async def test_the_application_does_not_start_with_a_route_that_stands_twice(house: House) -> None:
    with pytest.raises(RuntimeError, match="twice"):
        build(house.context, [*ROUTES, ROUTES[0]])


async def test_what_is_no_route_is_the_same_to_everyone(house: House) -> None:
    for token in ("", "nonsense", (await house.pair())["access_token"]):
        assert (await house.call("GET", "/api/v5/nothing", token)).code == "no_such_route"
        assert (await house.call("PUT", "/api/v5/audit", token)).code == "method_not_allowed"
