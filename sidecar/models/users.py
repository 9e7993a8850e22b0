"""A user of a tenant. The stored record holds a password's hash; ``PublicUser`` is the shape that leaves the daemon."""

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from sidecar import limits
from sidecar.ids import new_id
from sidecar.models.base import Record, timestamp

Role = Literal["admin", "developer", "manager", "viewer"]


def fold_email(email: str) -> str:
    """Return the form under which an e-mail address is stored, compared and looked up."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


Email = Annotated[
    str,
    AfterValidator(fold_email),
    StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=limits.email_chars_max),
]
PersonName = Annotated[str, StringConstraints(max_length=limits.name_chars_max)]


class PublicUser(Record):
    """A user as everyone in the tenant may see them.

    Attributes:
        email: Case-folded; unique in the tenant.
        role: ``viewer`` reads, ``developer`` writes own, ``manager`` reads all, ``admin`` does all.
    """

    email: Email
    first_name: PersonName = ""
    last_name: PersonName = ""
    role: Role = "developer"
    is_active: bool = True
    email_verified: bool = False
    last_login_at: AwareDatetime | None = None

    def full_name(self) -> str:
        """Return first and last name, or the e-mail address when there is neither."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email


class User(PublicUser):
    """A user as stored.

    Attributes:
        password_hash: argon2id, in its standard text form; None when only pairing opens the account. Not shown by
            ``repr``.
    """

    password_hash: str | None = Field(default=None, repr=False, max_length=limits.password_hash_chars_max)

    @classmethod
    def new(
        cls,
        *,
        tenant_id: str,
        email: str,
        now_ms: int,
        role: Role = "developer",
        password_hash: str | None = None,
        user_id: str | None = None,
    ) -> Self:
        """Build a user that is not stored yet, with the given id or a new one."""
        now = timestamp(now_ms)
        return cls.checked(
            id=user_id or new_id(now_ms),
            tenant_id=tenant_id,
            created_at=now,
            updated_at=now,
            email=email,
            role=role,
            password_hash=password_hash,
        )

    def public(self) -> PublicUser:
        """Return what may leave the daemon."""
        return PublicUser.model_validate(self.model_dump(exclude={"password_hash"}))
