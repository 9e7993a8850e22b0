"""Access and refresh tokens.

An access token is a JWT of 15 minutes with a pinned algorithm, issuer and audience. A refresh token is random; only
its hash is stored.
"""

import hashlib
import secrets
from typing import Any, NamedTuple

import jwt

from sidecar import limits
from sidecar.auth.signing_keys import SigningKeys
from sidecar.clock import Clock
from sidecar.errors import UnauthenticatedError

ALGORITHM = "HS256"
ISSUER = "sidecar"
AUDIENCE = "sidecar-v5"
_CLAIMS = ["exp", "iat", "iss", "aud", "sub", "tenant", "role", "family"]


class Principal(NamedTuple):
    """Who makes a request.

    Attributes:
        expires_at_ms: When the token that says so ends, milliseconds since 1970.
    """

    user_id: str
    tenant_id: str
    role: str
    token_family: str
    expires_at_ms: int


class Tokens:
    """Makes and reads tokens.

    Args:
        keys: Sign and verify.
        clock: Tells when a token ends.
    """

    def __init__(self, keys: SigningKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def issue(self, *, user_id: str, tenant_id: str, role: str, token_family: str) -> str:
        """Return a new access token."""
        now = self._clock.now_ms() // 1000
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + limits.access_token_seconds,
            "sub": user_id,
            "tenant": tenant_id,
            "role": role,
            "family": token_family,
        }
        secret = bytes.fromhex(self._keys.secrets[self._keys.current])
        return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"kid": self._keys.current})

    def verify(self, token: str) -> Principal:
        """Return who an access token speaks for.

        Raises:
            UnauthenticatedError: It is not one of ours, or no longer; the sentence does not say which part was wrong.
        """
        try:
            secret = bytes.fromhex(self._keys.secrets[jwt.get_unverified_header(token)["kid"]])
            claims: dict[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
            )
            expires_at_ms = int(claims["exp"]) * 1000
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise UnauthenticatedError("The access token is not valid.", code="invalid_token") from None
        # The time is checked by our own clock, which tests can hold still.
        if expires_at_ms <= self._clock.now_ms():
            raise UnauthenticatedError("The access token has expired; refresh it.", code="token_expired")
        return Principal(claims["sub"], claims["tenant"], claims["role"], claims["family"], expires_at_ms)


def new_refresh_token() -> str:
    """Return a new refresh token: 256 random bits as text."""
    return secrets.token_urlsafe(limits.refresh_token_bytes)


def refresh_token_hash(token: str) -> str:
    """Return what is stored of a refresh token. It is random, so a plain SHA-256 can't be searched."""
    return hashlib.sha256(token.encode()).hexdigest()
