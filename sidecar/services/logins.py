"""Logins: opened, refreshed, listed, ended.

A login is a family of auth sessions, one link for each refresh token; what becomes of one, ``services.families``
decides. Whether a login still is one, ``services.callers`` finds out with every request.
"""

from functools import partial
from typing import NamedTuple

from sidecar import limits
from sidecar.auth.signing_keys import SigningKeys
from sidecar.auth.tokens import (
    LoginId,
    Principal,
    TokenKind,
    Tokens,
    is_token,
    new_login_token,
    read_login_token,
    token_hash,
)
from sidecar.errors import ForbiddenError, UnauthenticatedError
from sidecar.ids import new_id
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import Value, milliseconds
from sidecar.models.tenants import Tenant
from sidecar.models.users import PublicUser, User
from sidecar.repositories import machine
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.paging import Page, filtered
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.audit import Device, record
from sidecar.services.callers import active, is_live
from sidecar.services.families import ENDED, Exchange, Link, Refusal


class Login(Value):
    """What a client gets when it has shown who it is: the one place where tokens leave the daemon.

    Attributes:
        expires_in: Seconds until the access token ends.
    """

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme, no secret
    expires_in: int = limits.access_token_seconds
    user: PublicUser
    tenant: Tenant


class Opened(NamedTuple):
    """A live link with its token, and whose it is."""

    session: AuthSession
    token: str
    user: User
    tenant: Tenant


