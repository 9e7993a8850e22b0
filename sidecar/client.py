"""The HTTP client of the CLI: finds the daemon, makes it prove itself, and speaks the v5 API to it.

Nothing secret is sent before the server has shown, by a proof over a fresh nonce and its port, that it holds the
pairing key: a stranger who took the daemon's port learns nothing. Besides ``api``, the only module that knows aiohttp.
"""

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import aiohttp

from sidecar import endpoint, errors, limits
from sidecar.auth.pairing import prove_port
from sidecar.errors import ForbiddenError, InvalidError, SidecarError, UnauthenticatedError, UnavailableError

log = logging.getLogger(__name__)

JsonObject = dict[str, Any]

_LINES_TYPE = "application/x-ndjson"
_NONCE_BYTES = 24
_HTTP_PORT = 80
_CLOSED_BAD_MESSAGE = 4400
_HTTP = aiohttp.ClientTimeout(total=limits.client_request_seconds_max, connect=limits.client_connect_seconds_max)


class UserTokens(NamedTuple):
    """A login that outlives a client.

    Attributes:
        email: Whose it is.
        access_token: Good for minutes.
        refresh_token: Exchanged for the next pair; each works once.
    """

    email: str
    access_token: str
    refresh_token: str


class KeptLogin(Protocol):
    """Where a login is kept for the next client, if the user has opened one."""

    def load(self) -> UserTokens | None:
        """Return it as it is now: another client may have renewed it."""

    def save(self, tokens: UserTokens) -> None:
        """Keep it in the place of the one before."""


