"""Serving the application on a socket of this machine."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sidecar import limits
from sidecar.api.app import build
from sidecar.api.connections import Connection
from sidecar.api.context import Context
from sidecar.errors import UnavailableError

StartTask = Callable[..., "asyncio.Task[Any]"]


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that the port is ours before anything is served.

    Args:
        host: A loopback address.
        port: 0 takes any free one.

    Raises:
        UnavailableError: The port is taken, or may not be used.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(limits.listen_backlog)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UnavailableError(
                f"Port {port} on {host} is taken by another program; free it, or choose another with --port.",
                code="port_taken",
                details={"host": host, "port": port},
            ) from None
        raise UnavailableError(f"Port {port} on {host} can't be used: {error.strerror}.") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def host_names(listener: socket.socket) -> frozenset[str]:
    """Return the Host headers that name a listening socket: exact loopback names, with its port."""
    port = listener.getsockname()[1]
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


class Server:
    """The application on a listening socket.

    Args:
        listener: From ``bind``.
        context: What the handlers work with.
        start_task: Runs a coroutine in the background by ``name`` and reports its failure.
    """

    def __init__(self, listener: socket.socket, context: Context, start_task: StartTask) -> None:
        self._listener = listener
        self._context = context
        self._start_task = start_task
        self._accepting: asyncio.Task[Any] | None = None
        waits = limits.drain_requests_seconds_max / 2  # aiohttp waits twice, the second time for what is left of it
        self._runner = web.AppRunner(build(context), shutdown_timeout=waits)

    async def start(self) -> None:
        """Begin to answer requests."""
        await self._runner.setup()
        self._listener.setblocking(False)
        self._accepting = self._start_task(self._accept(), name="connections")

    async def close(self) -> None:
        """Take no new requests, close the sockets with a reason, and finish the requests under way."""
        self._context.draining.set()
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
            self._listener.close()  # who comes now is refused, and need not wait for nothing
        await self._runner.cleanup()

    def let_go_of_silent(self) -> None:
        """End the connections over which no request has come: no descriptor is left for those who have one."""
        for protocol in list(self._context.silent):
            if protocol.transport is not None:  # else it is only being made, or gone already
                self._end_if_silent(protocol)

    async def _accept(self) -> None:
        """Take connections as they come; where the system has nothing left to take one with, they wait.

        Not ``loop.create_server``: uvloop's would take and close what it has no descriptor for, and tell nobody.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
                await loop.connect_accepted_socket(self._connected, connection)
            except ConnectionError:  # it has gone again
                continue
            except OSError as error:
                loop.call_exception_handler({"message": "A connection could not be taken.", "exception": error})
                await asyncio.sleep(limits.accept_retry_seconds)

    def _connected(self) -> asyncio.Protocol:
        """Return the protocol of a new connection, which ends when no request comes over it in time.

        aiohttp itself waits for the first head for ever.
        """
        assert self._runner.server is not None  # noqa: S101 - set up before anything is accepted
        loop = asyncio.get_running_loop()
        protocol = Connection(
            self._runner.server,
            self._context,
            loop=loop,
            access_log=None,
            max_line_size=limits.request_header_bytes_max,
            max_field_size=limits.request_header_bytes_max,
            keepalive_timeout=limits.keep_alive_seconds,
            auto_decompress=False,  # also what is refused and thrown away would be: a thousand times what was sent
        )
        deadline = loop.call_later(limits.request_seconds_max, self._end_if_silent, protocol)
        self._context.silent[protocol] = deadline
        return protocol

    def _end_if_silent(self, protocol: web.RequestHandler) -> None:
        deadline = self._context.silent.pop(protocol, None)
        if deadline is not None:
            deadline.cancel()  # in case it has not come yet
            if protocol.transport is not None:
                protocol.transport.abort()
