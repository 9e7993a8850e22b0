"""The OpenAPI 3.1 document, made from the table of routes and the models that serve."""

import inspect
import re
from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, get_args, get_origin

from aiohttp import web
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from sidecar import __version__, limits
from sidecar.api.answers import Problem
from sidecar.api.context import ROLES, Policy
from sidecar.api.examples import curl_of
from sidecar.api.idempotency import HEADER
from sidecar.api.problems import CODES
from sidecar.api.requests import LINES_TYPE, raw_answer
from sidecar.api.shapes import Route, Shape

_REF = "#/components/schemas/{model}"
_ID = {"type": "string", "format": "uuid", "description": "A UUIDv7, as answers give it."}
_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "category": {
        "type": "string",
        "pattern": "^[a-z][a-z0-9_-]*$",
        "maxLength": limits.setting_category_chars_max,
        "minLength": 1,
    },
    "key": {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$", "maxLength": limits.setting_key_chars_max},
    "ticket": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
}
_DESCRIPTION = """Sidecar's API on this machine. Errors are RFC 9457 problem documents with a stable `code`.
Lists take `limit` and `cursor` and answer `items` and `next_cursor`, which is null at the end; a page of large
records holds fewer than `limit`. Single records carry an `ETag`; where a route takes `If-Match`, it is a 412 when the
record has moved on. PATCH of sessions, conversations and agents is JSON Merge Patch (RFC 7396): objects are merged,
arrays are replaced whole, null gives a field its default back; the routes `…/add` and `…/remove` change tags, facts
and decisions without replacing them. A request with an `Idempotency-Key`, where a route takes one, is done once; a
repeat within 24 hours gets the same answer, with `Idempotency-Replayed: true`. `Prefer: return=minimal` leaves the
record out of the answer to a change. Users see what is theirs; managers and admins read everybody's; admins change it
too."""


async def get(request: web.Request) -> web.Response:
    """Return this document."""
    return raw_answer(request.app[DOCUMENT])


DOCUMENT = web.AppKey("openapi", bytes)


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document that describes ``routes``."""
    schemas = _Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, routes, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sidecar", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "responses": {str(status): _problem(status, schemas) for status in sorted(CODES)},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "pairing_key": {"type": "http", "scheme": "bearer", "description": "The text of pairing.key."},
            },
        },
    }


def operation_id(route: Route) -> str:
    """Return the name of a route: ``post_sessions_id_fork``."""
    words = route.path.removeprefix("/api/v5").replace("{", "").replace("}", "")
    return re.sub(r"[^a-z0-9]+", "_", f"{route.method.lower()}{words}").strip("_")


class _Schemas:
    """The JSON schemas of all shapes, each model once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        inputs: list[tuple[Any, JsonSchemaMode]] = [(Problem, "serialization")]
        for route in routes:
            inputs += [(model, "validation") for model in (route.shape.body,) if model]
            inputs += [(each, "serialization") for each in _models(route.shape.answer)]
        unique = list(dict.fromkeys(inputs))
        adapters = [((model, mode), mode, TypeAdapter(model).core_schema) for model, mode in unique]
        generator = GenerateJsonSchema(ref_template=_REF)
        found, self.definitions = generator.generate_definitions([(key, mode, core) for key, mode, core in adapters])
        self._refs = {key: schema for (key, _), schema in found.items()}

    def of(self, model: Any, mode: JsonSchemaMode) -> dict[str, Any]:  # noqa: ANN401 - any type pydantic knows
        """Return the schema of a shape."""
        if get_origin(model) is list:
            (item,) = get_args(model)
            return {
                "type": "object",
                "properties": {
                    "items": {"type": "array", "items": self.of(item, mode)},
                    "next_cursor": {"type": ["string", "null"]},
                },
                "required": ["items", "next_cursor"],
                "additionalProperties": False,
            }
        return dict(self._refs[model, mode])


def _models(answer: Any) -> Iterable[Any]:  # noqa: ANN401 - any type pydantic knows
    if answer is None or isinstance(answer, str):
        return ()
    return get_args(answer) if get_origin(answer) is list else (answer,)


def _operation(route: Route, routes: Sequence[Route], schemas: _Schemas) -> dict[str, Any]:
    shape = route.shape
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": (inspect.getdoc(route.handler) or "").partition("\n")[0],
        "tags": [_noun(route.path)],
        "x-policy": route.policy.value,
        "x-roles": sorted(ROLES.get(route.policy, ())),
        "x-codeSamples": [{"lang": "Shell", "source": curl_of(route)}],
        "security": _security(route.policy),
        "parameters": _parameters(route),
        "responses": _responses(route, routes, schemas),
    }
    if shape.body is not None:
        operation["requestBody"] = {"required": True, "content": _content_of_body(shape, schemas)}
    elif shape.lines:
        operation["requestBody"] = {"required": True, "content": {LINES_TYPE: {"schema": {"type": "string"}}}}
    return operation


