"""A login on one device: one link in a family of refresh tokens, of which only the hashes are kept."""

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints

from sidecar import limits
from sidecar.ids import new_id
from sidecar.models.base import Id, Record, timestamp

TokenHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ClientText = Annotated[str, StringConstraints(max_length=limits.client_text_chars_max)]


class AuthSession(Record):
    """One refresh token's life.

    Attributes:
        token_family: Shared by all that descend from one login.
        refresh_token_hash: SHA-256 of the token. Not shown by ``repr``.
        expires_at: End of the access token given with it.
        refresh_expires_at: End of the refresh token.
        revoked_at: Since when it opens nothing.
        replaced_by: The next link of the family.
    """

    user_id: Id
    token_family: Id
    refresh_token_hash: TokenHash = Field(repr=False)
    expires_at: AwareDatetime
    refresh_expires_at: AwareDatetime
    ip_address: ClientText = ""
    user_agent: ClientText = ""
    workspace_session_id: Id | None = None
    revoked_at: AwareDatetime | None = None
    replaced_by: Id | None = None

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
    ) -> Self:
        """Build the first link of a family, or with ``token_family`` a further one."""
        now = timestamp(now_ms)
        return cls.checked(
            id=new_id(now_ms),
            tenant_id=tenant_id,
            created_at=now,
            updated_at=now,
            user_id=user_id,
            token_family=token_family or new_id(now_ms),
            refresh_token_hash=refresh_token_hash,
            expires_at=timestamp(now_ms + limits.access_token_seconds * 1000),
            refresh_expires_at=timestamp(now_ms + limits.refresh_token_seconds * 1000),
            ip_address=ip_address[: limits.client_text_chars_max],
            user_agent=user_agent[: limits.client_text_chars_max],
        )
