"""Logins."""

from aiohttp import web

from sidecar.api.context import CONTEXT
from sidecar.api.requests import body, raw_answer
from sidecar.models.base import Value


class PairBody(Value):
    """Nothing yet: an empty object."""


async def pair(request: web.Request) -> web.Response:
    """Open a login of the machine's owner; the middleware has seen the pairing key."""
    await body(request, PairBody)
    login = await request.app[CONTEXT].accounts.pair(
        ip_address=request.remote or "", user_agent=request.headers.get("User-Agent", "")
    )
    return raw_answer(login.to_json())
