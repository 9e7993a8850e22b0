"""The door for browsers: a ticket in the path becomes a cookie, and the browser goes on to the start page."""

from http import HTTPStatus

from aiohttp import web

from sidecar import limits
from sidecar.api.context import CONTEXT
from sidecar.api.gate import shows_pairing_key
from sidecar.api.peers import device_of, peer_of
from sidecar.errors import UnauthenticatedError

START_PAGE = "/"


async def open_browser(request: web.Request) -> web.Response:
    """Take a ticket and give its cookie; the ticket is worth nothing from then on."""
    context, device = request.app[CONTEXT], device_of(request)
    holder = context.tickets.take(request.match_info["ticket"])
    token = None if holder is None else await context.accounts.open_browser(holder, device)
    if token is None:
        if context.attempts.may_be_audited(peer_of(request)):
            await context.accounts.refuse("auth.ticket_refused", "invalid_ticket", device)
        raise UnauthenticatedError(
            "The link was used or is too old, or the login that made it has ended; ask for a new one.",
            code="invalid_ticket",
        )
    context.attempts.succeeded(peer_of(request), is_paired=shows_pairing_key(request, context))
    response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": START_PAGE})
    response.headers["Referrer-Policy"] = "no-referrer"
    response.set_cookie(
        context.cookie_name,
        token,
        max_age=limits.browser_login_seconds,
        path="/",
        httponly=True,
        samesite="Strict",
    )
    return response
