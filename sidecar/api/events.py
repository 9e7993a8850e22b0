"""The push channel: changes in commit order from any cursor, and the progress of scans.

A client shows its token in the Authorization header or in its first message, then subscribes. It is closed with a
reason when its token ends, when the daemon stops, when it breaks the protocol, and when its socket takes nothing for
too long.
"""

import asyncio
import contextlib
import json
import logging
import traceback
from enum import IntEnum
from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp import WSMsgType, web
from pydantic import Field, TypeAdapter, ValidationError

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT, CROWD
from sidecar.api.folders import FolderPath
from sidecar.api.gate import begin
from sidecar.api.problems import status_of
from sidecar.api.requests import in_real_folder
from sidecar.auth.tokens import Principal
from sidecar.errors import CursorExpiredError, InvalidError, SidecarError, UnauthenticatedError, UnavailableError
from sidecar.feed.log import SINCE_NOW, TOPICS, Filter, Moment
from sidecar.feed.subscriptions import Subscription
from sidecar.ids import current_request
from sidecar.models.base import Value

log = logging.getLogger(__name__)


class CloseCode(IntEnum):
    """Why the daemon closes a socket; from 4000 on they are our own."""

    GOING_AWAY = 1001
    INTERNAL = 1011
    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHENTICATED = 4401
    AUTH_TIMEOUT = 4408
    TOO_SLOW = 4429


class AuthMessage(Value):
    """The first message of a client without an Authorization header; later, a renewal."""

    op: Literal["auth"]
    token: str


_TOPIC = Field(json_schema_extra={"enum": [*sorted(TOPICS)]})  # told of by name when it is none


class SubscribeMessage(Value):
    """What to hear from now on, in place of any earlier subscription.

    Attributes:
        topics: Kinds of records, and ``progress``; empty for all.
        workspace_path: Only of this folder, where a change is in one.
        since: A cursor; ``beginning``; or ``now``.
    """

    op: Literal["subscribe"]
    topics: frozenset[Annotated[str, _TOPIC]] = Field(default=frozenset(), max_length=limits.topics_max)
    workspace_path: FolderPath | None = None
    since: str | None = None


_MESSAGES: TypeAdapter[AuthMessage | SubscribeMessage] = TypeAdapter(
    Annotated[AuthMessage | SubscribeMessage, Field(discriminator="op")]
)


class Closing(Exception):  # noqa: N818 - not an error: the way a task ends its socket
    """The socket is to be closed, with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def events(request: web.Request) -> web.WebSocketResponse:
    """Serve one client until it or the daemon closes."""
    socket = web.WebSocketResponse(
        heartbeat=limits.websocket_heartbeat_seconds, max_msg_size=limits.websocket_message_bytes_max
    )
    listener = _Listener(socket, request)
    request.app[CROWD].enter(is_known=listener.is_known)
    metrics = request.app[CONTEXT].metrics
    metrics.move("feed_subscribers", +1)
    try:
        try:
            await begin(request, socket)
        except UnicodeEncodeError:  # aiohttp repeats what is wrong, which may be no text
            raise web.HTTPBadRequest(reason="The handshake of a WebSocket is ASCII.") from None
        code, reason = await listener.serve()
    finally:
        metrics.move("feed_subscribers", -1)
        request.app[CROWD].leave(is_known=listener.is_known)
    await _close(socket, request.transport, code, reason)
    return socket


async def _close(socket: web.WebSocketResponse, transport: asyncio.Transport | None, code: int, reason: str) -> None:
    """Close with a reason; who does not read, reads no reason either, and their connection is cut."""
    try:
        async with asyncio.timeout(limits.websocket_close_seconds_max):
            await socket.close(code=code, message=reason.encode())
    except TimeoutError:
        if transport is not None:
            transport.abort()


_OF_LOGINS = frozenset({"auth_sessions", "users", "tenants"})


def _tells_of_logins(moments: list[Moment]) -> bool:
    return any(event.kind in _OF_LOGINS for moment in moments for event in moment.events)


def _end_of(closings: BaseExceptionGroup[Closing]) -> tuple[int, str]:
    """Return why a socket ends, and let go of the frames that ended it.

    They hold the exceptions, which hold them: memory would stay until the next search for garbage.
    """
    closing = closings.exceptions[0]
    for each in (closings, *closings.exceptions):
        traceback.clear_frames(each.__traceback__)
    assert isinstance(closing, Closing)  # noqa: S101 - except* gives nothing else
    return closing.code, closing.reason


def _failure_of(errors: ExceptionGroup[Exception]) -> tuple[int, str]:
    """Return why a socket ends that can't be served any more: a second answer would be read as a part of its stream."""
    log.error("a socket failed", exc_info=errors)
    error = errors.exceptions[0]
    if isinstance(error, SidecarError) and status_of(error) is HTTPStatus.SERVICE_UNAVAILABLE:
        return CloseCode.TRY_AGAIN_LATER, "The store can't be read at present; resume from the last cursor."
    return CloseCode.INTERNAL, f"Something went wrong inside Sidecar; its log tells more under {current_request.get()}."


