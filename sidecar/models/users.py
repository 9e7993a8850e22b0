"""A user of a tenant. The stored record holds a password's hash; ``PublicUser`` is the shape that leaves the daemon."""

import unicodedata
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)

from sidecar import limits
from sidecar.models.base import Count, Flag, Record, Time

Role = Literal["admin", "developer", "manager", "viewer"]
_STORED = {"stored": True}


def fold_email(email: str) -> str:
    """Return the form under which an e-mail address is stored, compared and looked up."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


def _email_fits(email: str) -> str:
    if len(email.encode()) > limits.email_chars_max:
        raise ValueError(f"an e-mail address may have {limits.email_chars_max} bytes")
    return email


Email = Annotated[
    str,
    AfterValidator(fold_email),
    StringConstraints(pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$"),
    AfterValidator(_email_fits),
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
    is_active: Flag = True
    email_verified: Flag = False
    last_login_at: Time | None = None

    def full_name(self) -> str:
        """Return first and last name, or the e-mail address when there is neither."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email


class User(PublicUser):
    """A user as stored.

    Attributes:
        password_hash: argon2id, in its standard text form; None when only pairing opens the account. Neither ``repr``
            nor ``to_json`` shows it; only ``stored_json`` does.
        logins_ended: How often all logins were ended; one that was opened before the last time is none any more. A
            count, because a clock may be put back; on the user, because there may be any number of logins.
    """

    password_hash: str | None = Field(default=None, repr=False, max_length=limits.password_hash_chars_max)
    logins_ended: Count = Field(default=0, repr=False)

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if info.context is not _STORED:
            fields.pop("password_hash", None)
            fields.pop("logins_ended", None)
        return fields

    def stored_json(self) -> bytes:
        """Return the JSON text that is stored, the hash in it."""
        return self.__pydantic_serializer__.to_json(self, context=_STORED)

    @classmethod
    def new(
        cls,
        *,
        tenant_id: str,
        email: str,
        now_ms: int,
        role: Role = "developer",
        user_id: str | None = None,
        **fields: Any,  # noqa: ANN401 - any other field of the model; checked
    ) -> Self:
        """Build a user that is not stored yet, with the given id or a new one."""
        return cls.made(
            tenant_id=tenant_id,
            now_ms=now_ms,
            id=user_id,
            email=email,
            role=role,
            **fields,
        )

    def without_logins(self) -> Self:
        """Return a copy for which no login that was opened before is one any more."""
        return self.model_copy(update={"logins_ended": self.logins_ended + 1})

    def public(self) -> PublicUser:
        """Return what may leave the daemon."""
        return PublicUser.model_validate(self.model_dump())
