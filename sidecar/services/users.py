"""The users of a tenant, as an admin manages them.

The tenant's owner always stays an active admin, so that no tenant can be left with nobody who manages it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sidecar.auth.passwords import Passwords
from sidecar.errors import ForbiddenError
from sidecar.models.tenants import Tenant
from sidecar.models.users import Role, User
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.users import Users
from sidecar.services.cascades import Cascades

_OWNERS = {"role": "admin", "is_active": True}


class NewUser(NamedTuple):
    """Whom an admin adds; without a password only the admin's reset opens the account."""

    email: str
    role: Role
    first_name: str
    last_name: str
    password: str | None


class UserService:
    """Adds, changes and removes users.

    Args:
        database: Where they are kept.
        passwords: Hashes the passwords that admins set.
    """

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def add(self, keys: TenantKeys, new: NewUser) -> User:
        """Store a new user.

        Raises:
            ConflictError: The tenant has a user with that e-mail address.
            LimitExceededError: The tenant's plan allows no more users.
        """
        password_hash = None if new.password is None else await self._passwords.hash(new.password)

        def body(tr: Writing) -> User:
            user = User.new(
                tenant_id=keys.tenant_id,
                email=new.email,
                role=new.role,
                now_ms=tr.now_ms,
                password_hash=password_hash,
                first_name=new.first_name,
                last_name=new.last_name,
            )
            return Users(keys).create(tr, user)

        return await self._database.transact(body)

    async def change(
        self, keys: TenantKeys, user_id: str, fields: Mapping[str, Any], *, if_version: int | None = None
    ) -> User:
        """Change some fields of a user; another role, password or standing ends their logins.

        Args:
            fields: By name; ``password``, too, where None takes it away.

        Raises:
            NotFoundError: The tenant has no such user.
            ForbiddenError: The tenant's owner would cease to be an active admin.
            VersionConflictError: ``if_version`` is not the version that is stored.
        """
        changes = {name: value for name, value in fields.items() if name != "password"}
        if "password" in fields:
            password = fields["password"]
            changes["password_hash"] = None if password is None else await self._passwords.hash(password)

        def body(tr: Writing) -> User:
            users = Users(keys)
            old = users.get(tr, user_id)
            users.check_version(old, if_version)
            new = users.changed(old, changes)
            if user_id == _tenant(tr, keys).owner_user_id and any(getattr(new, k) != v for k, v in _OWNERS.items()):
                raise ForbiddenError("The tenant's owner stays an active admin.", code="owner")
            ends = "password_hash" in changes or (old.role, old.is_active) != (new.role, new.is_active)
            return users.replace(tr, old, new.without_logins() if ends else new)

        return await self._database.transact(body)

    async def remove(self, keys: TenantKeys, user_id: str, *, if_version: int | None = None) -> None:
        """Remove a user and what is theirs; see ``services.cascades``.

        Raises:
            NotFoundError: The tenant has no such user.
            ForbiddenError: It is the tenant's owner.
            VersionConflictError: ``if_version`` is not the version that is stored.
        """
        await Cascades(self._database).delete_user(keys, user_id, if_version=if_version)


def _tenant(tr: Writing, keys: TenantKeys) -> Tenant:
    return Tenants(keys).get(tr, keys.tenant_id)
