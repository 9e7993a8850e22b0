"""Accounts: the machine's own tenant and owner, registration, and the ways to open a login."""

import re
from typing import NamedTuple

from sidecar import limits
from sidecar.auth.passwords import Passwords
from sidecar.auth.tokens import Principal
from sidecar.errors import ConflictError, InvalidError, UnauthenticatedError
from sidecar.ids import new_id
from sidecar.models.base import timestamp
from sidecar.models.tenants import Tenant
from sidecar.models.users import User, fold_email
from sidecar.repositories import machine
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.machine import Machine
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.users import Users, find_accounts
from sidecar.services.audit import Device, record
from sidecar.services.callers import Caller, active, find_caller
from sidecar.services.logins import Login, Logins, Opened

_NO_ADDRESS = re.compile(r"[@\s\x00-\x1f]")  # what an e-mail address has not before its "@"
_NAMELESS = "owner"


class Registration(NamedTuple):
    """Who opens an account."""

    email: str
    password: str
    first_name: str = ""
    last_name: str = ""


class Accounts:
    """Opens accounts and logins.

    Args:
        database: Where they are kept.
        logins: Opens logins of accounts.
        passwords: Hashes and checks passwords.
    """

    def __init__(self, database: Database, logins: Logins, passwords: Passwords) -> None:
        self._database = database
        self._logins = logins
        self._passwords = passwords

    # --- the machine's owner ---

    async def ensure_machine(self, owner_name: str) -> Machine:
        """Return the machine's own tenant and owner; the first call on a store makes them for ``owner_name``.

        An owner whose record is gone is followed by a new one: otherwise nobody could pair with this store again.
        """
        return await self._database.transact(lambda tr: self._ensure_machine(tr, owner_name))

    async def pair(self, device: Device) -> Login:
        """Open a login of the machine's owner for a client that has shown the pairing key."""

        def body(tr: Writing) -> Opened:
            own = self._machine(tr)
            keys = self._database.keyspace.tenant(own.tenant_id)
            user, tenant = Users(keys).get(tr, own.user_id), Tenants(keys).get(tr, own.tenant_id)
            return self._open(tr, "auth.paired", (user, tenant), device)

        return self._logins.answer(await self._database.transact(body))

    async def refuse(self, event_type: str, code: str, device: Device) -> None:
        """Write into the machine's own trail that somebody unknown was refused."""

        def body(tr: Writing) -> None:
            record(tr, self._database.keyspace.tenant(self._machine(tr).tenant_id), event_type, device, code=code)

        await self._database.transact(body)

    # --- passwords ---

    async def register(self, registration: Registration, device: Device) -> Login:
        """Open an account: a user and their own tenant, in one transaction, and a first login.

        Raises:
            InvalidError: The e-mail address or a name is not what the model allows.
            UnavailableError: Too many wait for their passwords to be hashed.
        """
        password_hash = await self._passwords.hash(registration.password)

        def body(tr: Writing) -> Opened:
            user_id = new_id(tr.now_ms)
            name = registration.email[: limits.name_chars_max]  # an address may be longer
            tenant = Tenant.new_self_tenant(name=name, owner_user_id=user_id, now_ms=tr.now_ms)
            user = User.new(
                tenant_id=tenant.id,
                email=registration.email,
                role="admin",
                now_ms=tr.now_ms,
                password_hash=password_hash,
                user_id=user_id,
                first_name=registration.first_name,
                last_name=registration.last_name,
            )
            Users(self._database.keyspace.tenant(tenant.id)).create_with_tenant(tr, user, tenant)
            return self._open(tr, "auth.registered", (user, tenant), device)

        return self._logins.answer(await self._database.transact(body))

    async def login(self, email: str, password: str, device: Device, *, tenant_id: str | None = None) -> Login:
        """Open a login for who knows the password of an account.

        Args:
            tenant_id: Which account, where an address has several. By default the one that the password is of, among
                the ``limits.login_accounts_max`` oldest: whoever adds the address to another tenant shuts nobody out.

        Raises:
            UnauthenticatedError: Whatever was wrong: the answer and the time it takes are the same.
            ConflictError: The password is replaced again and again meanwhile (code ``busy``).
            UnavailableError: Too many wait for their passwords to be checked.
        """
        try:
            opened = await self._checked(email, password, device, tenant_id)
        except ConflictError:  # most often another login, which hashed it anew with the present parameters
            opened = await self._checked(email, password, device, tenant_id)
        if opened is None:
            raise UnauthenticatedError("The e-mail address or the password is wrong.", code="invalid_credentials")
        return self._logins.answer(opened)

    async def _checked(self, email: str, password: str, device: Device, tenant_id: str | None) -> Opened | None:
        """Open a login if the password is right.

        Raises:
            ConflictError: It was replaced while it was checked (code ``busy``).
        """
        accounts = await self._database.read(lambda tr: self._accounts(tr, email, tenant_id))
        match = await self._passwords.find([each.password_hash for each in accounts], password)
        account = accounts[match.at if match else 0] if accounts else None
        stored = account.password_hash if account else None

        def body(tr: Writing) -> Opened | None:
            owner = self._active(tr, account)
            if owner is not None and owner[0].password_hash != stored:
                raise ConflictError(
                    "The password is being changed; try again.", code="busy", details={"retry_after_seconds": 1}
                )
            if owner is None or match is None:
                self._refuse(tr, account, device, "auth.login_refused")
                return None
            changes = {"last_login_at": timestamp(tr.now_ms), "password_hash": match.new_hash or stored}
            user = Users(self._keys(owner[1].id)).update(tr, owner[0].id, changes)
            return self._open(tr, "auth.logged_in", (user, owner[1]), device)

        return await self._database.transact(body)

    async def change_password(
        self, caller: Caller, current: str | None, new: str, device: Device, *, origin: str | None = None
    ) -> Login:
        """Replace the caller's password, end all their logins, this one too, and open a new one.

        Args:
            current: None where the account has none yet: the machine's owner came by pairing, and not by a browser.
            origin: See ``Logins.open``.

        Raises:
            ForbiddenError: A browser would set a first password.
            UnauthenticatedError: ``current`` is wrong (code ``invalid_credentials``).
            UnavailableError: Too many wait for their passwords to be hashed.
        """
        stored = caller.user.password_hash
        if stored is None:
            caller.check_may_let_in()
        verdict = await self._passwords.check(stored, current or "")
        if stored is not None and not verdict.matches:
            await self._database.transact(lambda tr: self._refuse(tr, caller.user, device, "auth.password_refused"))
            raise UnauthenticatedError("The current password is wrong.", code="invalid_credentials")
        password_hash = await self._passwords.hash(new)

        def body(tr: Writing) -> Opened:
            users = Users(self._keys(caller.tenant.id))
            old = users.get(tr, caller.user.id)
            if old.password_hash != stored:
                raise InvalidError("The password was changed meanwhile; log in with it.", code="password_changed")
            user = users.replace(tr, old, users.changed(old, {"password_hash": password_hash}).without_logins())
            return self._open(tr, "auth.password_changed", (user, caller.tenant), device, origin=origin)

        return self._logins.answer(await self._database.transact(body))

    # --- browsers ---

    async def open_browser(self, holder: Principal, device: Device) -> str | None:
        """Open a browser's login for who came with a ticket, and return its token; None when they may not any more.

        Args:
            holder: The login that made the ticket. If it has ended, or another role, so has the ticket.
        """

        def body(tr: Writing) -> Opened | None:
            caller = find_caller(tr, self._keys(holder.tenant_id), holder)
            if caller is None:
                return None
            return self._open(tr, "auth.browser_opened", (caller.user, caller.tenant), device, browser=True)

        opened = await self._database.transact(body)
        return None if opened is None else opened.token

    # --- inside ---

    def _open(
        self,
        tr: Writing,
        event_type: str,
        owner: tuple[User, Tenant],
        device: Device,
        *,
        browser: bool = False,
        origin: str | None = None,
    ) -> Opened:
        user, tenant = owner
        opened = self._logins.open(tr, user, tenant, device, kind="browser" if browser else "refresh", origin=origin)
        record(tr, self._keys(tenant.id), event_type, device, user_id=user.id, session_id=opened.session.id)
        return opened

    def _refuse(self, tr: Writing, account: User | None, device: Device, event_type: str) -> None:
        """Write that a password was wrong: to the account's own trail, to the machine's when there is no account."""
        tenant_id = account.tenant_id if account else self._machine(tr).tenant_id
        record(tr, self._keys(tenant_id), event_type, device, user_id=account.id if account else None)

    def _active(self, tr: Reading, account: User | None) -> tuple[User, Tenant] | None:
        """Return an account as it is now, with its tenant; None when it can't be used."""
        if account is None:
            return None
        return active(tr, self._keys(account.tenant_id), account.id)

    def _accounts(self, tr: Reading, email: str, tenant_id: str | None) -> list[User]:
        """Return the accounts that an address may log in to, the oldest first; those not active if it has no others."""
        named = find_accounts(tr, self._database.keyspace, email)
        chosen = sorted((each for each in named if tenant_id in (None, each.tenant_id)), key=lambda each: each.user_id)
        found = [
            Users(self._keys(each.tenant_id)).find(tr, each.user_id) for each in chosen[: limits.login_accounts_max]
        ]
        users = [user for user in found if user is not None]
        return [user for user in users if self._active(tr, user)] or users  # a refusal is in their own trail

    def _keys(self, tenant_id: str) -> TenantKeys:
        return self._database.keyspace.tenant(tenant_id)

    def _machine(self, tr: Reading) -> Machine:
        own = machine.find(tr, self._database.keyspace)
        if own is None:
            raise RuntimeError("ensure_machine comes first")
        return own

    def _ensure_machine(self, tr: Writing, owner_name: str) -> Machine:
        own = machine.find(tr, self._database.keyspace)
        if own is not None and tr.kv.get(Users(self._keys(own.tenant_id)).key(own.user_id)) is not None:
            return own
        user_id = new_id(tr.now_ms)  # first, because the tenant names its owner and the user its tenant
        if own is None:
            name = _readable(owner_name)[: limits.name_chars_max]
            tenant = Tenant.new_self_tenant(name=name, owner_user_id=user_id, now_ms=tr.now_ms)
            Tenants(self._keys(tenant.id)).create(tr, tenant)
        else:
            tenant = Tenants(self._keys(own.tenant_id)).update(tr, own.tenant_id, {"owner_user_id": user_id})
        users, email = Users(self._keys(tenant.id)), owner_email(owner_name)
        if users.find_by_email(tr, email) is not None:
            email = owner_email(user_id)
        users.create(tr, User.new(tenant_id=tenant.id, email=email, role="admin", now_ms=tr.now_ms, user_id=user_id))
        own = Machine(tenant.id, user_id)
        machine.put(tr, self._database.keyspace, own)
        return own


def owner_email(account_name: str) -> str:
    """Return the e-mail address of the machine's owner: of the system's account, with what no address has replaced."""
    local = _NO_ADDRESS.sub("-", fold_email(_readable(account_name))) or _NAMELESS
    return f"{local.encode()[: limits.email_local_bytes_max].decode(errors='ignore')}@localhost"


def _readable(account_name: str) -> str:
    """Return an account's name, which the system may give in bytes of any kind, as text."""
    return account_name.encode(errors="replace").decode() or _NAMELESS
