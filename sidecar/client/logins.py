"""As whom a client acts: the machine's own user by pairing, or whose login is kept."""

import asyncio
import logging
from typing import NamedTuple, Protocol

from sidecar import limits
from sidecar.client.http import Http, Request
from sidecar.endpoint import Published
from sidecar.errors import UnauthenticatedError, UnavailableError

log = logging.getLogger(__name__)

_AUTH = "/api/v5/auth"


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


class Login:
    """An access token, which is obtained when it is first needed and renewed when it has ended.

    Two clients that renew one kept login at once get the same pair from the daemon, so nothing is locked.

    Args:
        http: Sends requests.
        kept: Whose login to use; without one, or with none in it, the client pairs.
    """

    def __init__(self, http: Http, kept: KeptLogin | None) -> None:
        self._http = http
        self._kept = kept
        self._token: str | None = None
        self._ended: str | None = None
        self._is_paired = False

    async def token(self, daemon: Published) -> str:
        """Return an access token of a daemon that has proved itself.

        Raises:
            UnauthenticatedError: The kept login has ended (code ``login_ended``).
        """
        if self._token is None:
            tokens = self._kept.load() if self._kept else None
            self._is_paired = tokens is None
            self._token = await (self._paired(daemon) if tokens is None else self._renewed(daemon, tokens))
        return self._token

    def will_pair(self) -> bool:
        """Tell whether the next token comes fresh from pairing, so that another one would be no better."""
        return self._token is None and (self._kept is None or self._kept.load() is None)

    def forget(self, *, has_ended: bool) -> None:
        """Let the next token be another one: this one has ended, or its daemon is another now."""
        if has_ended:
            self._ended = self._token
        self._token = None

    async def end(self, daemon: Published) -> None:
        """End the login if it came from pairing: a machine that runs a command a minute should not gather thousands."""
        token, self._token = self._token, None
        if token is None or not self._is_paired:
            return
        try:
            async with asyncio.timeout(limits.client_connect_seconds_max):
                await self._post(daemon, "logout", {}, token)
        except (UnavailableError, UnauthenticatedError, TimeoutError):
            log.info("The login was not ended, so it lasts until it expires.")

    async def end_kept(self, daemon: Published, tokens: UserTokens) -> None:
        """End a login that was kept, if it has not ended by itself."""
        try:
            await self._post(daemon, "logout", {}, tokens.access_token)
        except UnauthenticatedError:
            try:  # the access token has ended, which says nothing of the login
                access_token, _ = await self._exchanged(daemon, tokens)
            except UnauthenticatedError:
                return
            await self._post(daemon, "logout", {}, access_token)

    async def _paired(self, daemon: Published) -> str:
        return str((await self._post(daemon, "pair", {}, daemon.pairing_key))["access_token"])

    async def _renewed(self, daemon: Published, tokens: UserTokens) -> str:
        """Return the access token of a kept login; one that has ended is exchanged, and the new pair kept."""
        if tokens.access_token != self._ended:
            return tokens.access_token
        try:
            access_token, refresh_token = await self._exchanged(daemon, tokens)
        except UnauthenticatedError as error:
            raise UnauthenticatedError(
                f"The login of {tokens.email} has ended: `sidecar login` opens another, `sidecar logout` makes you the "
                "machine's own user again.",
                code="login_ended",
            ) from error
        assert self._kept is not None  # noqa: S101 - the tokens came from there
        self._kept.save(tokens._replace(access_token=access_token, refresh_token=refresh_token))
        return access_token

    async def _exchanged(self, daemon: Published, tokens: UserTokens) -> tuple[str, str]:
        answer = await self._post(daemon, "refresh", {"refresh_token": tokens.refresh_token}, None)
        return str(answer["access_token"]), str(answer["refresh_token"])

    async def _post(self, daemon: Published, what: str, body: dict[str, str], bearer: str | None) -> dict[str, object]:
        url = f"{daemon.endpoint.url}{_AUTH}/{what}"
        return await self._http.call(Request("POST", url, body=body, bearer=bearer))