@asynccontextmanager
async def connect(folders: Sequence[Path], kept: KeptLogin | None = None) -> AsyncIterator["Client"]:
    """Yield a client of the daemon that has published itself in one of the folders, after it has proved itself.

    Args:
        kept: Whose login to use; without one the client pairs, as the machine's own user.

    Raises:
        UnavailableError: No daemon runs (code ``not_running``), or it does not answer.
        ForbiddenError: Something else answers in its place, or its files are not the user's own.
    """
    # No cookies, no proxy, no redirects: requests go to the loopback address that was proved, and nowhere else.
    async with aiohttp.ClientSession(timeout=_HTTP, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
        client = Client(session, folders, kept)
        await client.discover()
        try:
            yield client
        finally:
            await client.log_out()


async def version_at(url: str) -> str | None:
    """Return the version of the Sidecar that answers at a URL, whoever's it is; None when it is something else."""
    async with aiohttp.ClientSession(timeout=_HTTP, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
        stranger = Client(session, ())
        try:
            answer = await stranger.greet(url, secrets.token_urlsafe(_NONCE_BYTES))
        except SidecarError:
            return None
        return str(answer["version"]) if {"version", "proof", "instance"} <= answer.keys() else None


class Client:
    """A proved daemon, and a login there that is opened when it is first needed and renewed when it ends."""

    def __init__(self, session: aiohttp.ClientSession, folders: Sequence[Path], kept: KeptLogin | None = None) -> None:
        self._session = session
        self._folders = folders
        self._kept = kept
        self._published: endpoint.Published | None = None
        self._token: str | None = None
        self._is_paired = False
        self._ended_token: str | None = None

    @property
    def daemon(self) -> endpoint.Endpoint:
        """The daemon that has proved itself."""
        return self._proved().endpoint

    async def discover(self) -> None:
        """Find the daemon and make it prove that it holds the pairing key. Forgets any earlier one."""
        self._published = self._token = None
        trouble: SidecarError | None = None
        for published in endpoint.find(self._folders):
            try:
                await self._prove(published)
            except (UnavailableError, ForbiddenError) as error:
                trouble = trouble or error  # left by one that crashed; another folder may name one that runs
            else:
                self._published = published
                return
        raise trouble or UnavailableError("No daemon is running; `sidecar up PATH` starts one.", code="not_running")

    async def _prove(self, published: endpoint.Published) -> None:
        """Raise unless what answers at an endpoint holds the pairing key that was found beside it."""
        url = published.endpoint.url
        if not _is_loopback(url):
            raise ForbiddenError(
                f"{published.folder} names {url}, which is not on this machine; no secret is sent there."
            )
        nonce, port = secrets.token_urlsafe(_NONCE_BYTES), urlsplit(url).port or _HTTP_PORT
        try:
            answer = await self.greet(url, nonce)
            proof, epoch = str(answer["port_proof"]), str(answer["instance"])
        except (KeyError, InvalidError, errors.NotFoundError):
            proof = epoch = ""
        is_text = proof.isascii() and epoch.isascii()
        if not is_text or not hmac.compare_digest(proof, prove_port(published.pairing_key, nonce, epoch, port)):
            raise ForbiddenError(
                f"What answers at {url} is not your Sidecar daemon: it could not prove that it holds the pairing key. "
                "No secret was sent to it.",
                code="not_proved",
            )

    async def greet(self, url: str, nonce: str) -> JsonObject:
        """Ask what answers at a URL for a proof over a nonce; tells it no secret."""
        seconds = limits.client_connect_seconds_max  # a stranger on the port may never answer
        return await self._call("GET", f"{url}/api/v5/hello", params={"nonce": nonce}, seconds=seconds)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
    ) -> JsonObject:
        """Send one request and return the JSON object of the answer, empty when it has no content.

        Raises:
            SidecarError: The daemon's problem document, as the class that its code stands for.
            UnavailableError: It does not answer.
        """
        url = self.daemon.url + path
        is_fresh = self._token is None
        try:
            return await self._call(method, url, params=params, body=body, bearer=await self._bearer())
        except UnauthenticatedError:
            if is_fresh and self._is_paired:
                raise
        self._forget_token()  # it has ended, or the daemon was restarted
        return await self._call(method, url, params=params, body=body, bearer=await self._bearer())

    async def machine_request(
        self, method: str, path: str, *, body: JsonObject | None = None, seconds: float | None = None
    ) -> JsonObject:
        """Send a request that concerns the machine, with the pairing key; see ``request``.

        Args:
            seconds: How long the answer may take, if not as long as others.
        """
        published = self._proved()
        url = published.endpoint.url + path
        return await self._call(method, url, body=body, bearer=published.pairing_key, seconds=seconds)

    async def log_in(self, email: str, password: str, tenant_id: str | None = None) -> JsonObject:
        """Open a login of a user with a password, which is not this client's own, and return the daemon's answer.

        Raises:
            UnauthenticatedError: The address or the password is wrong.
        """
        published = self._proved()
        sent = {"email": email, "password": password} | ({"tenant_id": tenant_id} if tenant_id else {})
        url = f"{published.endpoint.url}/api/v5/auth/login"
        return await self._call("POST", url, body=sent, bearer=published.pairing_key)

    async def end_kept(self, tokens: UserTokens) -> None:
        """End a login that was kept, if it has not ended by itself."""
        url = f"{self.daemon.url}/api/v5/auth"
        try:
            await self._call("POST", f"{url}/logout", body={}, bearer=tokens.access_token)
        except UnauthenticatedError:
            try:  # the access token has ended, which says nothing of the login
                login = await self._call("POST", f"{url}/refresh", body={"refresh_token": tokens.refresh_token})
            except UnauthenticatedError:
                return
            await self._call("POST", f"{url}/logout", body={}, bearer=str(login["access_token"]))

    async def download(self, path: str, params: Mapping[str, str] | None = None) -> AsyncGenerator[bytes]:
        """Yield the content of an answer as it comes, however long it is."""
        await self.request("GET", "/api/v5/users/me")  # renews the login, if that is due
        async with self._streamed("GET", path, params=params) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    async def upload(
        self, path: str, lines: AsyncIterator[bytes], params: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Send JSON Lines as they come, however long they are, and return the answer."""
        await self.request("GET", "/api/v5/users/me")  # renews the login, if that is due: what was sent can't be again
        async with self._streamed("POST", path, params=params, data=lines) as response:
            return _document(path, response.status, await _read(response))

    async def pages(self, path: str, params: Mapping[str, str] | None = None) -> AsyncGenerator[JsonObject]:
        """Yield every item of a list, page by page."""
        asked = dict(params or {})
        while True:
            page = await self.request("GET", path, params=asked)
            for item in page["items"]:
                yield item
            if not page.get("next_cursor"):
                return
            asked["cursor"] = page["next_cursor"]

    async def events(
        self,
        topics: Sequence[str] = (),
        *,
        since: str | None = None,
        workspace_path: str | None = None,
    ) -> AsyncGenerator[JsonObject]:
        """Yield the daemon's messages for ever; after a lost connection, on from the last cursor.

        Args:
            topics: Kinds of records, and ``progress``; empty for all.
            since: A cursor, ``beginning``, or ``now`` (the default).
            workspace_path: Only changes of this folder.

        Raises:
            InvalidError: The daemon does not understand the subscription.
            ForbiddenError: What answers now is not the daemon.
        """
        subscription = {"op": "subscribe", "topics": list(topics), "workspace_path": workspace_path}
        wait_seconds = limits.client_reconnect_seconds_min
        while True:
            try:
                if self._published is None:
                    await self.discover()
                async with aclosing(self._subscribed({**subscription, "since": since})) as messages:
                    async for message in messages:
                        since = message.get("cursor", since)
                        wait_seconds = limits.client_reconnect_seconds_min
                        yield message
            except UnavailableError:
                pass  # it stops or restarts: found again below
            except UnauthenticatedError as error:
                if error.code == "login_ended":
                    raise
                self._forget_token()
            self._published = None
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, limits.client_reconnect_seconds_max)

    async def log_out(self) -> None:
        """End the login, if one was opened: a machine that runs a command a minute should not gather thousands."""
        token, self._token = self._token, None
        if token is None or self._published is None or not self._is_paired:
            return
        try:
            async with asyncio.timeout(limits.client_connect_seconds_max):
                await self._call("POST", f"{self.daemon.url}/api/v5/auth/logout", body={}, bearer=token)
        except (UnavailableError, UnauthenticatedError, TimeoutError):
            log.info("The login was not ended, so it lasts until it expires.")

    @asynccontextmanager
    async def _streamed(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: AsyncIterator[bytes] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield an answer whose content is still to come; raises what a problem document stands for."""
        url = self.daemon.url + path
        headers = {"Authorization": f"Bearer {await self._bearer()}"}
        check_text(params)
        if data is not None:
            headers["Content-Type"] = _LINES_TYPE
        timeout = aiohttp.ClientTimeout(
            sock_connect=limits.client_connect_seconds_max, sock_read=limits.client_transfer_seconds_max
        )
        try:
            async with self._session.request(
                method, url, params=params, data=data, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status >= 300:
                    _document(url, response.status, await _read(response))  # it is a problem, so this raises
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(url) from error

    async def _subscribed(self, subscription: JsonObject) -> AsyncGenerator[JsonObject]:
        """Yield the messages of one connection, until it ends."""
        headers = {"Authorization": f"Bearer {await self._bearer()}"}
        try:
            async with self._session.ws_connect(
                f"{self.daemon.url}/api/v5/events",
                headers=headers,
                heartbeat=limits.websocket_heartbeat_seconds,
                max_msg_size=limits.client_answer_bytes_max,
                timeout=aiohttp.ClientWSTimeout(ws_close=limits.client_connect_seconds_max),
            ) as socket:
                await socket.send_json(subscription)
                async for frame in socket:
                    if frame.type is aiohttp.WSMsgType.TEXT:
                        yield json.loads(frame.data)
                if socket.close_code == _CLOSED_BAD_MESSAGE:
                    raise InvalidError(
                        "The daemon does not understand this subscription; is `since` one of its cursors?"
                    )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 401:
                raise UnauthenticatedError("The login has ended.") from error
            raise _unreachable(self.daemon.url) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(self.daemon.url) from error

    async def _bearer(self) -> str:
        """Return an access token: of the kept login, or of one that is opened with the pairing key."""
        if self._token is None:
            tokens = self._kept.load() if self._kept else None
            self._is_paired = tokens is None
            self._token = await (self._pair() if tokens is None else self._kept_token(tokens))
        return self._token

    async def _pair(self) -> str:
        published = self._proved()
        url = f"{published.endpoint.url}/api/v5/auth/pair"
        return str((await self._call("POST", url, body={}, bearer=published.pairing_key))["access_token"])

    async def _kept_token(self, tokens: UserTokens) -> str:
        """Return the access token of a kept login; one that has ended is exchanged, and the new pair kept."""
        if tokens.access_token != self._ended_token:
            return tokens.access_token
        try:
            sent = {"refresh_token": tokens.refresh_token}
            login = await self._call("POST", f"{self.daemon.url}/api/v5/auth/refresh", body=sent)
        except UnauthenticatedError as error:
            raise UnauthenticatedError(
                f"The login of {tokens.email} has ended: `sidecar login` opens another, `sidecar logout` makes you the "
                "machine's own user again.",
                code="login_ended",
            ) from error
        assert self._kept is not None  # noqa: S101 - the tokens came from there
        self._kept.save(tokens._replace(access_token=login["access_token"], refresh_token=login["refresh_token"]))
        return str(login["access_token"])

    def _forget_token(self) -> None:
        self._ended_token, self._token = self._token, None

    def _proved(self) -> endpoint.Published:
        if self._published is None:
            raise UnavailableError("The daemon has not proved itself.", code="not_running")
        return self._published

    async def _call(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        bearer: str | None = None,
        seconds: float | None = None,
    ) -> JsonObject:
        timeout = aiohttp.ClientTimeout(total=seconds) if seconds else _HTTP
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        check_text(params, body)
        try:
            async with self._session.request(
                method, url, params=params, json=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(url) from error
        return _document(url, response.status, content)


def check_text(*sent: object) -> None:
    """Raise where something holds text that is none: bytes that are not UTF-8, as in a name from the file system."""
    for each in sent:
        if isinstance(each, str):
            try:
                each.encode()
            except UnicodeEncodeError:
                raise InvalidError(f"{each!a} is not UTF-8, so it can not be sent to the daemon.") from None
        elif isinstance(each, Mapping):
            check_text(*each.keys(), *each.values())
        elif isinstance(each, list):
            check_text(*each)


def _document(url: str, status: int, content: bytes) -> JsonObject:
    """Return the JSON object of an answer, empty without content; raises what a problem document stands for."""
    try:
        answer = json.loads(content) if content else {}
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or 300 <= status < 400:
        raise InvalidError(f"What answers at {url} does not speak Sidecar's API.")
    if status >= 400:
        raise error_of(status, answer)
    return answer


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limits.client_answer_bytes_max:
            raise InvalidError(f"The answer has more than {limits.client_answer_bytes_max} bytes.")
    return bytes(content)


def error_of(status: int, problem: JsonObject) -> SidecarError:
    """Return the error that a problem document (RFC 9457, with our ``code``) stands for."""
    code = str(problem.get("code", "internal"))
    message = str(problem.get("detail") or problem.get("title") or f"The daemon answered {status}.")
    details = {**(problem.get("details") or {}), "status": status, "request_id": problem.get("request_id")}
    return _classes().get(code, _BY_STATUS.get(status, SidecarError))(message, code=code, details=details)


_BY_STATUS: dict[int, type[SidecarError]] = {
    400: InvalidError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    410: errors.CursorExpiredError,
    412: errors.VersionConflictError,
    503: UnavailableError,
}


def _classes() -> dict[str, type[SidecarError]]:
    """Return the error classes by their codes, but those that are made in another way."""
    known = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SidecarError)]
    return {kind.code: kind for kind in known if kind is not errors.TransactionError}


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _unreachable(url: str) -> UnavailableError:
    return UnavailableError(
        f"The daemon does not answer at {url}; if it crashed, `sidecar up PATH` starts it again.", code="not_running"
    )
