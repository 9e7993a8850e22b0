"""A connection of the server: what aiohttp itself answers, because no gate was reached, is told as gates tell it.

That is what is no HTTP, a method that HTTP does not name, and what is no path (``OPTIONS *``). Made by ``api.server``.
"""

import asyncio
import logging
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from sidecar.api import problems
from sidecar.api.context import Context
from sidecar.api.gate import NO_ROUTE, set_headers
from sidecar.ids import current_request

log = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """One connection.

    Args:
        manager: aiohttp's server.
        context: Names requests and counts them.
        more: What aiohttp's own take.
    """

    __slots__ = ("_context", "_left")

    def __init__(self, manager: web.Server, context: Context, **more: Any) -> None:  # noqa: ANN401 - aiohttp's
        super().__init__(manager, **more)
        self._context = context
        self._left: asyncio.Future[None] | None = None

    def left(self) -> asyncio.Future[None]:
        """Return what is done once the client has left; nothing else tells a handler that only waits."""
        self._left = asyncio.get_running_loop().create_future()
        if self.transport is None:
            self._left.set_result(None)
        return self._left

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell who waits for it."""
        if self._left is not None and not self._left.done():
            self._left.set_result(None)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request. aiohttp would log what it has read, which may hold a secret, and send it back."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return super().handle_error(request, status, exc, message)
        log.debug("not a request: %s", type(exc).__name__)
        response = web.Response(status=status)
        response.force_close()
        return response

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send an answer; one that has not come through a gate is made a problem document first."""
        if isinstance(resp, web.Response) and hdrs.SERVER not in resp.headers:
            resp = self._told(request, resp)
        return super().finish_response(request, resp, start_time)

    def _told(self, request: web.BaseRequest, bare: web.Response) -> web.Response:
        request_id = self._context.request_ids.new()
        current_request.set(request_id)
        response = problems.of_bare(HTTPStatus(bare.status), request_id)
        set_headers(request, response)
        if bare.keep_alive is False:
            response.force_close()
        labels = (("method", "other"), ("route", NO_ROUTE), ("status", str(bare.status)))
        self._context.metrics.count("requests_total", labels)
        return response
