"""Whatever stands in a query, a path, a header or a body: it is answered with no 5xx, and logged as no failure."""

import asyncio
import itertools
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest

from sidecar.api.context import Policy
from sidecar.api.examples import BODIES, filled
from sidecar.api.routes import ROUTES
from sidecar.api.shapes import Route
from tests.integration.house import House, running_house
from tests.integration.test_curl_lines import variables_of
from tests.integration.test_route_table import path_of

ODD = (
    *(b"", b"%00", b"a%00b", b"%FF", b"%ED%A0%80", b"%F0%9F%98%80", b"%", b"..%2f..", b"/", b"~", b"null", b"[]"),
    *(b"-1", b"1e400", b"NaN", b"9" * 20, b"9" * 5_000, b"0x10", b"%D9%A1", b"a" * 7_000, b"%C3%A9" * 1_000),
    *(b"0001-01-01T00:00:00%2B14:00", b"9999-12-31T23:59:59-12:00", b"9999-12-31T23:59:59.9999Z", b"-62135596801"),
    *(b"AAAA", b"_" * 700, b"/%00", b"/" + b"a/" * 2_000, b"2026-02-30T00:00:00Z", b"1%2C2", b"beginning", b"now"),
)
HEADERS = (
    *(b"If-Match", b"If-None-Match", b"Idempotency-Key", b"Prefer", b"Accept-Encoding", b"Authorization", b"Cookie"),
    *(b"Content-Type", b"Content-Encoding", b"Content-Length", b"Origin", b"Sec-Fetch-Site", b"User-Agent", b"Range"),
    *(b"Upgrade", b"X-Request-Id", b"Expect", b"Sec-WebSocket-Extensions", b"Transfer-Encoding", b"Accept", b"Host"),
)
ODD_HEADERS = (
    *(b"", b'"', b'"' + b"9" * 5_000 + b'"', b'"-1"', b'W/"1"', b"*", b"\xff\xfe", b"\xc3\xa9", b"a" * 7_000),
    *(b"9" * 30, b"-1", b"Bearer", b"Bearer \xff", b"Bearer a.b.c", b"Basic Og==", b"gzip;q=x", b"gzip;q=1e400"),
    *(b"a=b; c", b"=;,=", b"application/json; charset=\xff", b"text/plain; charset=no-such", b"websocket", b"chunked"),
)


ODD_VALUES: tuple[Any, ...] = (
    *("", "/a\0b", "a" * 70_000, "../..", "9" * 5_000, 0, -1, 2**63, 10**400, True, None, [], {}),
    *({"a": {"b": None}}, [None], ["\0"], [{"text": "\0"}]),
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def answer(house: House, method: str, target: bytes, headers: dict[bytes, bytes]) -> bytes:
    """Send a request as it is, and return the first line of the answer; nothing when there is none."""
    host, port = house.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b"" if method in ("GET", "DELETE") else b"{}"
    own = {b"Host": house.host.encode(), b"Content-Type": b"application/json", b"Content-Length": b"%d" % len(body)}
    lines = b"".join(b"%b: %b\r\n" % each for each in (own | headers).items())
    writer.write(method.encode() + b" " + target + b" HTTP/1.1\r\n" + lines + b"\r\n" + body)
    async with asyncio.timeout(20):
        line = await reader.readline()
    writer.transport.abort()
    return line


def queries(route: Route) -> Iterator[bytes]:
    """Yield targets of a route with an odd value in each parameter of its query, beside those that it needs."""
    fields = {} if route.shape.query is None else route.shape.query.model_fields
    path = path_of(route).encode()
    for name in fields:
        needed = [b"%b=/x" % each.encode() for each, field in fields.items() if field.is_required() and each != name]
        yield from (path + b"?" + b"&".join([*needed, name.encode() + b"=" + odd]) for odd in ODD)


def paths(route: Route) -> Iterator[bytes]:
    """Yield targets of a route with an odd value in place of each part of its path that is one."""
    for name in re.findall(r"\{(\w+)\}", route.path):
        before, after = path_of(route, **{name: "\0"}).encode().split(b"\0")
        yield from (before + odd + after for odd in ODD)


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.levelno >= logging.ERROR]


@pytest.mark.parametrize("asked", [queries, paths])
async def test_an_odd_target_is_no_failure_of_ours(
    house: House, asked: Callable[[Route], Iterator[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    token = (await house.pair())["access_token"]
    for route in ROUTES:
        shown = house.key if route.policy is Policy.PAIRING_KEY else token
        for target in asked(route):
            line = await answer(house, route.method, target, {b"Authorization": b"Bearer " + shown.encode()})
            assert line.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4")), (route.method, target[:200], line)
            assert b" 429 " not in line or route.policy is Policy.CREDENTIALS, target
            assert failures(caplog) == [], (route.method, target[:200])


async def test_an_odd_value_in_a_body_is_no_failure_of_ours(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = await house.tenant("example.org")
    variables = await variables_of(house, tenant, 1, tmp_path)
    for route in ROUTES:
        if route.shape.body is None:
            continue
        own = BODIES[route.method, route.path.removeprefix("/api/v5")]
        path = Template(filled(route.path)).substitute(variables)
        whole = json.loads(Template(json.dumps(own)).substitute(variables))
        for name, value in itertools.product(route.shape.body.model_fields, ODD_VALUES):
            token = variables["KEY"] if route.policy is Policy.PAIRING_KEY else variables["TOKEN"]
            found = await house.call(route.method, path, token, json=whole | {name: value})
            assert found.status < 500, (route.method, path, name, str(value)[:100], found)
            assert found.status != 401 or found.code != "token_revoked", (route.method, path, name, str(value)[:100])
            assert failures(caplog) == [], (route.method, path, name, str(value)[:100])
            if route.path.endswith("/password"):  # where it was replaced, the login has ended
                variables["TOKEN"] = (await house.person(tenant, "admin", "person-1")).access_token


@pytest.mark.parametrize(("method", "target"), [("PATCH", "sessions/"), ("POST", "import"), ("GET", "events")])
async def test_an_odd_header_is_no_failure_of_ours(
    house: House, method: str, target: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.request_seconds_max", 0.05)  # a body whose length is odd may never be whole
    token = (await house.pair())["access_token"]
    sent = {"name": "x", "workspace_path": "/x"}
    session = (await house.call("POST", "/api/v5/sessions", token, json=sent)).content["id"]
    path = f"/api/v5/{target}{session if target.endswith('/') else ''}".encode()
    for name, value in itertools.product(HEADERS, ODD_HEADERS):
        line = await answer(house, method, path, {b"Authorization": b"Bearer " + token.encode(), name: value})
        assert line[:10] not in (b"HTTP/1.1 5", b"HTTP/1.0 5"), (name, value[:100], line)
        assert b" 429 " not in line, (name, value[:100])
        assert failures(caplog) == [], (name, value[:100])
