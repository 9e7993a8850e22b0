"""Who makes a request: whether the login that a token names still is one, looked up with every request.

Called by the gate, and by sockets and waiting polls that outlive the request which opened them.
"""

from typing import NamedTuple, cast

from sidecar import limits
from sidecar.auth.tokens import Principal, is_token, read_login_token
from sidecar.errors import ForbiddenError, UnauthenticatedError
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import milliseconds
from sidecar.models.tenants import Tenant
from sidecar.models.users import User
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Actor, Database, Reading
from sidecar.repositories.users import Users
from sidecar.services.remembered import Remembered
from sidecar.store.engine import ReadTransaction


class Caller(NamedTuple):
    """Who makes a request, with the records that say so, all of one snapshot.

    Attributes:
        keys: Of the tenant: whoever works for the caller reaches records through these, and through no others.
        is_browser: They came with a cookie, which goes to every port of this machine and ends after a working day.
    """

    principal: Principal
    user: User
    tenant: Tenant
    keys: TenantKeys
    is_browser: bool = False

    def check_may_let_in(self) -> None:
        """Refuse to a browser's login what would let somebody in beyond its end: a link, a password of its choice."""
        if self.is_browser:
            raise ForbiddenError(
                "A browser's login can't make links or set passwords; use the command line or an editor.",
                code="browser_login",
            )


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


class Callers:
    """Finds out who makes a request.

    Args:
        database: Where logins, users and tenants are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Remembered[Principal, Caller] = Remembered(database, size_max=limits.callers_cached_max)

    def recall(self, principal: Principal) -> Caller | None:
        """Return who a request's access token speaks for, if nothing was committed since it was looked up."""
        return self._known.recall(principal)

    async def check(self, principal: Principal, *, has_ended: bool = False) -> Caller:
        """Return who a request's access token speaks for now: its login not ended, its user active and of that role.

        Args:
            has_ended: The login has; it is only asked whose it was.

        Raises:
            UnauthenticatedError: One of these no longer holds.
        """
        version, keys = self._database.engine.newest_version(), self._keys(principal.tenant_id)

        def body(tr: Reading) -> Caller | None:
            if has_ended:
                return _owner(tr, keys, principal)
            known = self._known.confirm(tr, principal, version)
            if known is not None:
                return known
            noted = _Noted(tr.kv)
            caller = find_caller(Reading(cast("ReadTransaction", noted), tr.now_ms), keys, principal)
            if caller is not None:
                self._known.keep(principal, caller, noted.rows, version=version)
            return caller

        caller = await self._database.read(body)
        if caller is None:
            raise UnauthenticatedError("The login of this access token has ended or changed.", code="token_revoked")
        return caller

    async def check_browser(self, token: str) -> Caller:
        """Return who a browser's cookie speaks for.

        Raises:
            UnauthenticatedError: It opens nothing, or no longer.
        """
        login = read_login_token("browser", token)

        def body(tr: Reading) -> Caller | None:
            keys = self._keys(login.tenant_id)
            session = AuthSessions(keys).find(tr, login.login_id)
            if session is None or not is_token(session.refresh_token_hash, token):
                return None
            expires_at_ms = milliseconds(session.refresh_expires_at)
            owner = active(tr, keys, session.user_id)
            if owner is None or not is_live(session, owner[0]) or expires_at_ms <= tr.now_ms:
                return None
            role = owner[0].role
            principal = Principal(
                session.user_id, keys.tenant_id, role, session.token_family, session.id, expires_at_ms
            )
            return Caller(principal, *owner, keys, is_browser=True)

        caller = await self._database.read(body)
        if caller is None:
            raise UnauthenticatedError("The browser's login has ended; open a new link.", code="token_revoked")
        return caller

    def _keys(self, tenant_id: str) -> TenantKeys:
        return self._database.keyspace.tenant(tenant_id)


def find_caller(tr: Reading, keys: TenantKeys, principal: Principal) -> Caller | None:
    """Return who a login is of, as ``tr`` sees it; None when it, its user or their role is not the same any more."""
    caller = _owner(tr, keys, principal)
    return caller if caller and _leads_on(tr, caller) else None


def _owner(tr: Reading, keys: TenantKeys, principal: Principal) -> Caller | None:
    owner = active(tr, keys, principal.user_id)
    return Caller(principal, *owner, keys) if owner and owner[0].role == principal.role else None


def _leads_on(tr: Reading, caller: Caller) -> bool:
    """Tell whether the newest link of a login's family still opens something."""
    sessions = AuthSessions(caller.keys)
    session = sessions.find(tr, caller.principal.login_id)
    for _ in range(limits.family_hops_max):
        if session is None or session.user_id != caller.user.id:
            return False
        if session.replaced_by is None:
            return is_live(session, caller.user)
        session = sessions.find(tr, session.replaced_by)
    return False


def admit(tr: Reading, actor: Actor) -> None:
    """Let an actor's transaction begin: what ``Database`` calls before a body on behalf of ``actor``.

    Between the head of a request and its last write time may go by: a body comes slowly, an import takes minutes. The
    user's row is read again with each write, so that it conflicts with their removal.

    Raises:
        UnauthenticatedError: The user is gone or not active, or all their logins were ended, as by another role.
    """
    user = Users(actor.tenant).find(tr, actor.user_id)
    if user is None or not user.is_active or user.logins_ended != actor.logins_ended:
        raise UnauthenticatedError("The login of this request has ended meanwhile.", code="token_revoked")


def is_live(session: AuthSession, user: User) -> bool:
    """Tell whether a link still opens something for its user: neither it nor all of their logins were ended."""
    return session.revoked_at is None and session.logins_ended == user.logins_ended


def active(tr: Reading, keys: TenantKeys, user_id: str) -> tuple[User, Tenant] | None:
    """Return a user and their tenant; None when either is not there or not active."""
    user = Users(keys).find(tr, user_id)
    tenant = Tenants(keys).find(tr, keys.tenant_id)
    if user is None or tenant is None or not (user.is_active and tenant.is_active):
        return None
    return user, tenant
