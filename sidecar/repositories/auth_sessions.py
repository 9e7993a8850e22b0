"""Logins: one row for each link of a family of refresh tokens."""

from sidecar.models.auth_sessions import AuthSession
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Repository

BY_USER = Index[AuthSession](keys.AUTH_SESSIONS_BY_USER, tails=lambda each: [(keys.id_element(each.user_id),)])
BY_FAMILY = Index[AuthSession](keys.AUTH_SESSIONS_BY_FAMILY, tails=lambda each: [(keys.id_element(each.token_family),)])
BY_EXPIRY = Index[AuthSession](
    keys.AUTH_SESSIONS_BY_EXPIRY, tails=lambda each: [(int(each.refresh_expires_at.timestamp() * 1000),)]
)


class AuthSessions(Repository[AuthSession]):
    """The logins of one tenant."""

    kind = "auth_sessions"
    primary = keys.AUTH_SESSIONS
    model = AuthSession
    indexes = (BY_USER, BY_FAMILY, BY_EXPIRY)
