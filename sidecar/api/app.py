"""The aiohttp application: the routes, with a gate before each and one before every other path."""

import json
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from aiohttp import HttpVersion11, hdrs, web

from sidecar import limits
from sidecar.api.context import CONTEXT, CROWD, Context, Handler, Policy
from sidecar.api.crowd import Crowd
from sidecar.api.docs import PAGE, page
from sidecar.api.gate import NO_ROUTE, Gate
from sidecar.api.openapi import DOCUMENT, document
from sidecar.api.routes import ROUTES
from sidecar.api.shapes import Route


def build(context: Context, routes: Sequence[Route] = ROUTES) -> web.Application:
    """Return the application that serves ``context``.

    Gates are no aiohttp middleware: that is built anew around the handler for each request, at the price of a read.

    Raises:
        RuntimeError: A route does not declare who may call it, or stands twice in the table.
    """
    app = web.Application(client_max_size=limits.request_body_bytes_max)
    app[CONTEXT] = context
    app[CROWD] = Crowd()
    add = partial(app.router.add_route, expect_handler=_expected)
    methods: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        if route.policy not in set(Policy):
            raise RuntimeError(f"{route.method} {route.path} does not declare who may call it.")
        if route.method in methods[route.path]:
            raise RuntimeError(f"{route.method} {route.path} stands twice in the table of routes.")
        methods[route.path].add(route.method)
        add(route.method, route.path, Gate(context, route.path, route.handler, route).answer)
    for path, allowed in methods.items():
        add(hdrs.METH_ANY, path, Gate(context, path, _not_allowed(allowed), None).answer)
    add(hdrs.METH_ANY, "/{path:.*}", Gate(context, NO_ROUTE, _not_found, None).answer)
    described = document(routes)
    app[DOCUMENT] = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    app[PAGE] = page(described)
    return app


async def _expected(request: web.Request) -> None:
    """Have a body sent that waits to be asked for; aiohttp's own repeats other expectations, which may be no text."""
    if request.version < HttpVersion11:
        return
    if request.headers.get(hdrs.EXPECT, "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer has not begun


def _not_allowed(allowed: set[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


async def _not_found(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound
