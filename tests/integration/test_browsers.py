"""The door for browsers: a link that works once, a cookie that no page can read or use from elsewhere."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sidecar import limits
from tests.integration.house import PASSWORD, Answer, House, running_house

CSRF = {"X-Sidecar-CSRF": "1"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def ticket_path(house: House, token: str) -> str:
    answer = await house.call("POST", "/api/v5/auth/tickets", token)
    assert answer.status == 201
    assert answer.content["url"].startswith(house.daemon.url + "/open/")
    return str(answer.content["url"].removeprefix(house.daemon.url))


async def browser(house: House, token: str) -> dict[str, str]:
    """Open a link as a browser does; return the header that it sends from then on."""
    opened = await house.call("GET", await ticket_path(house, token), headers={"Sec-Fetch-Site": "none"})
    assert opened.status == 303
    cookie = SimpleCookie(opened.headers["Set-Cookie"])
    [(name, morsel)] = cookie.items()
    return {"Cookie": f"{name}={morsel.value}"}


async def test_a_link_works_once_and_gives_a_cookie_that_scripts_and_other_sites_do_not_see(house: House) -> None:
    path = await ticket_path(house, (await house.pair())["access_token"])
    opened = await house.call("GET", path)
    assert (opened.status, opened.headers["Location"]) == (303, "/")
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    [(name, morsel)] = SimpleCookie(opened.headers["Set-Cookie"]).items()
    assert name == house.context.cookie_name
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "/")
    assert morsel["domain"] == ""
    again = await house.call("GET", path)
    assert (again.status, again.code) == (401, "invalid_ticket")
    assert "Set-Cookie" not in again.headers


async def test_a_link_that_is_too_old_made_up_or_opened_by_another_page_opens_nothing(house: House) -> None:
    token = (await house.pair())["access_token"]
    path = await ticket_path(house, token)
    foreign = await house.call("GET", path, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status, foreign.code) == (403, "foreign_origin")
    assert (await house.call("GET", "/open/nonsense")).code == "invalid_ticket"
    house.clock.move(limits.ticket_seconds)
    assert (await house.call("GET", path)).code == "invalid_ticket"
    refused = await house.events(token, event="auth.ticket_refused")
    assert len(refused) == 2


async def test_a_link_outlives_a_refresh_of_the_login_that_made_it_and_not_its_end(house: House) -> None:
    login = await house.pair()
    path = await ticket_path(house, login["access_token"])
    sent = {"refresh_token": login["refresh_token"]}
    login = (await house.call("POST", "/api/v5/auth/refresh", json=sent)).content
    assert (await house.call("GET", path)).status == 303
    path = await ticket_path(house, login["access_token"])
    await house.call("POST", "/api/v5/auth/logout", login["access_token"])
    assert (await house.call("GET", path)).code == "invalid_ticket"
    tenant = await house.tenant("acme")
    admin, user = await house.person(tenant, "admin"), await house.person(tenant, "developer")
    for change in ({"role": "viewer"}, {"password": PASSWORD}, {"is_active": False}):
        path = await ticket_path(house, (await house.person(tenant, "developer")).access_token)
        changed = await house.call("PATCH", f"/api/v5/users/{user.user.id}", admin.access_token, json=change)
        assert changed.status == 200
        assert (await house.call("GET", path)).code == "invalid_ticket"


async def test_a_browser_can_make_nothing_that_lets_somebody_in_beyond_its_end(house: House) -> None:
    owner = await house.pair()
    own = await browser(house, owner["access_token"]) | CSRF | {"Origin": house.daemon.url}
    before = await house.dump()
    asked = {
        ("POST", "/api/v5/auth/tickets"): None,
        ("PUT", "/api/v5/users/me/password"): {"new_password": PASSWORD},
        ("PATCH", f"/api/v5/users/{owner['user']['id']}"): {"password": PASSWORD},
        ("POST", "/api/v5/users"): {"email": "mallory@example.org", "role": "admin", "password": PASSWORD},
    }
    for (method, path), sent in asked.items():
        answer = await house.call(method, path, headers=own, json=sent)
        assert (answer.status, answer.code) == (403, "browser_login"), path
    assert await house.dump() == before
    await house.register("dev@example.org")
    dev = (await house.login("dev@example.org")).content
    own = await browser(house, dev["access_token"]) | CSRF | {"Origin": house.daemon.url}
    change = {"current_password": PASSWORD, "new_password": "another passphrase of mine"}
    assert (await house.call("PUT", "/api/v5/users/me/password", headers=own, json=change)).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        (CSRF, 403),
        ({"Origin": "own"}, 403),
        ({"Origin": "http://evil.example", **CSRF}, 403),
        ({"Origin": "own", "Sec-Fetch-Site": "same-site", **CSRF}, 403),
        ({"Origin": "own", "Sec-Fetch-Site": "same-origin", **CSRF}, 200),
        ({"Origin": "own", **CSRF}, 200),
    ],
    ids=str,
)
async def test_a_cookie_reads_and_changes_something_only_from_our_own_pages(
    house: House, headers: dict[str, str], status: int
) -> None:
    cookie = await browser(house, (await house.pair())["access_token"])
    assert (await house.call("GET", "/api/v5/users/me", headers=cookie)).status == 200
    before = await house.dump()
    sent = {name: value.replace("own", house.daemon.url) for name, value in headers.items()}
    answer = await change_name(house, cookie | sent)
    assert answer.status == status, answer
    if status == 403:
        assert answer.code in ("csrf", "foreign_origin")
        assert await house.dump() == before


async def change_name(house: House, headers: dict[str, str]) -> Answer:
    body = {"first_name": "Grace", "last_name": "Hopper"}
    return await house.call("PUT", "/api/v5/users/me", headers=headers, json=body)


async def connect(house: House, headers: dict[str, str]) -> Any:
    async with house.http.ws_connect(house.daemon.url + "/api/v5/events", headers=headers) as socket:
        await socket.send_json({"op": "subscribe", "topics": ["files"]})
        return (await socket.receive_json(timeout=20))["type"]


async def test_a_cookie_opens_a_socket_only_from_our_own_pages(house: House) -> None:
    cookie = await browser(house, (await house.pair())["access_token"])
    assert await connect(house, cookie | {"Origin": house.daemon.url}) == "subscribed"
    for headers in (cookie, cookie | {"Origin": "http://evil.example"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await connect(house, headers)
        assert caught.value.status == 403


async def test_a_browsers_login_ends_in_time_by_logging_out_and_with_its_user(house: House) -> None:
    owner = await house.pair()
    first, second = await browser(house, owner["access_token"]), await browser(house, owner["access_token"])
    left = await house.call("POST", "/api/v5/auth/logout", headers=first | CSRF | {"Origin": house.daemon.url})
    assert left.status == 204
    assert SimpleCookie(left.headers["Set-Cookie"])[house.context.cookie_name]["max-age"] == "0"
    assert (await house.call("GET", "/api/v5/users/me", headers=first)).code == "token_revoked"
    assert (await house.call("GET", "/api/v5/users/me", headers=second)).status == 200
    house.clock.move(limits.browser_login_seconds)
    assert (await house.call("GET", "/api/v5/users/me", headers=second)).code == "token_revoked"


async def test_a_cookie_is_no_refresh_token_and_no_bearer_token(house: House) -> None:
    cookie = await browser(house, (await house.pair())["access_token"])
    token = cookie["Cookie"].partition("=")[2]
    for disguise in (token, token.replace("scb_", "scr_", 1)):
        answer = await house.call("POST", "/api/v5/auth/refresh", json={"refresh_token": disguise})
        assert (answer.status, answer.code) == (401, "invalid_refresh_token")
    assert (await house.call("GET", "/api/v5/users/me", token)).code == "invalid_token"
    changed = {"Cookie": cookie["Cookie"][:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")}
    assert (await house.call("GET", "/api/v5/users/me", headers=changed)).status == 401
