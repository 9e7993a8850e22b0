"""Users: oneself, and as an admin everybody in the tenant."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from sidecar import limits
from sidecar.api.auth import NewPassword, Secret
from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.gate import admit
from sidecar.api.idempotency import ORIGIN
from sidecar.api.patches import patched
from sidecar.api.peers import device_of, peer_of
from sidecar.api.requests import PageQuery, body, if_match, page_answer, query, raw_answer, record_answer, tenant_of
from sidecar.models.base import Flag, Value
from sidecar.models.users import PersonName, Role, User
from sidecar.repositories.users import Users
from sidecar.services.users import NewUser

Email = Annotated[str, StringConstraints(max_length=limits.email_chars_max)]


class MeBody(Value):
    """What a user may say of themselves."""

    first_name: PersonName
    last_name: PersonName


class PasswordBody(Value):
    """The present password, where there is one, and the new one."""

    current_password: Secret | None = Field(default=None, repr=False)
    new_password: NewPassword = Field(repr=False)


class NewUserBody(Value):
    """Whom an admin adds."""

    email: Email
    role: Role = "developer"
    first_name: PersonName = ""
    last_name: PersonName = ""
    password: NewPassword | None = Field(default=None, repr=False)


class UserPatch(Value):
    """What an admin may change of a user; without a password only a new one opens the account."""

    email: Email
    role: Role = "developer"
    first_name: PersonName = ""
    last_name: PersonName = ""
    is_active: Flag = True
    email_verified: Flag = False
    password: NewPassword | None = Field(default=None, repr=False)


async def get_me(request: web.Request) -> web.Response:
    """Return the caller."""
    return _answer(request[CALLER].user)


async def put_me(request: web.Request) -> web.Response:
    """Replace what the caller says of themselves."""
    sent, users = await body(request, MeBody), Users(tenant_of(request))
    user_id, version = request[CALLER].user.id, if_match(request)
    user = await request.app[CONTEXT].database.transact(
        lambda tr: users.update(tr, user_id, sent.model_dump(), if_version=version)
    )
    return _answer(user)


async def put_password(request: web.Request) -> web.Response:
    """Replace the caller's password; every login of theirs ends, and the answer is a new one."""
    sent = await body(request, PasswordBody)
    context, caller, peer = request.app[CONTEXT], request[CALLER], peer_of(request)
    admit(request, context.attempts.by_peer(peer))
    admit(request, context.attempts.on_account(caller.user.email, peer, is_paired=False))
    with context.attempts.waiting(peer, is_paired=False):
        login = await context.accounts.change_password(
            caller, sent.current_password, sent.new_password, device_of(request), origin=request.get(ORIGIN)
        )
    context.attempts.succeeded(peer, caller.user.email)
    return raw_answer(login.to_json())


async def list_all(request: web.Request) -> web.Response:
    """List the tenant's users."""
    asked, users = query(request, PageQuery), Users(tenant_of(request))
    page = await request.app[CONTEXT].database.read(
        lambda tr: users.list_all(tr, cursor=asked.cursor, limit=asked.limit)
    )
    return page_answer([user.public().to_json() for user in page.items], page.next_cursor)


async def add(request: web.Request) -> web.Response:
    """Add a user to the tenant."""
    sent = await body(request, NewUserBody)
    if sent.password is not None:
        request[CALLER].check_may_let_in()
    new = NewUser(sent.email, sent.role, sent.first_name, sent.last_name, sent.password)
    user = await request.app[CONTEXT].users.add(tenant_of(request), new)
    response = _answer(user, HTTPStatus.CREATED)
    response.headers["Location"] = f"/api/v5/users/{user.id}"
    return response


async def patch(request: web.Request) -> web.Response:
    """Merge a patch into a user of the tenant."""
    keys, user_id, service = tenant_of(request), request.match_info["id"], request.app[CONTEXT].users

    async def store(fields: Mapping[str, Any], version: int) -> User:
        if "password" in fields:
            request[CALLER].check_may_let_in()
        return await service.change(keys, user_id, fields, if_version=version)

    changed = await patched(request, Users(keys), user_id, UserPatch, store=store)
    return _answer(changed)


async def remove(request: web.Request) -> web.Response:
    """Remove a user from the tenant."""
    await request.app[CONTEXT].users.remove(tenant_of(request), request.match_info["id"], if_version=if_match(request))
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _answer(user: User, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return record_answer(user.public(), status)
