"""A client of the daemon that runs: found by its files, proved, asked.

Nothing secret is sent before the server has shown, by a proof over a fresh nonce, that it holds the pairing key: a
stranger who took the daemon's port learns nothing.
"""

import asyncio
import hmac
import json
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from sidecar import endpoint, limits
from sidecar.auth.pairing import prove_port
from sidecar.client.answers import JsonObject
from sidecar.client.http import Http, Request, opened
from sidecar.client.logins import KeptLogin, Login, UserTokens
from sidecar.endpoint import ENDPOINT_FILE
from sidecar.errors import ForbiddenError, InvalidError, SidecarError, UnauthenticatedError, UnavailableError

_NONCE_BYTES = 24
_HTTP_PORT = 80
_VERSION = re.compile(r"[0-9A-Za-z.+!-]{1,64}")  # what a stranger says goes to a terminal


@asynccontextmanager
async def connect(folders: Sequence[Path], kept: KeptLogin | None = None) -> AsyncIterator["Client"]:
    """Yield a client of the daemon that has published itself in one of the folders, after it has proved itself.

    Args:
        kept: Whose login to use; without one the client pairs, as the machine's own user.

    Raises:
        UnavailableError: No daemon runs (code ``not_running``), or it does not answer.
        ForbiddenError: Something else answers in its place, or its files are not the user's own.
    """
    async with opened() as http:
        client = Client(http, folders, kept)
        await client.discover()
        try:
            yield client
        finally:
            await client.log_out()


async def version_at(url: str) -> str | None:
    """Return the version of the Sidecar that answers at a URL, whoever's it is; None when it is something else."""
    async with opened() as http:
        try:
            answer = await _greeted(http, url, secrets.token_urlsafe(_NONCE_BYTES))
        except UnavailableError:
            return None
        is_ours = {"version", "proof", "instance"} <= answer.keys() and _VERSION.fullmatch(str(answer["version"]))
        return str(answer["version"]) if is_ours else None


