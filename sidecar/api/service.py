"""The daemon about itself: alive, ready, which version, the proof that it holds the pairing key, and its upkeep.

Upkeep, but for the measures, is for whoever holds the pairing key: it concerns the machine, and not one tenant.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from sidecar import __version__, limits
from sidecar.api.context import CONTEXT
from sidecar.api.requests import body, json_answer, query
from sidecar.api.upkeep import BackupBody
from sidecar.auth.pairing import prove, prove_port
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
    key, nonce = context.pairing_key, query(request, HelloQuery).nonce
    proofs = {"proof": prove(key, nonce, epoch), "port_proof": prove_port(key, nonce, epoch, _port_of(request))}
    return json_answer({**proofs, "version": __version__, "instance": epoch})


def _port_of(request: web.Request) -> int:
    """Return the port that a request came to, whatever its Host header says."""
    name = request.get_extra_info("sockname")
    return int(name[1]) if name else 0  # a connection that is gone has none, and hears no proof


async def status(request: web.Request) -> web.Response:
    """Answer how the daemon is."""
    return json_answer((await request.app[CONTEXT].upkeep.status()).model_dump(mode="json"))


async def back_up(request: web.Request) -> web.Response:
    """Write a backup and answer when it is whole."""
    asked = await body(request, BackupBody)
    report = await request.app[CONTEXT].upkeep.back_up(Path(asked.path), replace=asked.replace)
    return json_answer(report.model_dump(mode="json"))


async def reload(request: web.Request) -> web.Response:
    """Read the settings anew and answer what has changed."""
    return json_answer(request.app[CONTEXT].upkeep.reload().model_dump(mode="json"))


async def metrics(request: web.Request) -> web.Response:
    """Answer the measures, for Prometheus."""
    text = request.app[CONTEXT].upkeep.metrics()
    return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
