"""The one way to read a request and to render an answer."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import Field, StringConstraints, ValidationError

from sidecar import limits
from sidecar.api.context import TENANT
from sidecar.errors import InvalidError
from sidecar.models.base import Record, Value, invalid
from sidecar.repositories.keys import TenantKeys

V = TypeVar("V", bound=Value)


class PageQuery(Value):
    """The query parameters of every list."""

    limit: Annotated[int, Field(ge=1, le=limits.page_items_max)] = limits.page_items_default
    cursor: Annotated[str, StringConstraints(max_length=limits.cursor_chars_max)] | None = None


def tenant_of(request: web.Request) -> TenantKeys:
    """Return the keys of the caller's tenant: a handler reaches no other."""
    return request[TENANT]


def query(request: web.Request, model: type[V]) -> V:
    """Return the query parameters as ``model``.

    Raises:
        InvalidError: One is unknown, given twice, or not what the model allows.
    """
    parameters: dict[str, str] = {}
    for name, value in request.query.items():
        if name in parameters:
            raise InvalidError(f"The query parameter {name[:64]!r} is given twice.")
        parameters[name] = value
    try:
        return model.model_validate_strings(parameters)
    except ValidationError as error:
        raise invalid("The query", error) from None


async def body(request: web.Request, model: type[V]) -> V:
    """Return the JSON body as ``model``.

    Raises:
        InvalidError: It is no JSON, or not what the model allows.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(reason="The body has to be application/json.")
    text = await request.read()
    try:
        return model.model_validate(json.loads(text))
    except ValidationError as error:
        raise invalid("The body", error) from None
    except (ValueError, RecursionError):
        raise InvalidError("The body is not JSON.", code="invalid_json") from None


def if_match(request: web.Request) -> int | None:
    """Return the version that If-Match asks for; None when the header is absent or ``*``.

    Raises:
        InvalidError: It is not one ETag as this API gives them.
    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    number = header.strip('"')
    if not (header == f'"{number}"' and number.isascii() and number.isdigit()):
        raise InvalidError('If-Match takes one ETag of this API, for example "3".', code="invalid_if_match")
    return int(number)


def json_answer(content: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return plain values as JSON."""
    return raw_answer(json.dumps(content).encode(), status)


def raw_answer(text: bytes, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return what is JSON text already."""
    return web.Response(body=text, status=status, content_type="application/json", charset="utf-8")


def record_answer(record: Record, status: HTTPStatus = HTTPStatus.OK, **more: Any) -> web.Response:  # noqa: ANN401 - JSON
    """Return one record, with its ETag and some more members."""
    if more:
        response = json_answer({**record.model_dump(mode="json"), **more}, status)
    else:
        response = raw_answer(record.to_json(), status)
    response.headers["ETag"] = f'"{record.version}"'
    return response


def page_answer(items: Iterable[bytes], next_cursor: str | None) -> web.Response:
    """Return a page of a list, from the JSON texts of its items."""
    return raw_answer(b'{"items":[%b],"next_cursor":%b}' % (b",".join(items), json.dumps(next_cursor).encode()))
