"""Accounts: the machine's own tenant and owner, and the logins that pairing opens."""

from sidecar import limits
from sidecar.auth.tokens import Tokens, new_refresh_token, refresh_token_hash
from sidecar.ids import new_id
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import Value
from sidecar.models.tenants import Tenant
from sidecar.models.users import PublicUser, User
from sidecar.repositories import machine
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.machine import Machine
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.users import Users


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


class Accounts:
    """Opens accounts and logins.

    Args:
        database: Where they are kept.
        tokens: Signs access tokens.
    """

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    async def ensure_machine(self, owner_name: str) -> Machine:
        """Return the machine's own tenant and owner; the first call on a store makes them for ``owner_name``."""
        return await self._database.transact(lambda tr: self._ensure_machine(tr, owner_name))

    async def pair(self, *, ip_address: str, user_agent: str) -> Login:
        """Open a login of the machine's owner for a client that has shown the pairing key."""
        refresh_token = new_refresh_token()

        def body(tr: Writing) -> tuple[AuthSession, User, Tenant]:
            own = self._machine(tr)
            tenant = self._database.keyspace.tenant(own.tenant_id)
            session = AuthSession.new(
                tenant_id=own.tenant_id,
                user_id=own.user_id,
                refresh_token_hash=refresh_token_hash(refresh_token),
                now_ms=tr.now_ms,
                ip_address=ip_address,
                user_agent=user_agent,
            )
            AuthSessions(tenant).create(tr, session)
            return session, Users(tenant).get(tr, own.user_id), Tenants(tenant).get(tr, own.tenant_id)

        session, user, owner = await self._database.transact(body)
        access_token = self._tokens.issue(
            user_id=user.id, tenant_id=owner.id, role=user.role, token_family=session.token_family
        )
        return Login(access_token=access_token, refresh_token=refresh_token, user=user.public(), tenant=owner)

    def _machine(self, tr: Reading) -> Machine:
        own = machine.find(tr, self._database.keyspace)
        if own is None:
            raise RuntimeError("ensure_machine comes before pair")
        return own

    def _ensure_machine(self, tr: Writing, owner_name: str) -> Machine:
        own = machine.find(tr, self._database.keyspace)
        if own is not None:
            return own
        user_id = new_id(tr.now_ms)  # first, because the tenant names its owner and the user its tenant
        tenant = Tenant.new_self_tenant(name=owner_name, owner_user_id=user_id, now_ms=tr.now_ms)
        email = f"{owner_name}@localhost"
        user = User.new(tenant_id=tenant.id, email=email, role="admin", now_ms=tr.now_ms, user_id=user_id)
        own = Machine(tenant.id, user.id)
        keys = self._database.keyspace.tenant(tenant.id)
        Tenants(keys).create(tr, tenant)
        Users(keys).create(tr, user)
        machine.put(tr, self._database.keyspace, own)
        return own
