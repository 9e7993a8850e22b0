"""One HTTP request, sent and answered. Knows aiohttp, and nothing of who is asking or of whom."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp

from sidecar import limits
from sidecar.client.answers import JsonObject, check_text, document, unreachable
from sidecar.errors import InvalidError, UnauthenticatedError

_LINES_TYPE = "application/x-ndjson"
_CLOSED_BAD_MESSAGE = 4400
_TIMEOUT = aiohttp.ClientTimeout(total=limits.client_request_seconds_max, connect=limits.client_connect_seconds_max)
_DOWNLOAD_TIMEOUT = aiohttp.ClientTimeout(
    sock_connect=limits.client_connect_seconds_max, sock_read=limits.client_transfer_seconds_max
)
_UPLOAD_TIMEOUT = aiohttp.ClientTimeout(
    sock_connect=limits.client_connect_seconds_max, sock_read=limits.client_backup_seconds_max
)


class Request(NamedTuple):
    """What is asked.

    Attributes:
        params: The query.
        body: JSON; or ``lines``, JSON Lines as they come.
        bearer: The secret that is shown.
    """

    method: str
    url: str
    params: Mapping[str, str] | None = None
    body: JsonObject | None = None
    lines: AsyncIterator[bytes] | None = None
    bearer: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers to send."""
        headers = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        return headers | ({"Content-Type": _LINES_TYPE} if self.lines is not None else {})


class Http:
    """Sends requests to addresses on this machine."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def call(self, request: Request, *, seconds: float | None = None) -> JsonObject:
        """Return the JSON object of the answer, empty when it has no content.

        Args:
            seconds: How long it may take, if not as long as others.

        Raises:
            SidecarError: The problem document, as the class that its code stands for.
            UnavailableError: Nobody answers.
        """
        timeout = aiohttp.ClientTimeout(total=seconds) if seconds else _TIMEOUT
        try:
            async with self._sent(request, timeout) as response:
                content = await _content(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(request.url) from error
        return document(request.url, response.status, content)

    async def upload(self, request: Request) -> JsonObject:
        """Send lines as they come, however many, and return the answer; see ``call``."""
        try:
            async with self._sent(request, _UPLOAD_TIMEOUT) as response:
                content = await _content(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unreachable(request.url) from error
        return document(request.url, response.status, content)

    async def download(self, request: Request) -> AsyncGenerator[bytes]:
        """Yield the content of the answer as it comes, however long it is; see ``call``."""
        try:
            async with self._sent(request, _DOWNLOAD_TIMEOUT) as response:
                if response.status >= 300:
                    document(request.url, response.status, await _content(response))  # it is a problem, so this raises
                async for chunk in response.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unreachable(request.url) from error

    async def messages(self, request: Request, first: JsonObject) -> AsyncGenerator[str]:
        """Send the first message of a WebSocket, and yield what comes until it ends.

        Raises:
            InvalidError: The first message is not understood.
            UnauthenticatedError: The secret is none, or none any more.
            UnavailableError: Nobody answers.
        """
        check_text(first)
        try:
            async with self._session.ws_connect(
                request.url,
                headers=request.headers(),
                heartbeat=limits.websocket_heartbeat_seconds,
                max_msg_size=limits.client_answer_bytes_max,
                timeout=aiohttp.ClientWSTimeout(ws_close=limits.client_connect_seconds_max),
            ) as socket:
                await socket.send_json(first)
                async for frame in socket:
                    if frame.type is aiohttp.WSMsgType.TEXT:
                        yield frame.data
                if socket.close_code == _CLOSED_BAD_MESSAGE:
                    raise InvalidError(
                        "The daemon does not understand this subscription; is `since` one of its cursors?"
                    )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 401:
                raise UnauthenticatedError("The login has ended.") from error
            raise unreachable(request.url) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(request.url) from error

    @asynccontextmanager
    async def _sent(self, request: Request, timeout: aiohttp.ClientTimeout) -> AsyncIterator[aiohttp.ClientResponse]:  # noqa: ASYNC109 - aiohttp's own
        """Yield an answer whose content is still to come. Redirects are not followed: they may lead anywhere."""
        check_text(request.params)
        check_text(request.body)
        async with self._session.request(
            request.method,
            request.url,
            params=request.params,
            json=request.body,
            data=request.lines,
            headers=request.headers(),
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            yield response


@asynccontextmanager
async def opened() -> AsyncIterator[Http]:
    """Yield a sender of requests. No cookies, no proxy: they go to the address that they name, and nowhere else."""
    async with aiohttp.ClientSession(
        headers={"Accept-Encoding": "identity"},  # on one machine compressing takes longer than what it saves
        timeout=_TIMEOUT,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:
        yield Http(session)


async def _content(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limits.client_answer_bytes_max:
            raise InvalidError(f"The answer has more than {limits.client_answer_bytes_max} bytes.")
    return bytes(content)
