"""Logins: opened by pairing, registering or a password, refreshed, listed, ended."""

from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.gate import admit, shows_pairing_key
from sidecar.api.peers import device_of, peer_of
from sidecar.api.requests import PageQuery, body, if_match, json_answer, page_answer, query, raw_answer, tenant_of
from sidecar.models.base import Id, Value
from sidecar.models.users import PersonName
from sidecar.services.accounts import Registration

NewPassword = Annotated[
    str, StringConstraints(min_length=limits.password_chars_min, max_length=limits.password_chars_max)
]
Secret = Annotated[str, StringConstraints(max_length=limits.password_chars_max)]


class EmptyBody(Value):
    """Nothing yet: an empty object."""


class PairBody(Value):
    """The workspace session that is to be worked in, where there is one."""

    workspace_session_id: Id | None = None


class RegisterBody(Value):
    """Who opens an account."""

    email: Annotated[str, StringConstraints(max_length=limits.email_chars_max)]
    password: NewPassword = Field(repr=False)
    first_name: PersonName = ""
    last_name: PersonName = ""


class LoginBody(Value):
    """Who logs in; the tenant where an address has several accounts, the workspace session to work in."""

    email: Annotated[str, StringConstraints(max_length=limits.email_chars_max)]
    password: Secret = Field(repr=False)
    tenant_id: Id | None = None
    workspace_session_id: Id | None = None


class RefreshBody(Value):
    """The refresh token of the newest pair."""

    refresh_token: Secret = Field(repr=False)


async def pair(request: web.Request) -> web.Response:
    """Open a login of the machine's owner; the gate has seen the pairing key."""
    sent = await body(request, PairBody)
    login = await request.app[CONTEXT].accounts.pair(device_of(request, sent.workspace_session_id))
    return raw_answer(login.to_json())


async def register(request: web.Request) -> web.Response:
    """Open an account with its own tenant; the gate has seen the pairing key."""
    sent = await body(request, RegisterBody)
    registration = Registration(sent.email, sent.password, sent.first_name, sent.last_name)
    login = await request.app[CONTEXT].accounts.register(registration, device_of(request))
    return raw_answer(login.to_json(), HTTPStatus.CREATED)


async def login(request: web.Request) -> web.Response:
    """Open a login with a password."""
    sent = await body(request, LoginBody)
    context, peer, is_paired = request.app[CONTEXT], peer_of(request), shows_pairing_key(request, request.app[CONTEXT])
    admit(request, context.attempts.on_account(sent.email, peer, is_paired=is_paired))
    device = device_of(request, sent.workspace_session_id)
    with context.attempts.waiting(peer, is_paired=is_paired):
        opened = await context.accounts.login(sent.email, sent.password, device, tenant_id=sent.tenant_id)
    context.attempts.succeeded(peer, sent.email, is_paired=is_paired)
    return raw_answer(opened.to_json())


async def refresh(request: web.Request) -> web.Response:
    """Exchange a refresh token for the next pair.

    What it is taken from is its own family's bucket, so that nobody's wrong tokens hold up a right one.
    """
    sent = await body(request, RefreshBody)
    context = request.app[CONTEXT]
    family = await context.logins.family_of(sent.refresh_token)
    attempts = context.attempts
    admit(request, attempts.by_peer(peer_of(request)) if family is None else attempts.by_family(family))
    opened = await context.logins.refresh(sent.refresh_token, device_of(request))
    return raw_answer(opened.to_json())


async def logout(request: web.Request) -> web.Response:
    """End the caller's login."""
    context = request.app[CONTEXT]
    await context.logins.end(request[CALLER].principal, device_of(request))
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    response.del_cookie(context.cookie_name, path="/", httponly=True, samesite="Strict")
    return response


async def list_logins(request: web.Request) -> web.Response:
    """List the devices on which the caller is logged in."""
    asked = query(request, PageQuery)
    page = await request.app[CONTEXT].logins.list_of(
        tenant_of(request), request[CALLER].principal.user_id, cursor=asked.cursor, limit=asked.limit
    )
    return page_answer([each.to_json() for each in page.items], page.next_cursor)


async def end_login(request: web.Request) -> web.Response:
    """End one of the caller's logins; an admin may end anybody's in the tenant."""
    principal, session_id, version = request[CALLER].principal, request.match_info["id"], if_match(request)
    await request.app[CONTEXT].logins.end_other(principal, session_id, device_of(request), if_version=version)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def issue_ticket(request: web.Request) -> web.Response:
    """Make a link that lets the caller's browser in, once and soon."""
    caller = request[CALLER]
    caller.check_may_let_in()
    ticket = request.app[CONTEXT].tickets.issue(caller.principal)
    url = f"http://{request.host}/open/{ticket}"
    return json_answer({"url": url, "expires_in": limits.ticket_seconds}, HTTPStatus.CREATED)


async def rotate_keys(request: web.Request) -> web.Response:
    """Sign access tokens with a fresh key from now on."""
    keys = await request.app[CONTEXT].logins.rotate_keys(request[CALLER].principal, device_of(request))
    return json_answer({"key_id": keys.current, "keys": len(keys.secrets)})
