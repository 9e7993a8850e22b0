"""Users, found by e-mail inside their tenant, and across tenants for login."""

from typing import NamedTuple
from uuid import UUID

from sidecar import limits
from sidecar.errors import InvalidError, NotFoundError
from sidecar.models.tenants import Tenant
from sidecar.models.users import User, fold_email
from sidecar.repositories import keys
from sidecar.repositories.base import Counter, Index, Page, Repository
from sidecar.repositories.indexes import ID_BYTES
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Reading, Writing

BY_EMAIL = Index[User](keys.USERS_BY_EMAIL, tails=lambda user: [(user.email,)], unique=True)
ACCOUNTS = Index[User](keys.ACCOUNTS_BY_EMAIL, tails=lambda user: [(user.email,)], shared=True)


class Users(Repository[User]):
    """The users of one tenant."""

    kind = "users"
    primary = keys.USERS
    model = User
    indexes = (BY_EMAIL, ACCOUNTS)
    counters = (Counter[User](keys.RECORD_COUNTS, under=lambda _: ("users",), amount=lambda _: 1),)

    def create_with_tenant(self, tr: Writing, user: User, tenant: Tenant) -> User:
        """Store a new tenant and its owner, both or neither.

        Raises:
            InvalidError: The tenant names another owner.
        """
        if tenant.owner_user_id != user.id:
            raise InvalidError("A tenant is made with its owner.")
        Tenants(self.tenant).create(tr, tenant)
        return self.create(tr, user)

    def find_by_email(self, tr: Reading, email: str) -> User | None:
        """Return the user with an e-mail address, in whatever case it is written, or None."""
        return self.find_by(tr, BY_EMAIL, (fold_email(email),))

    def get_by_email(self, tr: Reading, email: str) -> User:
        """Return the user with an e-mail address, in whatever case it is written.

        Raises:
            NotFoundError: There is none in this tenant.
        """
        user = self.find_by_email(tr, email)
        if user is None:
            raise NotFoundError("There is no user with this e-mail address.")
        return user

    def list_by_tenant(
        self, tr: Reading, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[User]:
        """Return a page of the tenant's users, oldest first."""
        return self.list_all(tr, cursor=cursor, limit=limit)


class Account(NamedTuple):
    """Where an e-mail address can log in."""

    tenant_id: str
    user_id: str


def find_accounts(tr: Reading, keyspace: keys.Keyspace, email: str) -> list[Account]:
    """Return the accounts of an e-mail address, the oldest tenant's first; at most ``limits.page_items_max``."""
    space = keyspace.root[keys.ACCOUNTS_BY_EMAIL]
    rows = tr.kv.get_range(*space.range((fold_email(email),)), limit=limits.page_items_max)
    return [Account(str(space.unpack(key)[-1]), str(UUID(bytes=value[:ID_BYTES]))) for key, value in rows]