class Logins:
    """Opens, refreshes, lists and ends logins.

    Args:
        database: Where they are kept.
        tokens: Makes and reads their tokens.
    """

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    # --- opening ---

    def open(
        self,
        tr: Writing,
        user: User,
        tenant: Tenant,
        device: Device,
        *,
        kind: TokenKind = "refresh",
        origin: str | None = None,
    ) -> Opened:
        """Store the first link of a new family.

        Args:
            origin: A secret that its refresh token is computed from, so that ``again`` can give it again.

        Raises:
            NotFoundError: The user has no workspace session as the device names.
        """
        self._check_session(tr, user, device.workspace_session_id)
        login = LoginId(tenant.id, new_id(tr.now_ms))
        token = new_login_token(kind, login) if origin is None else self._tokens.successors(origin, login)[0]
        session = AuthSession.new(
            tenant_id=tenant.id,
            user_id=user.id,
            refresh_token_hash=token_hash(token),
            now_ms=tr.now_ms,
            ip_address=device.ip_address,
            user_agent=device.user_agent,
            workspace_session_id=device.workspace_session_id,
            session_id=login.login_id,
            logins_ended=user.logins_ended,
            refresh_seconds=limits.refresh_token_seconds if kind == "refresh" else limits.browser_login_seconds,
        )
        AuthSessions(self._keys(tenant.id)).create(tr, session)
        return Opened(session, token, user, tenant)

    def answer(self, opened: Opened) -> Login:
        """Return what the client gets for a link that is committed."""
        session, token, user, tenant = opened
        access_token = self._tokens.issue(
            user_id=user.id,
            tenant_id=tenant.id,
            role=user.role,
            token_family=session.token_family,
            login_id=session.id,
        )
        return Login(access_token=access_token, refresh_token=token, user=user.public(), tenant=tenant)

    async def again(self, login: LoginId, origin: str) -> Login:
        """Return what a client has got already: the login that was opened with ``origin``, as long as it is unused.

        Raises:
            UnauthenticatedError: It has ended or was refreshed, or ``origin`` or the signing key was another.
        """

        def body(tr: Reading) -> Opened | None:
            session = AuthSessions(self._keys(login.tenant_id)).find(tr, login.login_id)
            owner = None if session is None else active(tr, self._keys(login.tenant_id), session.user_id)
            if session is None or owner is None or not is_live(session, owner[0]):
                return None
            tokens = self._tokens.successors(origin, login)
            token = next((each for each in tokens if is_token(session.refresh_token_hash, each)), None)
            return None if token is None else Opened(session, token, *owner)

        opened = await self._database.read(body)
        if opened is None:
            raise UnauthenticatedError("The login has ended; log in again.", code="login_ended")
        return self.answer(opened)

    async def family_of(self, token: str) -> str | None:
        """Return the family that a refresh token is of, ended or not; None when it is none that was ever given."""
        try:
            login = read_login_token("refresh", token)
        except UnauthenticatedError:
            return None
        sessions = AuthSessions(self._keys(login.tenant_id))
        session = await self._database.read(lambda tr: sessions.find(tr, login.login_id))
        return session.token_family if session and is_token(session.refresh_token_hash, token) else None

    async def refresh(self, token: str, device: Device) -> Login:
        """Exchange a refresh token for the next pair.

        Windows that race with one token all get the same next one. A token that was exchanged longer ago than
        ``limits.refresh_grace_seconds`` ends its whole family: two parties hold it, and one of them is a thief.

        Raises:
            UnauthenticatedError: It opens nothing.
        """
        login = read_login_token("refresh", token)
        outcome = await self._database.transact(lambda tr: self._refresh(tr, login, token, device))
        if isinstance(outcome, Refusal):
            raise UnauthenticatedError(outcome.message, code=outcome.code)
        return self.answer(outcome)

    def _refresh(self, tr: Writing, login: LoginId, token: str, device: Device) -> Opened | Refusal:
        keys = self._keys(login.tenant_id)
        session = AuthSessions(keys).find(tr, login.login_id)
        if session is None or not is_token(session.refresh_token_hash, token):
            return Refusal("invalid_refresh_token", "The refresh token is not valid; log in again.")
        outcome = self._exchange(tr, keys, Link(session, token))
        data = {"code": outcome.code} if isinstance(outcome, Refusal) else {}
        event = "auth.refresh_refused" if data else "auth.refreshed"
        record(tr, keys, event, device, user_id=session.user_id, session_id=session.id, **data)
        return outcome

    def _exchange(self, tr: Writing, keys: TenantKeys, link: Link) -> Opened | Refusal:
        owner = active(tr, keys, link.session.user_id)
        if owner is None:
            return Refusal("account_inactive", "The account is not active.")
        if link.session.logins_ended != owner[0].logins_ended:
            return ENDED
        outcome = Exchange(tr, AuthSessions(keys), self._tokens).decide(link)
        return outcome if isinstance(outcome, Refusal) else Opened(*outcome, *owner)

    # --- ending ---

    async def list_of(self, keys: TenantKeys, user_id: str, *, cursor: str | None, limit: int) -> Page[AuthSession]:
        """Return a page of a user's live logins, oldest first; a page may be short."""

        def body(tr: Reading) -> Page[AuthSession]:
            user = Users(keys).get(tr, user_id)

            def is_shown(link: AuthSession) -> bool:
                return is_live(link, user) and milliseconds(link.refresh_expires_at) > tr.now_ms

            return filtered(partial(AuthSessions(keys).list_of_user, tr, user_id), is_shown, cursor=cursor, limit=limit)

        return await self._database.read(body)

    async def end(self, principal: Principal, device: Device) -> None:
        """Log out: end the caller's family."""

        def body(tr: Writing) -> None:
            keys = self._keys(principal.tenant_id)
            AuthSessions(keys).invalidate_family(tr, principal.token_family)
            record(tr, keys, "auth.logged_out", device, user_id=principal.user_id, session_id=principal.login_id)

        await self._database.transact(body)

    async def end_other(
        self, principal: Principal, session_id: str, device: Device, *, if_version: int | None = None
    ) -> None:
        """End the family of one of the caller's own logins; of anybody's in the tenant when the caller is admin.

        Raises:
            NotFoundError: There is none of that id for this caller.
            VersionConflictError: ``if_version`` is not the version that is stored.
        """

        def body(tr: Writing) -> None:
            keys = self._keys(principal.tenant_id)
            session = AuthSessions(keys).get(tr, session_id)
            if session.user_id != principal.user_id and principal.role != "admin":
                raise AuthSessions.missing(session_id)
            AuthSessions(keys).check_version(session, if_version)
            AuthSessions(keys).invalidate_family(tr, session.token_family)
            record(
                tr,
                keys,
                "auth.login_ended",
                device,
                user_id=principal.user_id,
                session_id=principal.login_id,
                ended_session_id=session_id,
            )

        await self._database.transact(body)

    async def rotate_keys(self, principal: Principal, device: Device) -> SigningKeys:
        """Sign access tokens with a fresh key from now on, and return the new set of keys.

        Raises:
            ForbiddenError: The caller is not of the machine's own tenant: the keys are the whole daemon's.
        """
        own = await self._database.read(lambda tr: machine.find(tr, self._database.keyspace))
        if own is None or own.tenant_id != principal.tenant_id:
            raise ForbiddenError("Only the machine's own admins rotate its keys.", code="not_the_machines")
        keys = self._tokens.ring.rotate()

        def body(tr: Writing) -> None:
            tenant = self._keys(principal.tenant_id)
            record(
                tr,
                tenant,
                "auth.keys_rotated",
                device,
                user_id=principal.user_id,
                session_id=principal.login_id,
                key_id=keys.current,
            )

        await self._database.transact(body)
        return keys

    # --- inside ---

    def _check_session(self, tr: Reading, user: User, named: str | None) -> None:
        if named is None:
            return
        found = WorkspaceSessions(self._keys(user.tenant_id)).find(tr, named)
        if found is None or found.user_id != user.id:
            raise WorkspaceSessions.missing(named)

    def _keys(self, tenant_id: str) -> TenantKeys:
        return self._database.keyspace.tenant(tenant_id)
