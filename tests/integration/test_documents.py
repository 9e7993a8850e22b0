"""The OpenAPI and AsyncAPI documents are the code: fresh, whole, and what the daemon serves."""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest

from sidecar.api import asyncapi, openapi
from sidecar.api.problems import CODES, HTTP_CODES, STATUSES
from sidecar.api.routes import ROUTES
from sidecar.auth.tokens import TokenKind
from tests.integration.house import House, running_house

ROOT = Path(__file__).parents[2]
OPENAPI = openapi.document(ROUTES)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


@pytest.mark.parametrize(("name", "document"), [("openapi", OPENAPI), ("asyncapi", asyncapi.document())])
def test_the_committed_documents_are_fresh(name: str, document: dict[str, Any]) -> None:
    committed = json.loads((ROOT / "packaging" / "api" / f"{name}.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(document)), "run scripts/apidocs"


@pytest.mark.parametrize("name", ["openapi", "asyncapi"])
def test_the_types_of_the_typescript_client_were_made_from_the_committed_documents(name: str) -> None:
    """Node itself compares them whole, in `scripts/client`; this tells the same where there is none."""
    digest = hashlib.sha256((ROOT / "packaging" / "api" / f"{name}.json").read_bytes()).hexdigest()
    generated = ROOT / "packaging" / "vscode" / "client" / "src" / "generated" / f"{name}.ts"
    assert digest in generated.read_text(encoding="utf-8"), "run scripts/apidocs where there is Node"


def test_every_route_is_described_with_its_policy_and_a_summary() -> None:
    described = {(method.upper(), path) for path, each in OPENAPI["paths"].items() for method in each}
    assert described == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = OPENAPI["paths"][route.path][route.method.lower()]
        assert operation["x-policy"] == route.policy
        assert operation["summary"].endswith("."), route.path
    ids = [operation["operationId"] for each in OPENAPI["paths"].values() for operation in each.values()]
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere() -> None:
    for document in (OPENAPI, asyncapi.document()):
        for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
            place: Any = document
            for name in reference.split("/"):
                place = place[name]


def test_the_codes_that_are_told_are_those_that_the_rooms_raise() -> None:
    raised = {f"invalid_{kind}_token" for kind in get_args(TokenKind)}
    for file in (ROOT / "sidecar").rglob("*.py"):
        if not {"cli", "client", "config.py"} & set(file.parts):
            raised |= set(re.findall(r'(?:(?<![\w.])code=|Refusal\(\s*)"([a-z_]+)"', file.read_text(encoding="utf-8")))
    by_status = {kind.code for kind, _ in STATUSES} | set(HTTP_CODES.values()) | {"http_error"}
    local = {"port_taken", "stopped"}  # told on a terminal, while nothing is served
    assert {code for codes in CODES.values() for code in codes} == (raised - local) | by_status


async def test_the_documents_and_their_page_are_served_to_everyone(house: House) -> None:
    assert (await house.call("GET", "/api/v5/openapi.json")).content == json.loads(json.dumps(OPENAPI))
    async with house.http.get(house.daemon.url + "/api/v5/docs") as answer:
        page = await answer.text()
        assert answer.content_type == "text/html"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page), "nothing comes from elsewhere"
    assert "<script" not in page
    for route in ROUTES:
        assert f"<details id={openapi.operation_id(route)}>" in page


async def test_a_document_comes_compressed_to_who_takes_it_so(house: House) -> None:
    for accepted, coding in (("gzip", "gzip"), ("gzip;q=0, identity", None), ("identity", None)):
        answer = await house.call("GET", "/api/v5/openapi.json", headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding") == coding, accepted
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.content["openapi"] == "3.1.0"
