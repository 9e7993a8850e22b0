"""What every request passes, in this order: id and errors, Host, Origin, who is asking.

Each is a small function; ``api.app`` puts them in their order.
"""

import logging
from http import HTTPStatus

from aiohttp import hdrs, web

from sidecar.api import problems
from sidecar.api.context import CONTEXT, POLICIES, PRINCIPAL, REQUEST_ID, Handler, Policy
from sidecar.auth.pairing import is_pairing_key
from sidecar.errors import ForbiddenError, SidecarError, UnauthenticatedError
from sidecar.ids import new_id

log = logging.getLogger(__name__)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, and turn what goes wrong into a problem document."""
    request_id = new_id(request.app[CONTEXT].database.clock.now_ms())
    request[REQUEST_ID] = request_id
    try:
        response = await handler(request)
    except SidecarError as error:
        if problems.status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("request %s: %s %s", request_id, request.method, request.path)
        response = problems.of_error(error, request_id)
    except web.HTTPException as error:
        response = problems.of_http(error, request_id)
    except Exception:
        log.exception("request %s: %s %s", request_id, request.method, request.path)
        response = problems.internal(request_id)
    log.debug("request %s: %s %s -> %d", request_id, request.method, request.path, response.status)
    return response


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is not ours: a foreign name that was made to point here (DNS rebinding)."""
    if request.headers.get(hdrs.HOST, "").lower() not in request.app[CONTEXT].hosts:
        raise ForbiddenError("The Host header does not name this daemon.", code="foreign_host")
    return await handler(request)


@web.middleware
async def check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request that a page of another origin makes through the user's browser."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and origin.lower() not in {f"http://{host}" for host in request.app[CONTEXT].hosts}:
        raise ForbiddenError("Pages of other origins may not call this daemon.", code="foreign_origin")
    return await handler(request)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is asking, as the route's policy demands; what is no route is a 404 to everyone."""
    policy = request.app[POLICIES].get(request.match_info.handler)
    context = request.app[CONTEXT]
    token = bearer(request)
    if policy is Policy.PAIRING_KEY:
        if token is None or not is_pairing_key(context.pairing_key, token):
            raise UnauthenticatedError("Pairing needs the pairing key as a bearer token.", code="invalid_pairing_key")
    elif policy is Policy.USER or (policy is Policy.SOCKET and token is not None):
        if token is None:
            raise UnauthenticatedError("This route needs an access token; pair or log in first.")
        request[PRINCIPAL] = context.tokens.verify(token)
    return await handler(request)


def bearer(request: web.Request) -> str | None:
    """Return the bearer token of a request, or None."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
