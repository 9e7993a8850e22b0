"""What becomes of a refresh token: the decision inside a family of auth sessions.

Only the newest link of a family is live; those before it are revoked and name their successor. A token of an older
link is a thief's or a racing window's. Used by ``services.logins`` alone.
"""

from typing import NamedTuple

from sidecar import limits
from sidecar.auth.tokens import LoginId, Tokens, is_token, token_hash
from sidecar.ids import new_id
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import milliseconds
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.transactions import Writing


class Refusal(NamedTuple):
    """Why a refresh token opens nothing; returned rather than raised, so that what was decided is committed."""

    code: str
    message: str


class Link(NamedTuple):
    """A live link of a family, and its token."""

    session: AuthSession
    token: str


class Exchange:
    """The exchange of one refresh token, in one transaction.

    Args:
        tr: The transaction.
        sessions: Of the token's tenant.
        tokens: Computes the tokens that follow.
    """

    def __init__(self, tr: Writing, sessions: AuthSessions, tokens: Tokens) -> None:
        self._tr = tr
        self._sessions = sessions
        self._tokens = tokens

    def decide(self, link: Link) -> Link | Refusal:
        """Return the link that a client goes on with; or why it does not, and then a thief does not either.

        Args:
            link: The token, proved to be the one of its session.
        """
        session = link.session
        if milliseconds(session.refresh_expires_at) <= self._tr.now_ms:
            return Refusal("refresh_token_expired", "The refresh token has expired; log in again.")
        if session.revoked_at is None:
            return self._rotate(link)
        if session.replaced_by is None:
            return ENDED
        age_ms = abs(self._tr.now_ms - milliseconds(session.revoked_at))  # below zero where the clock was put back
        if age_ms <= limits.refresh_grace_seconds * 1000:
            return self._follow(link) or ENDED
        if not self._sessions.invalidate_family(self._tr, session.token_family):
            return ENDED
        return Refusal(
            "refresh_token_reused",
            "The refresh token was used before; its login has been ended, because it may be stolen. Log in again.",
        )

    def _rotate(self, link: Link) -> Link:
        login = LoginId(link.session.tenant_id, new_id(self._tr.now_ms))
        successor = self._tokens.successors(link.token, login)[0]
        following = self._sessions.rotate_tokens(
            self._tr, link.session, refresh_token_hash=token_hash(successor), session_id=login.login_id
        )
        return Link(following, successor)

    def _follow(self, link: Link) -> Link | None:
        """Return the live link of a family, its token computed from an older one's; None when it has ended."""
        for _ in range(limits.family_hops_max):
            session = link.session
            if session.replaced_by is None:
                return link if session.revoked_at is None else None
            session = self._sessions.get(self._tr, session.replaced_by)
            candidates = self._tokens.successors(link.token, LoginId(session.tenant_id, session.id))
            matching = [each for each in candidates if is_token(session.refresh_token_hash, each)]
            if not matching:  # the signing keys were made anew in between
                return None
            link = Link(session, matching[0])
        return None


ENDED = Refusal("login_ended", "The login has ended; log in again.")
