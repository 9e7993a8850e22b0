"""Every curl line that the page of the API shows is run by a shell and does what its route says."""

import asyncio
import json
from collections.abc import AsyncIterator
from html import unescape
from http import HTTPStatus
from pathlib import Path
from string import Template

import pytest

from sidecar.api.context import Policy
from sidecar.api.examples import BODIES, curl_of, filled
from sidecar.api.openapi import document
from sidecar.api.routes import ROUTES
from sidecar.models.tenants import Tenant
from tests.integration.house import House, running_house

BELOW = {
    "SESSION": "sessions",
    "CONVERSATION": "conversations",
    "SNAPSHOT": "snapshots",
    "AGENT": "agents",
    "WORKSPACE": "workspaces",
    "FILE": "files",
    "LOGIN": "auth_sessions",
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def run(line: str, variables: dict[str, str], folder: Path, *, seconds: int) -> tuple[int, str]:
    """Return the HTTP status and the body that a line of the page gives."""
    script = f"{line} --max-time {seconds} --write-out '\\n%{{http_code}}'"
    process = await asyncio.create_subprocess_shell(
        script, env=variables, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    body, _, status = output.decode().rpartition("\n")
    return int(status or 0), body


async def variables_of(house: House, tenant: Tenant, number: int, folder: Path) -> dict[str, str]:
    """Return what the lines name, of a person who has one record of every kind."""
    login = await house.person(tenant, "admin", f"person-{number}")
    other = await house.person(tenant, "developer", f"other-{number}")
    ids = await house.belongings(login)
    ticket = await house.call("POST", "/api/v5/auth/tickets", login.access_token, json={})
    kept = await house.call("PUT", "/api/v5/settings/editor/font", login.access_token, json={"value": 1})
    assert kept.status == 201
    return {
        "URL": house.daemon.url,
        "KEY": house.key,
        "TOKEN": login.access_token,
        "REFRESH_TOKEN": login.refresh_token,
        "USER_ID": other.user.id,
        "FOLDER": str(folder),
        "TICKET": ticket.content["url"].rpartition("/")[2],
        **{name: ids[kind] for name, kind in BELOW.items()},
    }


async def test_every_line_of_the_page_works(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "README.md").write_text("hello")
    tenant = await house.tenant("example.org")
    login = await house.person(tenant, "admin")
    bigger = {"settings": {"limits": {"users_max": 20}}}  # the plan allows as many, the tenant has not asked for them
    assert (await house.call("PATCH", "/api/v5/tenant", login.access_token, json=bigger)).status == 200
    watched = await house.call("POST", "/api/v5/workspaces", login.access_token, json={"path": str(folder)})
    while watched.content["progress"]["state"] == "scanning":
        await asyncio.sleep(0.02)
        watched = await house.call("GET", f"/api/v5/workspaces/{watched.content['id']}", login.access_token)
    async with house.http.get(house.daemon.url + "/api/v5/docs") as answer:
        page = unescape(await answer.text())
    for number, route in enumerate(ROUTES):
        line = curl_of(route)
        assert line in page
        variables = await variables_of(house, await house.tenant(f"tenant-{number}"), number, folder)
        if "$FOLDER" in line:
            variables |= {"TOKEN": login.access_token}
        if route.path.endswith("/keys/rotate"):  # the machine's own admins alone
            variables |= {"TOKEN": (await house.pair())["access_token"]}
        if route.shape.lines:
            exported = await house.http.get(
                house.daemon.url + "/api/v5/export", headers={"Authorization": f"Bearer {variables['TOKEN']}"}
            )
            (folder / "sidecar.jsonl").write_bytes(await exported.read())
        status, body = await run(line, variables, folder, seconds=1 if route.policy is Policy.SOCKET else 20)
        assert status in route.shape.statuses, (line, status, body)
        if body and isinstance(route.shape.answer, type):
            assert isinstance(json.loads(body), dict), line


async def test_if_match_is_honoured_where_a_route_says_so_and_nowhere_else(house: House, tmp_path: Path) -> None:
    variables = await variables_of(house, await house.tenant("example.org"), 1, tmp_path)
    paths = document(ROUTES)["paths"]
    for route in ROUTES:
        parameters = [each["name"] for each in paths[route.path][route.method.lower()]["parameters"]]
        assert ("If-Match" in parameters) == route.shape.conditional, route
        if route.method == "GET" or not (route.shape.tagged or route.shape.conditional):
            continue
        own, path = BODIES.get((route.method, route.path.removeprefix("/api/v5"))), filled(route.path)
        sent, path = (Template(text).substitute(variables) for text in (json.dumps(own), path))
        more = {} if own is None else {"json": json.loads(sent)}
        answer = await house.call(route.method, path, variables["TOKEN"], {"If-Match": '"999"'}, **more)
        assert (answer.status == HTTPStatus.PRECONDITION_FAILED) == route.shape.conditional, (route, answer)
        assert answer.status < 300 or route.shape.conditional, (route, answer)