class Client:
    """A proved daemon, and a login there.

    Args:
        http: Sends requests.
        folders: Where daemons publish themselves.
        kept: Whose login to use; without one the client pairs.
    """

    def __init__(self, http: Http, folders: Sequence[Path], kept: KeptLogin | None = None) -> None:
        self._http = http
        self._folders = folders
        self._login = Login(http, kept)
        self._published: endpoint.Published | None = None

    @property
    def daemon(self) -> endpoint.Endpoint:
        """The daemon that has proved itself."""
        return self._proved().endpoint

    async def discover(self) -> None:
        """Find the daemon and make it prove that it holds the pairing key. Forgets any earlier one."""
        self._published = None
        self._login.forget(has_ended=False)
        trouble: SidecarError | None = None
        for published in endpoint.find(self._folders):
            try:
                await self._prove(published)
            except (UnavailableError, ForbiddenError, InvalidError) as error:
                trouble = trouble or error  # left by one that crashed; another folder may name one that runs
            else:
                self._published = published
                return
        raise trouble or UnavailableError("No daemon is running; `sidecar up PATH` starts one.", code="not_running")

    async def _prove(self, published: endpoint.Published) -> None:
        """Raise unless what answers at an endpoint holds the pairing key that was found beside it."""
        url = published.endpoint.url
        if (port := _port(url)) is None:
            raise InvalidError(f"{published.folder} names {url}, which is no address; remove {ENDPOINT_FILE} there.")
        if not _is_loopback(url):
            raise ForbiddenError(
                f"{published.folder} names {url}, which is not on this machine; no secret is sent there."
            )
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        answer = await _greeted(self._http, url, nonce)
        proof, epoch = str(answer.get("port_proof", "")), str(answer.get("instance", ""))
        is_text = proof.isascii() and epoch.isascii()
        if not is_text or not hmac.compare_digest(proof, prove_port(published.pairing_key, nonce, epoch, port)):
            raise ForbiddenError(
                f"What answers at {url} is not your Sidecar daemon: it could not prove that it holds the pairing key. "
                "No secret was sent to it.",
                code="not_proved",
            )

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
        is_fresh = self._login.will_pair()
        try:
            return await self._http.call(await self._request(method, path, params=params, body=body))
        except UnauthenticatedError:
            if is_fresh:
                raise
        self._login.forget(has_ended=True)  # or the daemon was restarted
        return await self._http.call(await self._request(method, path, params=params, body=body))

    async def machine_request(
        self, method: str, path: str, *, body: JsonObject | None = None, seconds: float | None = None
    ) -> JsonObject:
        """Send a request that concerns the machine, with the pairing key; see ``request``.

        Args:
            seconds: How long the answer may take, if not as long as others.
        """
        published = self._proved()
        url = published.endpoint.url + path
        return await self._http.call(Request(method, url, body=body, bearer=published.pairing_key), seconds=seconds)

    async def log_in(self, email: str, password: str, tenant_id: str | None = None) -> JsonObject:
        """Open a login of a user with a password, which is not this client's own, and return the daemon's answer.

        Raises:
            UnauthenticatedError: The address or the password is wrong.
        """
        sent = {"email": email, "password": password} | ({"tenant_id": tenant_id} if tenant_id else {})
        return await self.machine_request("POST", "/api/v5/auth/login", body=sent)

    async def end_kept(self, tokens: UserTokens) -> None:
        """End a login that was kept, if it has not ended by itself."""
        await self._login.end_kept(self._proved(), tokens)

    async def download(self, path: str, params: Mapping[str, str] | None = None) -> AsyncGenerator[bytes]:
        """Yield the content of an answer as it comes, however long it is."""
        await self._renew()
        async with aclosing(self._http.download(await self._request("GET", path, params=params))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def upload(
        self, path: str, lines: AsyncIterator[bytes], params: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Send JSON Lines as they come, however long they are, and return the answer."""
        await self._renew()
        request = await self._request("POST", path, params=params)
        return await self._http.upload(request._replace(lines=lines))

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
    ) -> AsyncGenerator[JsonObject]:
        """Yield the daemon's messages for ever; after a lost connection, on from the last cursor.

        Args:
            topics: Kinds of records, and ``progress``; empty for all.
            since: A cursor, ``beginning``, or ``now`` (the default).

        Raises:
            InvalidError: The daemon does not understand the subscription.
            ForbiddenError: What answers now is not the daemon.
        """
        subscription = {"op": "subscribe", "topics": list(topics)}
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
                self._login.forget(has_ended=True)
            self._published = None
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, limits.client_reconnect_seconds_max)

    async def log_out(self) -> None:
        """End the login that this client has opened, if it has."""
        if self._published is not None:
            await self._login.end(self._published)

    async def _renew(self) -> None:
        """Renew the login if that is due: what is streamed can not be sent again."""
        await self.request("GET", "/api/v5/users/me")

    async def _subscribed(self, subscription: JsonObject) -> AsyncGenerator[JsonObject]:
        """Yield the messages of one connection, until it ends."""
        request = await self._request("GET", "/api/v5/events")
        async with aclosing(self._http.messages(request, subscription)) as messages:
            async for message in messages:
                yield json.loads(message)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
    ) -> Request:
        """Return a request to the daemon, on behalf of the user."""
        published = self._proved()
        bearer = await self._login.token(published)
        return Request(method, published.endpoint.url + path, params, body, bearer=bearer)

    def _proved(self) -> endpoint.Published:
        if self._published is None:
            raise UnavailableError("The daemon has not proved itself.", code="not_running")
        return self._published


async def _greeted(http: Http, url: str, nonce: str) -> JsonObject:
    """Ask what answers at a URL for a proof over a nonce; tells it no secret.

    Empty when it gives none, whatever else it says: that may be a stranger's, and is neither shown nor obeyed.

    Raises:
        UnavailableError: Nobody answers.
    """
    seconds = limits.client_connect_seconds_max  # a stranger on the port may never answer
    try:
        return await http.call(Request("GET", f"{url}/api/v5/hello", {"nonce": nonce}), seconds=seconds)
    except SidecarError as error:
        if isinstance(error, UnavailableError) and "status" not in error.details:
            raise
        return {}


def _port(url: str) -> int | None:
    """Return the port that a URL names; None when it is none."""
    try:
        return urlsplit(url).port or _HTTP_PORT
    except ValueError:
        return None


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
