"""What every request passes before its handler sees it, in one order; ``Gate.answer`` is that order.

Id, errors and access log; Host; Origin; body; who is asking; role; rate; on whose behalf; whether it was
asked before; the answer's form. What a route demands is its policy in ``api.routes``. A gate stands before each route,
and one before all that is no route, so that what a route says of itself is looked up once and not with each request.
"""

import logging
from http import HTTPStatus
from time import perf_counter

from aiohttp import hdrs, web
from multidict import istr

from sidecar import limits
from sidecar.api import problems
from sidecar.api.context import (
    CALLER,
    ROLES,
    TAKEN,
    Context,
    Handler,
    Policy,
)
from sidecar.api.idempotency import HEADER, repeats_login, replayed
from sidecar.api.peers import device_of, peer_of
from sidecar.api.preferences import shaped
from sidecar.api.requests import FIXED_HEADERS, LINES_TYPE
from sidecar.api.shapes import Route
from sidecar.auth.buckets import Taken, rate_of_user
from sidecar.auth.pairing import is_pairing_key
from sidecar.auth.tokens import Principal
from sidecar.errors import ForbiddenError, SidecarError, TooManyRequestsError, UnauthenticatedError
from sidecar.ids import current_request
from sidecar.metrics import Labels, Tally
from sidecar.repositories.transactions import Actor, acting
from sidecar.services.callers import Caller
from sidecar.services.logins import Login

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
BODY_TYPES = frozenset({"application/json", "application/merge-patch+json"})
CSRF_HEADER = "X-Sidecar-CSRF"
NO_ROUTE = "(no route)"
CLIENT_GONE = 499  # nginx's number for it; only the metrics and the log know it
UNKNOWN_METHOD: Labels = (("method", "other"), ("route", NO_ROUTE), ("status", "405"))
_ATTACKS = frozenset({"invalid_token", "token_revoked", "invalid_pairing_key", "invalid_browser_token"})
BEGUN = web.RequestKey("begun", bool)  # there is an answer under way, so that there can be no other
_FETCH_SITE = istr("Sec-Fetch-Site")
_REQUEST_ID = istr("X-Request-Id")
_RATE_LIMIT_POLICY, _RATE_LIMIT = istr("RateLimit-Policy"), istr("RateLimit")
_PLAIN = "identity"  # the coding of a body that is not compressed
_OWN_SITES = frozenset({None, "none", "same-origin"})
_STRANGERS = frozenset({None, Policy.PUBLIC, Policy.CREDENTIALS, Policy.EXCHANGE, Policy.PAIRING_KEY})


