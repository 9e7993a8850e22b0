"""Users, found by e-mail inside their tenant, and across tenants for login."""

from sidecar.models.users import User, fold_email
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Repository
from sidecar.repositories.transactions import Reading

BY_EMAIL = Index[User](keys.USERS_BY_EMAIL, tails=lambda user: [(user.email,)], unique=True)
ACCOUNTS = Index[User](keys.ACCOUNTS_BY_EMAIL, tails=lambda user: [(user.email,)], shared=True)


class Users(Repository[User]):
    """The users of one tenant."""

    kind = "users"
    primary = keys.USERS
    model = User
    indexes = (BY_EMAIL, ACCOUNTS)

    def find_by_email(self, tr: Reading, email: str) -> User | None:
        """Return the user with an e-mail address, in whatever case it is written, or None."""
        return self.find_by(tr, BY_EMAIL, (fold_email(email),))
