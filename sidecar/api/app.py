"""The aiohttp application: the routes, the middleware in its order, and the headers on every answer."""

from aiohttp import hdrs, web

from sidecar import limits
from sidecar.api import middleware
from sidecar.api.context import CONTEXT, POLICIES, Context
from sidecar.api.routes import ROUTES

MIDDLEWARE = (
    middleware.answer_errors,
    middleware.check_host,
    middleware.check_origin,
    middleware.authenticate,
)


def build(context: Context) -> web.Application:
    """Return the application that serves ``context``."""
    app = web.Application(middlewares=MIDDLEWARE, client_max_size=limits.request_body_bytes_max)
    app[CONTEXT] = context
    app[POLICIES] = {route.handler: route.policy for route in ROUTES}
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    app.on_response_prepare.append(_set_headers)
    return app


async def _set_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = "sidecar"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