class Gate:
    """Stands before one route, or before all that is none.

    Args:
        context: What handlers work with.
        pattern: Of the route's path, which holds nothing that a client wrote.
        handler: What is called at the end.
        route: The row of the table; None where there is no route: then nobody is asked who they are.
    """

    def __init__(self, context: Context, pattern: str, handler: Handler, route: Route | None) -> None:
        self._context = context
        self._pattern = pattern
        self._handler = handler
        self._policy = policy = None if route is None else route.policy
        self._roles = None if policy is None else ROLES.get(policy)
        self._is_stranger = policy in _STRANGERS
        self._body_bytes_max = limits.credentials_body_bytes_max if self._is_stranger else limits.request_body_bytes_max
        self._takes_lines = route is not None and route.shape.lines
        self._is_keyed = route is not None and route.is_keyed
        self._gives_login = route is not None and route.shape.answer is Login
        self._origins = own_origins(context)
        self._silent, self._new_id = context.silent, context.request_ids.new
        self._observe = context.metrics.histogram("request_seconds").observe
        self._tallies: dict[tuple[str, int], Tally] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request: what goes wrong becomes a problem document, and the outcome is counted and logged.

        The log names routes by their patterns: a path may hold a ticket, a query a path of the user's.
        """
        deadline = self._silent.pop(request.protocol, None)
        if deadline is not None:
            deadline.cancel()
        request_id = self._new_id()
        current_request.set(request_id)
        began = perf_counter()
        try:
            response = await self._admitted(request)
        except Exception as error:  # noqa: BLE001 - told to the client, or logged
            response = self._failed(request, error, request_id)
        self._note(request.method, response.status, perf_counter() - began)
        if not response.prepared:
            set_headers(request, response)
        return response

    def _failed(self, request: web.Request, error: Exception, request_id: str) -> web.Response:
        """Return the problem document of what went wrong; that a client has left is no failure of ours."""
        transport = request.transport
        if isinstance(error, ConnectionError) and (transport is None or transport.is_closing()):
            return web.Response(status=CLIENT_GONE)
        if isinstance(error, web.HTTPException):
            return problems.of_http(error, request_id)
        if isinstance(error, SidecarError):
            response = problems.of_error(error, request_id)
        else:
            response = problems.internal(request_id)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR and hdrs.RETRY_AFTER not in response.headers:
            log.error("request %s %s failed", request.method, self._pattern, exc_info=error)
        if BEGUN in request and transport is not None:
            transport.abort()  # another answer would be read as more of the one that has begun
        return response

    async def _admitted(self, request: web.Request) -> web.StreamResponse:
        self._check_host(request)
        self._check_origin(request)
        self._check_body(request)
        caller = self._recalled(request) or await self._authenticated(request)
        if caller is not None:
            request[CALLER] = caller
            self._check_role(caller)
        self._limit_rate(request, caller)
        if caller is None or request.method in SAFE_METHODS:
            return shaped(request, await self._handler(request))
        principal, device = caller.principal, device_of(request)
        who = caller.keys, principal.user_id, principal.login_id
        with acting(Actor(*who, device.ip_address, device.user_agent, caller.user.logins_ended)):
            answering = replayed(request, self._handler) if self._is_keyed else self._handler(request)
            return shaped(request, await answering)

    def _note(self, method: str, status: int, seconds: float) -> None:
        tally = self._tallies.get((method, status))
        if tally is None:
            labels: Labels = (("method", method), ("route", self._pattern), ("status", str(status)))
            counted = labels if method in METHODS else UNKNOWN_METHOD
            tally = self._context.metrics.tally("requests_total", counted)
            if method in METHODS:  # others are the client's own words, and may be any number
                self._tallies[method, status] = tally
        tally.value += 1
        if status != HTTPStatus.SWITCHING_PROTOCOLS:  # a socket lives for days
            self._observe(seconds)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s %d %.1f ms", method, self._pattern, status, seconds * 1000)

    def _check_host(self, request: web.Request) -> None:
        """Refuse a Host that is not ours: a foreign name that was made to point here (DNS rebinding)."""
        host = request.headers.get(hdrs.HOST, "")
        if host not in self._context.hosts and host.lower() not in self._context.hosts:
            raise ForbiddenError("The Host header does not name this daemon.", code="foreign_host")

    def _check_origin(self, request: web.Request) -> None:
        """Refuse a request that a page of another origin makes through the user's browser.

        Another port of this machine is another origin too, although browsers call it the same site.
        """
        origin, site = request.headers.get(hdrs.ORIGIN), request.headers.get(_FETCH_SITE)
        is_foreign = origin is not None and origin.lower() not in self._origins
        if is_foreign or site not in _OWN_SITES:
            raise ForbiddenError("Pages of other origins may not call this daemon.", code="foreign_origin")

    def _check_body(self, request: web.Request) -> None:
        """Refuse a body that is too long, compressed or no JSON, before it is read.

        A body without a length is counted as it comes, but only from those who have shown who they are.
        """
        length = request.content_length
        if length is None and not request.can_read_body:
            return
        is_lines = self._takes_lines and request.content_type == LINES_TYPE
        bytes_max = limits.import_body_bytes_max if is_lines else self._body_bytes_max
        if length is not None and length > bytes_max:
            raise web.HTTPRequestEntityTooLarge(bytes_max, length)
        if request.can_read_body and request.content_type not in BODY_TYPES and not is_lines:
            raise web.HTTPUnsupportedMediaType(reason="The body has to be application/json.")
        if request.headers.get(hdrs.CONTENT_ENCODING, _PLAIN).lower() != _PLAIN:
            raise web.HTTPUnsupportedMediaType(
                reason="The body has to come uncompressed.", headers={hdrs.ACCEPT_ENCODING: _PLAIN}
            )
        if self._is_stranger and length is None:
            raise web.HTTPLengthRequired(reason="The body has to come with its length.")

    def _recalled(self, request: web.Request) -> Caller | None:
        """Return who is asking, if their token was looked up before and nothing was committed since."""
        if self._roles is None:
            return None
        principal = self._context.tokens.recall(request.headers.get(hdrs.AUTHORIZATION, ""))
        return None if principal is None else self._context.callers.recall(principal)

    async def _authenticated(self, request: web.Request) -> Caller | None:
        """Find out who is asking, as the route's policy demands; what is no route is a 404 to everyone."""
        try:
            if self._roles is not None:
                return await self._caller(request)
            if self._policy is Policy.PAIRING_KEY:
                check_pairing_key(request, self._context)
        except UnauthenticatedError as error:
            context = self._context
            if error.code in _ATTACKS and context.attempts.may_be_audited(peer_of(request)):
                await context.accounts.refuse("auth.refused", error.code, device_of(request))
            raise
        return None

    async def _caller(self, request: web.Request) -> Caller | None:
        context = self._context
        token = bearer(request)
        if token is not None:
            principal = context.tokens.verify(token)
            try:
                return await context.callers.check(principal)
            except UnauthenticatedError:
                if not (self._gives_login and await self._repeats_login(request, principal)):
                    raise
                return await context.callers.check(principal, has_ended=True)
        cookie = request.cookies.get(context.cookie_name)
        if cookie is not None:
            caller = await context.callers.check_browser(cookie)
            _check_forgery(request)
            return caller
        if self._policy is not Policy.SOCKET:
            raise UnauthenticatedError("This route needs an access token; pair or log in first.")
        return None

    async def _repeats_login(self, request: web.Request, principal: Principal) -> bool:
        """Tell whether the change that has ended the caller's login is sent again; to be wrong counts as a guess."""
        if HEADER not in request.headers:
            return False
        attempts, peer = self._context.attempts, peer_of(request)
        admit(request, attempts.by_peer(peer))
        is_repeated = await repeats_login(request, principal)
        if is_repeated:
            attempts.succeeded(peer)
        return is_repeated

    def _check_role(self, caller: Caller) -> None:
        """Refuse a role that the route's policy does not name."""
        if self._roles is not None and caller.principal.role not in self._roles:
            raise ForbiddenError(f"The role {caller.principal.role} may not do this.", code="role")

    def _limit_rate(self, request: web.Request, caller: Caller | None) -> None:
        """Take the request from its user's bucket, or from the peer's who shows a secret; an empty one is a 429."""
        if caller is not None:
            rate = rate_of_user(caller.tenant.settings.limits.requests_per_minute_max)
            admit(request, self._context.requests.take((caller.principal.tenant_id, caller.principal.user_id), rate))
        elif self._policy is Policy.CREDENTIALS:
            is_paired = shows_pairing_key(request, self._context)
            admit(request, self._context.attempts.by_peer(peer_of(request), is_paired=is_paired))


