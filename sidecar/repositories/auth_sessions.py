"""Logins: one row for each link of a family of refresh tokens."""

from sidecar import limits
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import milliseconds, timestamp
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.transactions import Reading, Writing


def _is_revoked(link: AuthSession) -> bytes:
    return b"" if link.revoked_at is None else b"\x01"


BY_USER = Index[AuthSession](
    keys.AUTH_SESSIONS_BY_USER, tails=lambda link: [(keys.id_element(link.user_id),)], covering=_is_revoked
)
BY_FAMILY = Index[AuthSession](
    keys.AUTH_SESSIONS_BY_FAMILY, tails=lambda link: [(keys.id_element(link.token_family),)], covering=_is_revoked
)
BY_EXPIRY = Index[AuthSession](
    keys.AUTH_SESSIONS_BY_EXPIRY, tails=lambda link: [(milliseconds(link.refresh_expires_at),)]
)


class AuthSessions(Repository[AuthSession]):
    """The logins of one tenant."""

    kind = "auth_sessions"
    primary = keys.AUTH_SESSIONS
    model = AuthSession
    indexes = (BY_USER, BY_FAMILY, BY_EXPIRY)

    def get_by_token_family(
        self, tr: Reading, token_family: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[AuthSession]:
        """Return a page of the links of a family, the newest first."""
        under = (keys.id_element(token_family),)
        return self.list_by(tr, BY_FAMILY, under=under, cursor=cursor, limit=limit, reverse=True)

    def list_of_user(
        self, tr: Reading, user_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[AuthSession]:
        """Return a page of a user's logins, oldest first; ended ones too."""
        return self.list_by(tr, BY_USER, under=(keys.id_element(user_id),), cursor=cursor, limit=limit)

    def rotate_tokens(
        self, tr: Writing, session: AuthSession, *, refresh_token_hash: str, session_id: str | None = None
    ) -> AuthSession:
        """End a link, as this transaction read it, and store and return the next one of its family."""
        ended, following = session.rotate(
            refresh_token_hash=refresh_token_hash, now_ms=tr.now_ms, session_id=session_id
        )
        self.replace(tr, session, ended)
        return self.create(tr, following)

    def invalidate_family(self, tr: Writing, token_family: str) -> int:
        """End every link of a family that still opens something, and return how many did."""
        rows = tr.kv.get_range(*self.spaces[BY_FAMILY.name].range((keys.id_element(token_family),)))
        live = self._named(tr, BY_FAMILY, [row for row in rows if not row[1]])
        for link in live:
            self.replace(tr, link, link, revoked_at=timestamp(tr.now_ms))
        return len(live)

    def cleanup_expired(self, tr: Writing, *, limit: int = limits.job_batch_rows_max) -> int:
        """Remove at most ``limit`` logins whose refresh token has expired, and return how many."""
        begin, _ = self.spaces[BY_EXPIRY.name].range()
        end = self.spaces[BY_EXPIRY.name].pack((tr.now_ms + 1,))
        return self.delete_between(tr, BY_EXPIRY, (begin, end), limit=limit)