class _Listener:
    """One client: reads its messages, sends what it subscribed to."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._request = request
        self._context = request.app[CONTEXT]
        self._crowd = request.app[CROWD]
        caller = request.get(CALLER)
        self._principal: Principal | None = None if caller is None else caller.principal
        self._renewed = asyncio.Event()
        self._sending: list[asyncio.Task[None]] = []

    @property
    def is_known(self) -> bool:
        """Whether the client has shown who it is."""
        return self._principal is not None

    async def serve(self) -> tuple[int, str]:
        """Return the close code and reason when it is over."""
        ended: tuple[int, str] = CloseCode.GOING_AWAY, ""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(tasks))
                tasks.create_task(self._end_with_token())
                tasks.create_task(self._end_with_login())
                tasks.create_task(self._end_with_daemon())
        except* Closing as closings:
            ended = _end_of(closings)
        except* Exception as errors:  # noqa: BLE001 - logged there
            ended = _failure_of(errors)
        finally:
            self._sending.clear()
        return ended

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                raise Closing(CloseCode.BAD_MESSAGE, "Messages are JSON text.")
            try:
                asked = _MESSAGES.validate_json(message.data)
            except ValidationError:
                raise Closing(CloseCode.BAD_MESSAGE, "A message has the op `auth` or `subscribe`.") from None
            if isinstance(asked, AuthMessage):
                await self._authenticate(asked.token)
            elif self._principal is None:
                raise Closing(CloseCode.UNAUTHENTICATED, "The first message has to be auth.")
            elif not asked.topics <= TOPICS:
                raise Closing(CloseCode.BAD_MESSAGE, f"Topics: {' '.join(sorted(TOPICS))}.")
            else:
                await self._subscribe(await self._in_real_folder(asked), self._principal, tasks)
        raise Closing(CloseCode.GOING_AWAY, "")

    async def _in_real_folder(self, asked: SubscribeMessage) -> SubscribeMessage:
        try:
            return await in_real_folder(self._request, asked)
        except UnavailableError as error:
            raise Closing(CloseCode.TRY_AGAIN_LATER, error.message) from None

    async def _authenticate(self, token: str) -> None:
        try:
            principal = (await self._context.callers.check(self._context.tokens.verify(token))).principal
        except UnauthenticatedError as error:
            raise Closing(CloseCode.UNAUTHENTICATED, error.code) from None
        if self._principal is not None and principal.user_id != self._principal.user_id:
            raise Closing(CloseCode.UNAUTHENTICATED, "A token of another user can't renew this socket.")
        if self._principal is None:
            self._introduce()
        self._principal = principal
        self._renewed.set()

    def _introduce(self) -> None:
        try:
            self._crowd.introduce()
        except UnavailableError as error:
            raise Closing(CloseCode.GOING_AWAY, error.message) from None

    async def _subscribe(self, asked: SubscribeMessage, principal: Principal, tasks: asyncio.TaskGroup) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        wanted = Filter(asked.topics, asked.workspace_path)
        changes = Subscription(self._context.feed(principal.tenant_id), wanted, self._context.database.clock)
        try:
            reset = await changes.begin(asked.since or SINCE_NOW)
        except InvalidError as error:
            raise Closing(CloseCode.BAD_MESSAGE, error.message) from None
        if reset is not None:
            await self._send(reset)
        await self._send_json({"type": "subscribed", "cursor": changes.cursor, "topics": sorted(asked.topics)})
        self._sending = [tasks.create_task(self._send_changes(changes))]
        if not asked.topics or "progress" in asked.topics:
            self._sending.append(tasks.create_task(self._send_progress(asked, principal)))

    async def _send_changes(self, changes: Subscription) -> None:
        clock, metrics = self._context.database.clock, self._context.metrics
        began_ms = clock.now_ms()
        while True:
            await self._send(await changes.next())
            if changes.newest_ms >= began_ms:  # what was committed before is history, and not late
                metrics.observe("feed_lag_seconds", max(clock.now_ms() - changes.newest_ms, 0) / 1000)

    async def _send_progress(self, asked: SubscribeMessage, principal: Principal) -> None:
        order = 0
        while True:
            for note in await self._context.progress.after(order, principal.tenant_id):
                order = note.order
                if asked.workspace_path in (None, note.workspace_path):
                    place = {"workspace_id": note.workspace_id, "workspace_path": note.workspace_path}
                    await self._send_json({"type": "progress", **place, **note.progress.model_dump(mode="json")})

    async def _send_json(self, content: object) -> None:
        await self._send(json.dumps(content).encode())

    async def _send(self, text: bytes) -> None:
        try:
            async with asyncio.timeout(limits.subscriber_send_seconds_max):
                await self._socket.send_frame(text, WSMsgType.TEXT)
        except TimeoutError:
            raise Closing(CloseCode.TOO_SLOW, "Nothing was read for too long; resume from the last cursor.") from None
        except (ConnectionError, RuntimeError):  # aiohttp raises RuntimeError once the socket has begun to close
            raise Closing(CloseCode.GOING_AWAY, "") from None

    async def _authenticated(self) -> Principal:
        while self._principal is None:
            await self._renewed.wait()
        return self._principal

    async def _end_with_login(self) -> None:
        """Look at the login again whenever the tenant's feed tells that a login, a user or the tenant has changed."""
        principal = await self._authenticated()
        log, hub = self._context.feed(principal.tenant_id)
        stamp = await log.position(SINCE_NOW)
        while True:
            try:
                await self._context.callers.check(self._principal or principal)
                while not (moments := await hub.after(stamp)) or not _tells_of_logins(moments):
                    stamp = moments[-1].stamp if moments else stamp
                stamp = moments[-1].stamp
            except CursorExpiredError:
                stamp = await log.position(SINCE_NOW)
            except UnauthenticatedError as error:
                raise Closing(CloseCode.UNAUTHENTICATED, error.code) from None

    async def _end_with_token(self) -> None:
        try:
            async with asyncio.timeout(limits.websocket_auth_seconds):
                self._principal = await self._authenticated()
        except TimeoutError:
            raise Closing(CloseCode.AUTH_TIMEOUT, "No token was shown in time.") from None
        while (left_ms := self._principal.expires_at_ms - self._context.database.clock.now_ms()) > 0:
            self._renewed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_ms / 1000):
                    await self._renewed.wait()
        raise Closing(CloseCode.UNAUTHENTICATED, "token_expired")

    async def _end_with_daemon(self) -> None:
        await self._context.draining.wait()
        raise Closing(CloseCode.GOING_AWAY, "The daemon is stopping; resume from the last cursor.")
