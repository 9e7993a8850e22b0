"""Access tokens, refresh tokens, and the tokens of browsers.

An access token is a JWT of 15 minutes with a pinned algorithm, issuer and audience. The others are random text that
names the login it belongs to; only their hashes are stored.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import uuid
from collections import OrderedDict
from typing import Any, Literal, NamedTuple

import jwt

from sidecar import limits
from sidecar.auth.signing_keys import KeyRing
from sidecar.clock import Clock
from sidecar.errors import UnauthenticatedError

ALGORITHM = "HS256"
ISSUER = "sidecar"
AUDIENCE = "sidecar-v5"
_CLAIMS = ["exp", "iat", "iss", "aud", "sub", "tenant", "role", "family", "login"]
_ID_BYTES = 16
_BEARER = "Bearer "

TokenKind = Literal["refresh", "browser"]
_PREFIXES: dict[TokenKind, str] = {"refresh": "scr_", "browser": "scb_"}


class Principal(NamedTuple):
    """Who makes a request.

    Attributes:
        login_id: The link of the family that the token was made for: its AuthSession.
        expires_at_ms: When the token that says so ends, milliseconds since 1970.
    """

    user_id: str
    tenant_id: str
    role: str
    token_family: str
    login_id: str
    expires_at_ms: int


class LoginId(NamedTuple):
    """Which login a refresh or browser token names; nothing is proved by it yet."""

    tenant_id: str
    login_id: str


class Tokens:
    """Makes and reads tokens.

    Args:
        ring: Its keys sign and verify.
        clock: Tells when a token ends.
    """

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self.ring = ring
        self._clock = clock
        self._proved: OrderedDict[str, Principal] = OrderedDict()
        self._proved_by = ring.keys

    def issue(self, *, user_id: str, tenant_id: str, role: str, token_family: str, login_id: str) -> str:
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
            "login": login_id,
        }
        keys = self.ring.keys
        return jwt.encode(
            claims, bytes.fromhex(keys.secrets[keys.current]), algorithm=ALGORITHM, headers={"kid": keys.current}
        )

    def recall(self, authorization: str) -> Principal | None:
        """Return who the token in an Authorization header speaks for, if it was verified before; else None."""
        if self._proved_by is not self.ring.keys or not authorization.startswith(_BEARER):
            return None
        principal = self._proved.get(authorization[len(_BEARER) :])
        return principal if principal is not None and principal.expires_at_ms > self._clock.now_ms() else None

    def verify(self, token: str) -> Principal:
        """Return who an access token speaks for.

        Raises:
            UnauthenticatedError: It is not one of ours, or no longer; the sentence does not say which part was wrong.
        """
        if self._proved_by is not self.ring.keys:  # a key was retired: whatever it has proved is proved again
            self._proved_by = self.ring.keys
            self._proved.clear()
        principal = self._proved.get(token)
        if principal is None:
            principal = self._proved[token] = self._proof(token)
            if len(self._proved) > limits.callers_cached_max:
                self._proved.popitem(last=False)
        # The time is checked by our own clock, which tests can hold still.
        if principal.expires_at_ms <= self._clock.now_ms():
            raise UnauthenticatedError("The access token has expired; refresh it.", code="token_expired")
        return principal

    def _proof(self, token: str) -> Principal:
        """Return who a token speaks for, or spoke: its signature and claims are right."""
        try:
            secret = bytes.fromhex(self.ring.keys.secrets[jwt.get_unverified_header(token)["kid"]])
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
        return Principal(
            claims["sub"], claims["tenant"], claims["role"], claims["family"], claims["login"], expires_at_ms
        )

    def successors(self, token: str, login: LoginId) -> list[str]:
        """Return what may follow a refresh token as the token of ``login``: one for each signing key, newest first.

        Another secret may stand for the first token: then who has it gets the same again.

        A successor is computed, not drawn, so that windows which race with the same token all get the same next one
        and their family stays one chain, although nobody keeps the token itself. Without a signing key it is as
        random as the token that it follows.
        """
        keys = self.ring.keys
        key_ids = [keys.current, *sorted(keys.retired_at_ms, key=keys.retired_at_ms.__getitem__, reverse=True)]
        text = f"sidecar-refresh-v1:{token}:{login.login_id}".encode()
        return [
            _text("refresh", login, hmac.digest(bytes.fromhex(keys.secrets[key_id]), text, hashlib.sha256))
            for key_id in key_ids
        ]


def new_login_token(kind: TokenKind, login: LoginId) -> str:
    """Return a new refresh or browser token of a login: 256 random bits behind the ids."""
    return _text(kind, login, secrets.token_bytes(limits.refresh_token_bytes))


def read_login_token(kind: TokenKind, token: str) -> LoginId:
    """Return the login that a token names; whether it is that login's token, its hash tells.

    Raises:
        UnauthenticatedError: It does not have the form of such a token.
    """
    prefix = _PREFIXES[kind]
    try:
        raw = base64.b64decode(token.removeprefix(prefix) + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not token.startswith(prefix) or len(raw) != 2 * _ID_BYTES + limits.refresh_token_bytes:
        raise UnauthenticatedError(f"The {kind} token is not valid.", code=f"invalid_{kind}_token")
    return LoginId(str(uuid.UUID(bytes=raw[:_ID_BYTES])), str(uuid.UUID(bytes=raw[_ID_BYTES : 2 * _ID_BYTES])))


def token_hash(token: str) -> str:
    """Return what is stored of a refresh or browser token. It is random, so a plain SHA-256 can't be searched."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_token(stored_hash: str, token: str) -> bool:
    """Tell whether a token is the one whose hash is stored, in constant time."""
    return hmac.compare_digest(stored_hash, token_hash(token))


def _text(kind: TokenKind, login: LoginId, secret: bytes) -> str:
    raw = uuid.UUID(login.tenant_id).bytes + uuid.UUID(login.login_id).bytes + secret
    return _PREFIXES[kind] + base64.urlsafe_b64encode(raw).decode().rstrip("=")