def _noun(path: str) -> str:
    words = path.removeprefix("/api/v5/").strip("/").split("/")
    return words[0] if path.startswith("/api/v5/") else "service"


def _security(policy: Policy) -> list[dict[str, list[str]]]:
    if policy is Policy.PAIRING_KEY:
        return [{"pairing_key": []}]
    return [{"token": []}] if policy in ROLES else []


def _content_of_body(shape: Shape, schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.of(shape.body, "validation")
    if not shape.patch:
        return {"application/json": {"schema": schema}}
    assert shape.body is not None  # noqa: S101 - a patch is of something
    fields: dict[str, Any] = {name: {} for name in shape.body.model_fields}
    text = f"A merge patch of {shape.body.__name__}: {shape.body.__doc__}"
    merge = {"type": "object", "description": text, "properties": fields, "additionalProperties": False}
    return {"application/merge-patch+json": {"schema": merge}, "application/json": {"schema": merge}}


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS.get(name, _ID)}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if route.shape.query is not None:
        schema = route.shape.query.model_json_schema(ref_template=_REF)
        required = schema.get("required", ())
        found += [
            {"name": name, "in": "query", "required": name in required, "schema": _without_null(each)}
            for name, each in schema.get("properties", {}).items()
        ]
    if route.is_keyed:
        key = {"type": "string", "minLength": 1, "maxLength": limits.idempotency_key_chars_max, "pattern": "^[!-~]+$"}
        found.append({"name": HEADER, "in": "header", "required": False, "schema": key})
    if route.shape.conditional:
        tag = {"type": "string", "pattern": f'^"[0-9]{{1,{len(str(limits.version_max))}}}"$'}
        found.append({"name": "If-Match", "in": "header", "required": False, "schema": tag})
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a query parameter's schema: it is absent rather than null."""
    kept = {name: each for name, each in schema.items() if name not in ("title", "default", "anyOf")}
    options = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    default = {"default": schema["default"]} if schema.get("default") is not None else {}
    return kept | (options[0] if len(options) == 1 else {"anyOf": options} if options else {}) | default


def _responses(route: Route, routes: Sequence[Route], schemas: _Schemas) -> dict[str, Any]:
    found = {str(status): _answer(route, status, schemas) for status in route.shape.statuses}
    if HTTPStatus.CREATED in route.shape.statuses and "201" in found:
        links = _links(route, routes)
        found["201"] |= {"links": links} if links else {}
    if route.shape.tagged and route.shape.answer is not None and route.method in ("PUT", "PATCH", "POST"):
        found.setdefault("204", {"description": "Done, as preferred without the record.", "headers": _tag(route)})
    for status in sorted(problems_of(route)):
        found.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
    return found


def _problem(status: int, schemas: _Schemas) -> dict[str, Any]:
    return {
        "description": f"{HTTPStatus(status).phrase}. Codes: {', '.join(CODES[status])}.",
        "content": {"application/problem+json": {"schema": schemas.of(Problem, "serialization")}},
    }


def _answer(route: Route, status: int, schemas: _Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    answer = route.shape.answer
    if isinstance(answer, str):
        found["content"] = {answer: {"schema": {"type": "string"}}}
    elif answer is not None:
        found["content"] = {"application/json": {"schema": schemas.of(answer, "serialization")}}
    if route.shape.tagged and answer is not None:
        found["headers"] = _tag(route)
    return found


def _tag(_route: Route) -> dict[str, Any]:
    return {"ETag": {"schema": {"type": "string", "pattern": '^"[0-9]+"$'}}}


def _links(route: Route, routes: Sequence[Route]) -> dict[str, Any]:
    """Return what can be done with a record that was just made: everything below its own path."""
    own = route.path + "/{id}"
    return {
        operation_id(each): {"operationId": operation_id(each), "parameters": {"id": "$response.body#/id"}}
        for each in routes
        if each.path == own or each.path.startswith(own + "/")
    }


@cache
def problems_of(route: Route) -> frozenset[int]:
    """Return the statuses of the problems that a route may answer."""
    found = {403, 503}
    is_known = route.policy in ROLES
    changes = route.method != "GET"
    found |= {401, 429} if route.policy is not Policy.PUBLIC else set()
    if route.shape.body or route.shape.query or "{" in route.path or changes or route.policy is Policy.SOCKET:
        found.add(400)
    if "{" in route.path or changes or route.shape.query:
        found.add(404)
    if changes:
        found |= {408, 409, 413, 415} | (set() if is_known else {411})
    if route.shape.conditional:
        found.add(412)
    if route.is_keyed:
        found.add(422)
    return frozenset(found)
