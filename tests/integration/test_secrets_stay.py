"""Planted canaries: no secret appears in a log line, an error, an audit row, a metric, an answer or a process list."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.api.routes import ROUTES
from tests.integration.house import House, running_house
from tests.integration.test_route_table import bad_tokens, body_of, path_of

PASSWORD = "canary-password-7f3a"  # noqa: S105 - planted to be looked for
WRONG = "canary-wrong-guess-91c2"
NEW = "canary-new-password-2d44"
HOLDS_TOKENS = frozenset({"access_token", "refresh_token"})
EMAIL = "canary@example.org"


class Canaries:
    """The secrets of one daemon, gathered as they come to be."""

    def __init__(self, house: House) -> None:
        self.secrets = {"password": PASSWORD, "wrong": WRONG, "new": NEW, "pairing key": house.key}
        for key_id, secret in house.context.tokens.ring.keys.secrets.items():
            self.secrets[f"signing key {key_id}"] = secret

    def plant(self, login: dict[str, Any]) -> dict[str, Any]:
        for name in HOLDS_TOKENS & login.keys():
            self.secrets[f"{name} {len(self.secrets)}"] = login[name]
            if name == "access_token":  # the signature is the secret part, wherever it is cut
                self.secrets[f"signature {len(self.secrets)}"] = login[name].rpartition(".")[2]
        return login

    def found_in(self, text: str) -> list[str]:
        return [name for name, secret in self.secrets.items() if secret in text]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


Call = Callable[..., Awaitable[Any]]


async def open_logins(house: House, call: Call, credentials: dict[str, str]) -> None:
    """Pair, register, log in and refresh, in every wrong way too."""
    await call("POST", "/api/v5/auth/pair", house.key, json={})
    await call("POST", "/api/v5/auth/pair", house.key + "0", json={})
    await call("POST", "/api/v5/auth/pair", house.key, json={"key": house.key})
    login = await call("POST", "/api/v5/auth/register", house.key, json=credentials)
    await call("POST", "/api/v5/auth/register", house.key, json={**credentials, "email": PASSWORD})
    await call("POST", "/api/v5/auth/login", json=credentials)
    await call("POST", "/api/v5/auth/login", json={"email": WRONG, "password": WRONG})
    await call("POST", "/api/v5/auth/login", json={"email": EMAIL, "password": WRONG})
    await call("POST", "/api/v5/auth/login", json={"email": EMAIL, "password": [WRONG]})
    await call(
        "POST", "/api/v5/auth/login", data='{"password": "' + WRONG, headers={"Content-Type": "application/json"}
    )
    await call("POST", "/api/v5/auth/login", headers={"Content-Type": PASSWORD}, data=PASSWORD)
    again = await call("POST", "/api/v5/auth/refresh", json={"refresh_token": login["refresh_token"]})
    await call("POST", "/api/v5/auth/refresh", json={"refresh_token": WRONG})
    house.clock.move(11)
    await call("POST", "/api/v5/auth/refresh", json={"refresh_token": login["refresh_token"]})
    await call("POST", "/api/v5/auth/refresh", json={"refresh_token": again["refresh_token"]})


async def live(house: House, canaries: Canaries) -> list[str]:
    """Do all that has to do with secrets, also wrongly; return the texts of all answers without their own tokens."""
    texts = []

    async def call(method: str, path: str, token: str = "", **more: Any) -> Any:
        answer = await house.call(method, path, token, **more)
        content = answer.content
        if isinstance(content, dict) and HOLDS_TOKENS & content.keys():
            canaries.plant(content)
            content = {name: value for name, value in content.items() if name not in HOLDS_TOKENS}
        texts.append(f"{answer.status} {content} {answer.headers}")
        return answer.content

    credentials = {"email": EMAIL, "password": PASSWORD}
    await open_logins(house, call, credentials)
    login = await call("POST", "/api/v5/auth/login", json=credentials)
    token = login["access_token"]
    passwords = "/api/v5/users/me/password"
    await call("PUT", passwords, token, json={"current_password": WRONG, "new_password": NEW})
    login = await call("PUT", passwords, token, json={"current_password": PASSWORD, "new_password": NEW})
    token = login["access_token"]
    added = await call("POST", "/api/v5/users", token, json={"email": "second@example.org", "password": PASSWORD})
    await call("PATCH", f"/api/v5/users/{added['id']}", token, json={"password": NEW})
    await call("PATCH", f"/api/v5/users/{added['id']}", token, json={"password": NEW, "role": WRONG})
    ticket = (await house.call("POST", "/api/v5/auth/tickets", token)).content["url"].rpartition("/")[2]
    canaries.secrets["ticket"] = ticket
    opened = await house.call("GET", f"/open/{ticket}")
    canaries.secrets["cookie"] = opened.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    await call("GET", f"/open/{ticket}")
    await call("GET", f"/api/v5/nothing/{NEW}?token={token}")
    for route in ROUTES:
        if not route.path.endswith("/logout"):
            await call(route.method, path_of(route), token, **body_of(route))
        await call(route.method, path_of(route), WRONG, **body_of(route))
    assert (await house.call("GET", "/api/v5/users/me", token)).status == 200, "the token was good all the while"
    owner = await call("POST", "/api/v5/auth/pair", house.key, json={})
    await call("POST", "/api/v5/auth/keys/rotate", owner["access_token"])
    canaries.secrets |= {f"signing key {k}": v for k, v in house.context.tokens.ring.keys.secrets.items()}
    for bad, _ in (await bad_tokens(house, owner["access_token"])).values():
        if bad not in canaries.secrets.values():
            canaries.secrets[f"bad token {len(canaries.secrets)}"] = bad
        await call("GET", "/api/v5/users/me", bad)
    for name, page in (("trail", "/api/v5/audit?limit=1000"), ("feed", "/api/v5/changes?since=beginning")):
        for reader in (owner["access_token"], (await house.login(EMAIL, NEW)).content["access_token"]):
            content = (await house.call("GET", page, reader)).content
            texts.append(f"{name} {content}")
    return texts


async def stored_hashes(house: House) -> dict[str, str]:
    """Return the hashes that the store holds: they are secrets too."""
    found: dict[str, str] = {}
    for key, value in (await house.dump(without=())).items():
        fields = json.loads(value[1:]) if key[2:3] in (("users",), ("auth_sessions",)) else {}
        for name in ("password_hash", "refresh_token_hash"):
            if fields.get(name):
                found[f"{name} {key[3]}"] = fields[name]
    return found


async def test_no_secret_leaves_the_daemon_but_to_whom_it_belongs(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries(house)
    texts = await live(house, canaries)
    hashes = await stored_hashes(house)
    assert len([name for name in hashes if name.startswith("password_hash")]) == 2
    assert len([name for name in hashes if name.startswith("refresh_token_hash")]) > 5
    canaries.secrets |= hashes
    assert len(canaries.secrets) > 40, "canaries were planted"
    for text in texts:
        assert not canaries.found_in(text), text[:500]
    log = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert log.count("/open/{ticket}") >= 2, "the access log names routes, not paths"
    assert not canaries.found_in(log)
    assert not canaries.found_in(repr(house.context))
    rows = await house.dump(without=())
    stored = " ".join(value.decode("utf-8", "replace") for value in rows.values())
    assert set(canaries.found_in(stored)) == hashes.keys(), "the store keeps hashes only"
