"""The one way to read a request and to render an answer."""

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aiohttp import hdrs, web
from multidict import CIMultiDict
from pydantic import Field, StringConstraints, ValidationError
from pydantic_core import from_json

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT
from sidecar.errors import InvalidError
from sidecar.models.base import Record, Value, invalid
from sidecar.repositories.codec import Served
from sidecar.repositories.keys import TenantKeys

V = TypeVar("V", bound=Value)
_VERSION_DIGITS_MAX = len(str(limits.version_max))
MERGE_TYPE = "application/merge-patch+json"
FOLDER_FIELD = "workspace_path"
IMPORT_PATH = "/api/v5/import"
LINES_TYPE = "application/x-ndjson"  # of exports and imports, which are streamed


class PageQuery(Value):
    """The query parameters of every list."""

    limit: Annotated[int, Field(ge=1, le=limits.page_items_max)] = limits.page_items_default
    cursor: Annotated[str, StringConstraints(max_length=limits.cursor_chars_max)] | None = None


def tenant_of(request: web.Request) -> TenantKeys:
    """Return the keys of the caller's tenant: a handler reaches no other."""
    return request[CALLER].keys


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
    return await in_real_folder(request, checked(model, await tree(request, _type_of_body(request))))


async def in_real_folder(request: web.Request, asked: V) -> V:
    """Return what a client asks with the path of its folder, if it names one, as that is without links.

    Raises:
        UnavailableError: The folder's file system does not answer.
    """
    named: str | None = getattr(asked, FOLDER_FIELD, None)
    if named is None:
        return asked
    real = await request.app[CONTEXT].folders.real(named)
    return asked if real == named else asked.model_copy(update={FOLDER_FIELD: real})


def checked(model: type[V], sent: object) -> V:
    """Return what came in a body as ``model``.

    Raises:
        InvalidError: It is not what the model allows.
    """
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        raise invalid("The body", error) from None


async def tree(request: web.Request, content_type: str = "application/json") -> object:
    """Return the JSON body as plain values.

    Raises:
        InvalidError: It is no JSON: also when it is nested too deep, or has half of a surrogate pair.
    """
    if request.content_type != content_type:
        raise web.HTTPUnsupportedMediaType(reason=f"The body has to be {content_type}.")
    text = await read(request)
    try:
        return from_json(text)
    except ValueError:
        raise InvalidError("The body is not JSON.", code="invalid_json") from None


async def read(request: web.Request) -> bytes:
    """Return the body, if all of it comes in time."""
    try:
        async with asyncio.timeout(limits.request_seconds_max):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason="The body did not come in time.") from None


async def merge_patch(request: web.Request) -> dict[str, Any]:
    """Return the body as a JSON Merge Patch (RFC 7396) of a record; plain ``application/json`` is taken for one too.

    Raises:
        InvalidError: It is no JSON object.
    """
    patch = await tree(request, _type_of_body(request))
    if not isinstance(patch, dict):
        raise InvalidError("A merge patch of a record is a JSON object.")
    return patch


def _type_of_body(request: web.Request) -> str:
    is_merge = request.method == "PATCH" and request.content_type == MERGE_TYPE
    return MERGE_TYPE if is_merge else "application/json"


def if_match(request: web.Request) -> int | None:
    """Return the version that If-Match asks for; None when the header is absent or ``*``.

    Raises:
        InvalidError: It is not one ETag as this API gives them.
    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    number = header.strip('"')
    is_version = number.isascii() and number.isdigit() and len(number) <= _VERSION_DIGITS_MAX
    if not (is_version and header == f'"{number}"'):
        raise InvalidError('If-Match takes one ETag of this API, for example "3".', code="invalid_if_match")
    return int(number)


FIXED_HEADERS = CIMultiDict({"Server": "sidecar", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"})
_JSON = CIMultiDict({"Content-Type": "application/json; charset=utf-8", **FIXED_HEADERS})


def json_answer(content: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return plain values as JSON."""
    return raw_answer(json.dumps(content).encode(), status)


def raw_answer(text: bytes, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return what is JSON text already."""
    return web.Response(body=text, status=status, headers=_JSON)  # aiohttp would build the same type each time


def record_answer(
    record: Record,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    location: str | None = None,
    **more: Any,  # noqa: ANN401 - JSON
) -> web.Response:
    """Return one record, with its ETag, where it lies if it is new, and some more members."""
    if more:
        response = json_answer({**record.model_dump(mode="json"), **more}, status)
    else:
        response = raw_answer(record.to_json(), status)
    response.headers["ETag"] = f'"{record.version}"'
    if location is not None:
        response.headers["Location"] = location
    return response


def text_answer(record: Served, status: HTTPStatus = HTTPStatus.OK, *, location: str | None = None) -> web.Response:
    """Return one record whose JSON text is at hand, with its ETag."""
    response = raw_answer(record.text, status)
    response.headers[hdrs.ETAG] = f'"{record.version}"'
    if location is not None:
        response.headers[hdrs.LOCATION] = location
    return response


def page_answer(items: Iterable[bytes], next_cursor: str | None) -> web.Response:
    """Return a page of a list, from the JSON texts of its items."""
    return raw_answer(b'{"items":[%b],"next_cursor":%b}' % (b",".join(items), json.dumps(next_cursor).encode()))
