"""Logins: opened, refreshed, checked with every request, ended.

A login is a family of auth sessions, one link for each refresh token; what becomes of one, ``services.families``
decides.
"""

from collections import OrderedDict
from typing import NamedTuple, cast

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
from sidecar.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from sidecar.ids import new_id
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import Value, milliseconds
from sidecar.models.tenants import Tenant
from sidecar.models.users import PublicUser, User
from sidecar.repositories import machine
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.paging import Page
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.users import Users
from sidecar.services.audit import Device, record
from sidecar.services.families import Exchange, Link, Refusal
from sidecar.store.engine import ReadTransaction


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


class Caller(NamedTuple):
    """Who makes a request, with the records that say so, all of one snapshot."""

    principal: Principal
    user: User
    tenant: Tenant


class _Known(NamedTuple):
    """A caller, and the rows of the store that say so: as long as they are the same, so is the answer."""

    caller: Caller
    rows: list[tuple[bytes, bytes | None]]


class _Noted:
    """A transaction that notes the rows which are read by key; nothing else is read to check a login."""

    def __init__(self, kv: ReadTransaction) -> None:
        self._kv = kv
        self.rows: list[tuple[bytes, bytes | None]] = []

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        """Return a value, and note it."""
        value = self._kv.get(key, snapshot=snapshot)
        self.rows.append((key, value))
        return value


class Logins:
    """Opens, refreshes, checks and ends logins.

    Args:
        database: Where they are kept.
        tokens: Makes and reads their tokens.
    """

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens
        self._known: OrderedDict[Principal, _Known] = OrderedDict()

    # --- opening ---

    def open(self, tr: Writing, user: User, tenant: Tenant, device: Device, *, kind: TokenKind = "refresh") -> Opened:
        """Store the first link of a new family."""
        login = LoginId(tenant.id, new_id(tr.now_ms))
        token = new_login_token(kind, login)
        session = AuthSession.new(
            tenant_id=tenant.id,
            user_id=user.id,
            refresh_token_hash=token_hash(token),
            now_ms=tr.now_ms,
            ip_address=device.ip_address,
            user_agent=device.user_agent,
            session_id=login.login_id,
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
        owner = self.active(tr, keys, link.session.user_id)
        if owner is None:
            return Refusal("account_inactive", "The account is not active.")
        outcome = Exchange(tr, AuthSessions(keys), self._tokens).decide(link)
        return outcome if isinstance(outcome, Refusal) else Opened(*outcome, *owner)

    # --- checking ---

    async def check(self, principal: Principal) -> Caller:
        """Return who a request's access token speaks for now: its login not ended, its user active and of that role.

        Raises:
            UnauthenticatedError: One of these no longer holds.
        """

        def body(tr: Reading) -> Caller | None:
            known = self._known.get(principal)
            if known is not None and all(tr.kv.get(key) == value for key, value in known.rows):
                return known.caller
            noted = _Noted(tr.kv)
            caller = self._caller(Reading(cast("ReadTransaction", noted), tr.now_ms), principal)
            if caller is not None:
                self._known[principal] = _Known(caller, noted.rows)
                if len(self._known) > limits.callers_cached_max:
                    self._known.popitem(last=False)
            return caller

        caller = await self._database.read(body)
        if caller is None:
            raise UnauthenticatedError("The login of this access token has ended or changed.", code="token_revoked")
        return caller

    def _caller(self, tr: Reading, principal: Principal) -> Caller | None:
        keys = self._keys(principal.tenant_id)
        owner = self.active(tr, keys, principal.user_id)
        if owner is None or owner[0].role != principal.role or not self._is_live(tr, keys, principal):
            return None
        return Caller(principal, *owner)

    async def check_browser(self, token: str) -> Caller:
        """Return who a browser's cookie speaks for.

        Raises:
            UnauthenticatedError: It opens nothing, or no longer.
        """
        login = read_login_token("browser", token)

        def body(tr: Reading) -> Caller | None:
            keys = self._keys(login.tenant_id)
            session = AuthSessions(keys).find(tr, login.login_id)
            if session is None or not is_token(session.refresh_token_hash, token) or session.revoked_at is not None:
                return None
            expires_at_ms = milliseconds(session.refresh_expires_at)
            owner = self.active(tr, keys, session.user_id)
            if owner is None or expires_at_ms <= tr.now_ms:
                return None
            role = owner[0].role
            principal = Principal(
                session.user_id, keys.tenant_id, role, session.token_family, session.id, expires_at_ms
            )
            return Caller(principal, *owner)

        caller = await self._database.read(body)
        if caller is None:
            raise UnauthenticatedError("The browser's login has ended; open a new link.", code="token_revoked")
        return caller

    def _is_live(self, tr: Reading, keys: TenantKeys, principal: Principal) -> bool:
        sessions = AuthSessions(keys)
        session = sessions.find(tr, principal.login_id)
        for _ in range(limits.family_hops_max):
            if session is None or session.user_id != principal.user_id:
                return False
            if session.replaced_by is None:
                return session.revoked_at is None
            session = sessions.find(tr, session.replaced_by)
        return False

    # --- ending ---

    async def list_of(self, keys: TenantKeys, user_id: str, *, cursor: str | None, limit: int) -> Page[AuthSession]:
        """Return a page of a user's live logins, oldest first; a page may be short."""

        def body(tr: Reading) -> Page[AuthSession]:
            page = AuthSessions(keys).list_of_user(tr, user_id, cursor=cursor, limit=limit)
            live = [each for each in page.items if each.revoked_at is None]
            return Page([each for each in live if milliseconds(each.refresh_expires_at) > tr.now_ms], page.next_cursor)

        return await self._database.read(body)

    async def end(self, principal: Principal, device: Device) -> None:
        """Log out: end the caller's family."""

        def body(tr: Writing) -> None:
            keys = self._keys(principal.tenant_id)
            AuthSessions(keys).invalidate_family(tr, principal.token_family)
            record(tr, keys, "auth.logged_out", device, user_id=principal.user_id, session_id=principal.login_id)

        await self._database.transact(body)

    async def end_other(self, principal: Principal, session_id: str, device: Device) -> None:
        """End the family of one of the caller's own logins; of anybody's in the tenant when the caller is admin.

        Raises:
            NotFoundError: There is none of that id for this caller.
        """

        def body(tr: Writing) -> None:
            keys = self._keys(principal.tenant_id)
            session = AuthSessions(keys).get(tr, session_id)
            if session.user_id != principal.user_id and principal.role != "admin":
                raise NotFoundError(f"There is no AuthSession {session_id}.", details={"id": session_id})
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

    def end_all(self, tr: Writing, keys: TenantKeys, user_id: str) -> None:
        """End every login of a user."""
        sessions = AuthSessions(keys)
        for family in sessions.live_families(tr, user_id):
            sessions.invalidate_family(tr, family)

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

    # --- shared ---

    def active(self, tr: Reading, keys: TenantKeys, user_id: str) -> tuple[User, Tenant] | None:
        """Return a user and their tenant; None when either is not there or not active."""
        user = Users(keys).find(tr, user_id)
        tenant = Tenants(keys).find(tr, keys.tenant_id)
        if user is None or tenant is None or not (user.is_active and tenant.is_active):
            return None
        return user, tenant

    # --- inside ---

    def _keys(self, tenant_id: str) -> TenantKeys:
        return self._database.keyspace.tenant(tenant_id)
