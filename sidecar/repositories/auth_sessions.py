"""Logins: one row for each link of a family of refresh tokens."""

from collections.abc import Iterator

from sidecar import limits
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import timestamp
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Repository
from sidecar.repositories.transactions import Reading, Writing

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

    def rotate_tokens(
        self, tr: Writing, old: AuthSession, *, refresh_token_hash: str, session_id: str | None = None
    ) -> AuthSession:
        """End a link, as this transaction read it, and store and return the next one of its family."""
        ended, following = old.rotate(refresh_token_hash=refresh_token_hash, now_ms=tr.now_ms, session_id=session_id)
        self.replace(tr, old, ended)
        return self.create(tr, following)

    def invalidate_family(self, tr: Writing, token_family: str) -> int:
        """Revoke every link of a family that is not revoked yet; return how many were."""
        live = [each for each in self.family(tr, token_family) if each.revoked_at is None]
        for each in live:
            self.replace(tr, each, each.model_copy(update={"revoked_at": timestamp(tr.now_ms)}))
        return len(live)

    def family(self, tr: Reading, token_family: str) -> Iterator[AuthSession]:
        """Yield all links of a family, oldest first."""
        return self._all(tr, BY_FAMILY, token_family)

    def of_user(self, tr: Reading, user_id: str) -> Iterator[AuthSession]:
        """Yield all links of all families of a user, oldest first."""
        return self._all(tr, BY_USER, user_id)

    def _all(self, tr: Reading, index: Index[AuthSession], identifier: str) -> Iterator[AuthSession]:
        cursor: str | None = None
        while True:
            page = self.list_by(
                tr, index, under=(keys.id_element(identifier),), cursor=cursor, limit=limits.page_items_max
            )
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
