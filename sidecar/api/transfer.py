"""Export and import as JSON Lines, streamed both ways."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.gate import begin
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
    scope, context, principal = _scope(request), request.app[CONTEXT], request[CALLER].principal
    response = web.StreamResponse(headers={"Content-Type": LINES_TYPE})
    response.enable_chunked_encoding()
    await begin(request, response)
    async for lines in context.transfer.lines(scope):
        await context.callers.check(principal)  # their login may have ended while they took what came before
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
    everybody, principal = query(request, TransferQuery).everybody, request[CALLER].principal
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
    """Yield the lines of the body as they come, without what is blank at their ends."""
    pieces: list[bytes] = []
    size = total = 0
    while chunk := await _chunk(request):
        total += len(chunk)
        if total > limits.import_body_bytes_max:
            raise _too_large("The import", limits.import_body_bytes_max)
        *ended, rest = chunk.split(b"\n")
        for each in ended:
            line = b"".join((*pieces, each)).strip()
            pieces, size = [], 0
            yield line
        pieces.append(rest)
        size += len(rest)
        if size > limits.transfer_line_bytes_max:
            raise _too_large("A line of the import", limits.transfer_line_bytes_max)
    yield b"".join(pieces).strip()


def _too_large(what: str, bytes_max: int) -> web.HTTPException:
    return web.HTTPRequestEntityTooLarge(bytes_max, reason=f"{what} has more than {bytes_max} bytes.")
