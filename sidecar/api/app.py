"""The aiohttp application: the routes, the middleware in its order, and the headers on every answer."""

import json
from collections.abc import Sequence
from weakref import WeakSet

from aiohttp import hdrs, web

from sidecar import limits
from sidecar.api.context import CONTEXT, CROWD, HEARD, POLICIES, REQUEST_ID, TAKEN, Context, Policy
from sidecar.api.crowd import Crowd
from sidecar.api.docs import PAGE, page
from sidecar.api.middleware import MIDDLEWARE
from sidecar.api.openapi import DOCUMENT, document
from sidecar.api.routes import ROUTES
from sidecar.api.shapes import Route


def build(context: Context, routes: Sequence[Route] = ROUTES) -> web.Application:
    """Return the application that serves ``context``.

    Raises:
        RuntimeError: A route does not declare who may call it, or stands twice in the table.
    """
    app = web.Application(middlewares=MIDDLEWARE, client_max_size=limits.request_body_bytes_max)
    app[CONTEXT] = context
    app[HEARD] = WeakSet()
    app[CROWD] = Crowd()
    policies: dict[tuple[str, str], Policy] = {}
    for route in routes:
        if route.policy not in set(Policy):
            raise RuntimeError(f"{route.method} {route.path} does not declare who may call it.")
        added = app.router.add_route(route.method, route.path, route.handler)
        assert added.resource is not None  # noqa: S101 - a route that is added by path has one
        place = (route.method, added.resource.canonical)
        if place in policies:
            raise RuntimeError(f"{route.method} {route.path} stands twice in the table of routes.")
        policies[place] = route.policy
    app[POLICIES] = policies
    described = document(routes)
    app[DOCUMENT] = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    app[PAGE] = page(described)
    app.on_response_prepare.append(_set_headers)
    return app


async def _set_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = "sidecar"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    taken = request.get(TAKEN)
    if taken is not None:  # draft-ietf-httpapi-ratelimit-headers: structured fields, times in seconds
        response.headers["RateLimit-Policy"] = f'"{taken.rate.name}";q={taken.rate.burst};w=60'
        response.headers["RateLimit"] = f'"{taken.rate.name}";r={taken.remaining};t={taken.reset_seconds}'
