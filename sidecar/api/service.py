"""The daemon about itself: alive, ready, which version, and the proof that it holds the pairing key."""

from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from sidecar import __version__, limits
from sidecar.api.context import CONTEXT
from sidecar.api.requests import json_answer, query
from sidecar.auth.pairing import prove
from sidecar.models.base import Value

API_VERSION = 5


class HelloQuery(Value):
    """What a client asks the daemon to prove itself with."""

    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=limits.nonce_chars_max)]


async def healthz(_request: web.Request) -> web.Response:
    """Answer that the process is alive."""
    return json_answer({"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """Answer whether requests are served: the store is open and the daemon is not stopping."""
    if request.app[CONTEXT].draining.is_set():
        return json_answer({"status": "stopping"}, HTTPStatus.SERVICE_UNAVAILABLE)
    return json_answer({"status": "ready"})


async def version(_request: web.Request) -> web.Response:
    """Answer the program's version and the API's."""
    return json_answer({"version": __version__, "api": API_VERSION})


async def hello(request: web.Request) -> web.Response:
    """Prove to a client that this daemon holds the pairing key, before the client sends it a secret."""
    context = request.app[CONTEXT]
    epoch = context.database.engine.epoch
    proof = prove(context.pairing_key, query(request, HelloQuery).nonce, epoch)
    return json_answer({"proof": proof, "version": __version__, "instance": epoch})
