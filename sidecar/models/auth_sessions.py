"""A login on one device: one link in a family of refresh tokens, of which only the hashes are kept."""

from typing import Annotated, Any, Self

from pydantic import Field, SerializationInfo, SerializerFunctionWrapHandler, StringConstraints
from pydantic import model_serializer as serializer

from sidecar import limits
from sidecar.ids import new_id
from sidecar.models.base import Count, Id, Record, Time, timestamp

TokenHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ClientText = Annotated[str, StringConstraints(max_length=limits.client_text_chars_max)]
_STORED = {"stored": True}


class PublicAuthSession(Record):
    """A login as its user may see it.

    Attributes:
        token_family: Shared by all that descend from one login.
        expires_at: End of the access token given with it.
        refresh_expires_at: End of the refresh token.
        workspace_session_id: What it was opened to work in; it may be gone.
        revoked_at: Since when it opens nothing.
        replaced_by: The next link of the family.
    """

    user_id: Id
    token_family: Id
    expires_at: Time
    refresh_expires_at: Time
    ip_address: ClientText = ""
    user_agent: ClientText = ""
    workspace_session_id: Id | None = None
    revoked_at: Time | None = None
    replaced_by: Id | None = None


class AuthSession(PublicAuthSession):
    """One refresh token's life, as stored.

    Attributes:
        refresh_token_hash: SHA-256 of the token. Neither ``repr`` nor ``to_json`` shows it; only ``stored_json`` does.
        logins_ended: How often all logins of the user had been ended when this one was opened.
    """

    refresh_token_hash: TokenHash = Field(repr=False)
    logins_ended: Count = Field(default=0, repr=False)

    @serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if info.context is not _STORED:
            fields.pop("refresh_token_hash", None)
            fields.pop("logins_ended", None)
        return fields

    def stored_json(self) -> bytes:
        """Return the JSON text that is stored, the hash in it."""
        return self.__pydantic_serializer__.to_json(self, context=_STORED)

    def public(self) -> PublicAuthSession:
        """Return what its user may see."""
        return PublicAuthSession.model_validate(self.model_dump())

    @classmethod
    def new(  # noqa: PLR0913 - a login has this many sides, all by name
        cls,
        *,
        tenant_id: str,
        user_id: str,
        refresh_token_hash: str,
        now_ms: int,
        ip_address: str = "",
        user_agent: str = "",
        token_family: str | None = None,
        workspace_session_id: str | None = None,
        session_id: str | None = None,
        refresh_seconds: int = limits.refresh_token_seconds,
        logins_ended: int = 0,
    ) -> Self:
        """Build the first link of a family, or with ``token_family`` a further one.

        Args:
            session_id: Its id, made before it because a refresh token names its link.
            refresh_seconds: How long that token opens something.
            logins_ended: The user's, now.
        """
        return cls.made(
            id=session_id,
            tenant_id=tenant_id,
            now_ms=now_ms,
            user_id=user_id,
            token_family=token_family or new_id(now_ms),
            refresh_token_hash=refresh_token_hash,
            logins_ended=logins_ended,
            expires_at=timestamp(now_ms + limits.access_token_seconds * 1000),
            refresh_expires_at=timestamp(now_ms + refresh_seconds * 1000),
            ip_address=ip_address[: limits.client_text_chars_max],
            user_agent=user_agent[: limits.client_text_chars_max],
            workspace_session_id=workspace_session_id,
        )

    def rotate(self, *, refresh_token_hash: str, now_ms: int, session_id: str | None = None) -> tuple[Self, Self]:
        """Return this link as revoked, and the next one of its family, which replaces it."""
        following = type(self).new(
            tenant_id=self.tenant_id,
            user_id=self.user_id,
            refresh_token_hash=refresh_token_hash,
            now_ms=now_ms,
            ip_address=self.ip_address,
            user_agent=self.user_agent,
            token_family=self.token_family,
            workspace_session_id=self.workspace_session_id,
            session_id=session_id,
            logins_ended=self.logins_ended,
        )
        ended = self.model_copy(update={"revoked_at": timestamp(now_ms), "replaced_by": following.id})
        return ended, following
