"""What every request passes before its handler sees it, each a small function; ``MIDDLEWARE`` is their order.

Id, access log and errors; Host; Origin; body; who is asking; whose records; role; rate; on whose behalf; the
answer's form; whether it was asked before. What a route demands is its policy in ``api.routes``.
"""

import logging
from http import HTTPStatus
from time import perf_counter

from aiohttp import hdrs, web

from sidecar import limits
from sidecar.api import problems
from sidecar.api.context import (
    CALLER,
    CONTEXT,
    HEARD,
    POLICIES,
    PRINCIPAL,
    REQUEST_ID,
    ROLES,
    TAKEN,
    TENANT,
    Context,
    Handler,
    Policy,
)
from sidecar.api.idempotency import replay
from sidecar.api.peers import device_of, peer_of
from sidecar.api.preferences import shape
from sidecar.api.requests import IMPORT_PATH, LINES_TYPE
from sidecar.auth.buckets import Rate, Taken
from sidecar.auth.pairing import is_pairing_key
from sidecar.errors import ForbiddenError, SidecarError, TooManyRequestsError, UnauthenticatedError
from sidecar.ids import current_request, new_id
from sidecar.repositories.transactions import Actor, acting
from sidecar.services.callers import Caller

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
UNKNOWN_METHOD = (("method", "other"), ("route", "(no route)"), ("status", "405"))
BODY_TYPES = frozenset({"application/json", "application/merge-patch+json"})
CSRF_HEADER = "X-Sidecar-CSRF"
_ATTACKS = frozenset({"invalid_token", "token_revoked", "invalid_pairing_key", "invalid_browser_token"})


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, turn what goes wrong into a problem document, and log the outcome.

    The log names routes by their patterns: a path may hold a ticket, a query a path of the user's.
    """
    request_id = new_id(request.app[CONTEXT].database.clock.now_ms())
    request[REQUEST_ID] = request_id
    request.app[HEARD].add(request.transport)
    current_request.set(request_id)
    began = perf_counter()
    try:
        response = await handler(request)
    except SidecarError as error:
        if problems.status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("request %s %s failed", request.method, pattern_of(request))
        response = problems.of_error(error, request_id)
    except web.HTTPException as error:
        response = problems.of_http(error, request_id)
    except Exception:
        log.exception("request %s %s failed", request.method, pattern_of(request))
        response = problems.internal(request_id)
    seconds = perf_counter() - began
    route = (("method", request.method), ("route", pattern_of(request)), ("status", str(response.status)))
    metrics = request.app[CONTEXT].metrics
    metrics.count("requests_total", route if request.method in METHODS else UNKNOWN_METHOD)
    if response.status != HTTPStatus.SWITCHING_PROTOCOLS:  # a socket lives for days
        metrics.observe("request_seconds", seconds)
    log.debug("%s %s %d %.1f ms", request.method, pattern_of(request), response.status, seconds * 1000)
    return response


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is not ours: a foreign name that was made to point here (DNS rebinding)."""
    if request.headers.get(hdrs.HOST, "").lower() not in request.app[CONTEXT].hosts:
        raise ForbiddenError("The Host header does not name this daemon.", code="foreign_host")
    return await handler(request)


@web.middleware
async def check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request that a page of another origin makes through the user's browser.

    Another port of this machine is another origin too, although browsers call it the same site.
    """
    origin = request.headers.get(hdrs.ORIGIN)
    is_foreign = origin is not None and origin.lower() not in own_origins(request.app[CONTEXT])
    if is_foreign or request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise ForbiddenError("Pages of other origins may not call this daemon.", code="foreign_origin")
    return await handler(request)


@web.middleware
async def check_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a body that is too long or no JSON, before it is read.

    A body without a length is counted as it comes, but only from those who have shown who they are.
    """
    is_stranger = policy_of(request) in (None, Policy.PUBLIC, Policy.CREDENTIALS, Policy.PAIRING_KEY)
    bytes_max = limits.credentials_body_bytes_max if is_stranger else limits.request_body_bytes_max
    is_lines = request.content_type == LINES_TYPE and pattern_of(request) == IMPORT_PATH
    bytes_max = limits.import_body_bytes_max if is_lines else bytes_max
    if (request.content_length or 0) > bytes_max:
        raise web.HTTPRequestEntityTooLarge(bytes_max, request.content_length or 0)
    if request.can_read_body and request.content_type not in BODY_TYPES and not is_lines:
        raise web.HTTPUnsupportedMediaType(reason="The body has to be application/json.")
    if is_stranger and request.can_read_body and request.content_length is None:
        raise web.HTTPLengthRequired(reason="The body has to come with its length.")
    return await handler(request)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is asking, as the route's policy demands; what is no route is a 404 to everyone."""
    try:
        await _identify(request, policy_of(request))
    except UnauthenticatedError as error:
        context = request.app[CONTEXT]
        if error.code in _ATTACKS and context.attempts.may_be_audited(request.remote or ""):
            await context.accounts.refuse("auth.refused", error.code, device_of(request))
        raise
    return await handler(request)