async def begin(request: web.Request, response: web.StreamResponse) -> None:
    """Send the head of an answer that its handler goes on with: a stream, or a socket."""
    set_headers(request, response)
    await response.prepare(request)
    request[BEGUN] = True


def set_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Give an answer the headers that all have."""
    headers = response.headers
    if hdrs.SERVER not in headers:
        headers.extend(FIXED_HEADERS)
    headers[_REQUEST_ID] = current_request.get()
    taken = request.get(TAKEN)
    if taken is not None:  # draft-ietf-httpapi-ratelimit-headers: structured fields, times in seconds
        rate = taken.rate
        headers[_RATE_LIMIT_POLICY] = f'"{rate.name}";q={rate.burst};w=60'
        headers[_RATE_LIMIT] = f'"{rate.name}";r={taken.remaining};t={taken.reset_seconds}'


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
    return token.strip() or None if scheme.lower() == "bearer" else None


def shows_pairing_key(request: web.Request, context: Context) -> bool:
    """Tell whether a request bears the pairing key."""
    token = bearer(request)
    return token is not None and is_pairing_key(context.pairing_key, token)


def check_pairing_key(request: web.Request, context: Context) -> None:
    """Refuse a request that does not bear the pairing key."""
    if not shows_pairing_key(request, context):
        raise UnauthenticatedError(
            "This needs the pairing key as a bearer token; it lies in pairing.key of the runtime folder.",
            code="invalid_pairing_key",
        )


def own_origins(context: Context) -> frozenset[str]:
    """Return the origins of our own pages."""
    return frozenset(f"http://{host}" for host in context.hosts)
