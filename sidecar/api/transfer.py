"""Export and import as JSON Lines, streamed both ways."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from sidecar import limits
from sidecar.api.context import CONTEXT, PRINCIPAL
from sidecar.api.gate import set_headers
from sidecar.api.owners import READ_ALL
from sidecar.api.requests import LINES_TYPE, query, raw_answer, tenant_of
from sidecar.errors import ForbiddenError
from sidecar.models.base import Value
from sidecar.services.transfer import Scope


class TransferQuery(Value):
    """Whose records: the caller's own, or with ``everybody`` the whole tenant's, for admins."""

    everybody: bool = False


async def export(request: web.Request) -> web.StreamResponse:
    """Send sessions, conversations with their messages, and settings, one a line; import takes it back."""
    scope = _scope(request)
    response = web.StreamResponse(headers={"Content-Type": LINES_TYPE})
    response.enable_chunked_encoding()
    set_headers(request, response)
    await response.prepare(request)
    async for lines in request.app[CONTEXT].transfer.lines(scope):
        await response.write(lines)
    await response.write_eof()
    return response


async def take(request: web.Request) -> web.Response:
    """Store what an export holds; what is there under the same ids is replaced."""
    scope = _scope(request)
    if request.content_type != LINES_TYPE:
        raise web.HTTPUnsupportedMediaType(reason=f"The body has to be {LINES_TYPE}.")
    return raw_answer((await request.app[CONTEXT].transfer.take(scope, _lines(request))).to_json())


def _scope(request: web.Request) -> Scope:
    everybody, principal = query(request, TransferQuery).everybody, request[PRINCIPAL]
    if everybody and principal.role != "admin":
        raise ForbiddenError("Only admins export and import what belongs to others.", code="role")
    user_id = None if everybody else principal.user_id
    return Scope(tenant_of(request), user_id, reads_all=principal.role in READ_ALL)


async def _chunk(request: web.Request) -> bytes:
    """Return what of the body comes next, empty at its end."""
    try:
        async with asyncio.timeout(limits.request_seconds_max):
            return await request.content.readany()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason="The body did not come in time.") from None


async def _lines(request: web.Request) -> AsyncIterator[bytes]:
    """Yield the lines of the body as they come; blank ones are passed over."""
    pieces: list[bytes] = []
    size = total = 0
    while chunk := await _chunk(request):
        *ended, rest = chunk.split(b"\n")
        for each in ended:
            line = b"".join((*pieces, each)).strip()
            pieces, size = [], 0
            if line:
                yield line
        pieces.append(rest)
        size, total = size + len(rest), total + len(chunk)
        if size > limits.transfer_line_bytes_max or total > limits.import_body_bytes_max:
            raise web.HTTPRequestEntityTooLarge(limits.transfer_line_bytes_max, size)
    line = b"".join(pieces).strip()
    if line:
        yield line