@web.middleware
async def isolate_tenant(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bind the request to its caller's tenant: handlers reach records through these keys and through no others."""
    if PRINCIPAL in request:
        request[TENANT] = request.app[CONTEXT].database.keyspace.tenant(request[PRINCIPAL].tenant_id)
    return await handler(request)


@web.middleware
async def check_role(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a role that the route's policy does not name."""
    policy = policy_of(request)
    if PRINCIPAL in request and policy is not None and request[PRINCIPAL].role not in ROLES[policy]:
        raise ForbiddenError(f"The role {request[PRINCIPAL].role} may not do this.", code="role")
    return await handler(request)


@web.middleware
async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Take the request from its user's bucket, or from the peer's who shows a secret; an empty one is a 429."""
    context = request.app[CONTEXT]
    if PRINCIPAL in request:
        principal = request[PRINCIPAL]
        per_minute = request[CALLER].tenant.settings.limits.requests_per_minute_max
        rate = Rate("requests-of-user", per_minute, per_minute)
        admit(request, context.requests.take((principal.tenant_id, principal.user_id), rate))
    elif policy_of(request) is Policy.CREDENTIALS:
        admit(request, context.attempts.by_peer(peer_of(request)))
    return await handler(request)


@web.middleware
async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let what the handler changes be audited as its caller's doing, in the transaction that changes it."""
    if PRINCIPAL not in request or request.method in SAFE_METHODS:
        return await handler(request)
    principal, device = request[PRINCIPAL], device_of(request)
    with acting(Actor(principal.user_id, principal.login_id, device.ip_address, device.user_agent)):
        return await handler(request)


MIDDLEWARE = (
    answer_errors,
    check_host,
    check_origin,
    check_body,
    authenticate,
    isolate_tenant,
    check_role,
    limit_rate,
    act,
    shape,
    replay,
)


async def _identify(request: web.Request, policy: Policy | None) -> None:
    context = request.app[CONTEXT]
    if policy is Policy.PAIRING_KEY:
        if not shows_pairing_key(request):
            raise UnauthenticatedError(
                "This needs the pairing key as a bearer token; it lies in pairing.key of the runtime folder.",
                code="invalid_pairing_key",
            )
    elif policy in ROLES:
        caller = await _caller(request, context)
        if caller is not None:
            request[CALLER], request[PRINCIPAL] = caller, caller.principal
        elif policy is not Policy.SOCKET:
            raise UnauthenticatedError("This route needs an access token; pair or log in first.")


async def _caller(request: web.Request, context: Context) -> Caller | None:
    token = bearer(request)
    if token is not None:
        return await context.callers.check(context.tokens.verify(token))
    cookie = request.cookies.get(context.cookie_name)
    if cookie is None:
        return None
    caller = await context.callers.check_browser(cookie)
    _check_forgery(request)
    return caller


def _check_forgery(request: web.Request) -> None:
    """Refuse what a browser may have been made to send: a cookie goes with every request, whoever wrote the page."""
    is_socket = request.headers.get(hdrs.UPGRADE) is not None
    if request.method in SAFE_METHODS and not is_socket:
        return
    if hdrs.ORIGIN not in request.headers or (CSRF_HEADER not in request.headers and not is_socket):
        raise ForbiddenError(f"A request with a cookie needs our own Origin and the header {CSRF_HEADER}.", code="csrf")


def admit(request: web.Request, taken: Taken) -> None:
    """Note what was taken, for the answer's headers.

    Raises:
        TooManyRequestsError: The bucket was empty.
    """
    request[TAKEN] = taken
    if not taken.allowed:
        raise TooManyRequestsError(
            f"Too many requests; try again in {taken.retry_after_seconds} s.",
            details={"retry_after_seconds": taken.retry_after_seconds},
        )


def bearer(request: web.Request) -> str | None:
    """Return the bearer token of a request, or None."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def shows_pairing_key(request: web.Request) -> bool:
    """Tell whether a request bears the pairing key."""
    token = bearer(request)
    return token is not None and is_pairing_key(request.app[CONTEXT].pairing_key, token)


def own_origins(context: Context) -> frozenset[str]:
    """Return the origins of our own pages."""
    return frozenset(f"http://{host}" for host in context.hosts)


def pattern_of(request: web.Request) -> str:
    """Return the pattern of a request's route, which holds nothing that the client wrote."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(no route)"


def policy_of(request: web.Request) -> Policy | None:
    """Return who may call the request's route; None for what is no route."""
    return request.app[POLICIES].get((request.method, pattern_of(request)))
