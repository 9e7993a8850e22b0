"""The keys that sign access tokens: a small set by key id, of which one signs and all verify.

A key that has been replaced verifies until the last token that it signed has ended, then it is forgotten. The set is a
value; ``KeyRing`` holds the present one and tells whoever keeps the file of every new one.
"""

import json
import secrets
from collections.abc import Callable
from typing import NamedTuple, Self

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import CorruptStoreError

KEY_BYTES = 64  # RFC 7518, 3.2, asks HS256 for 32 at least; the block size of SHA-256 is what HMAC takes whole


class SigningKeys(NamedTuple):
    """What the signing key file holds.

    Attributes:
        current: Id of the key that signs.
        secrets: Key id to hexadecimal secret; keys other than the current one only verify.
        made_at_ms: When the current key was made, milliseconds since 1970.
        retired_at_ms: When each of the others ceased to sign.
    """

    current: str
    secrets: dict[str, str]
    made_at_ms: int
    retired_at_ms: dict[str, int]

    @classmethod
    def new(cls, now_ms: int) -> Self:
        """Make a set with one fresh key."""
        key_id = secrets.token_hex(8)
        return cls(key_id, {key_id: secrets.token_hex(KEY_BYTES)}, now_ms, {})

    def __repr__(self) -> str:
        return f"SigningKeys(current={self.current!r}, {len(self.secrets)} keys)"

    def rotated(self, now_ms: int) -> Self:
        """Return a set in which a fresh key signs, and which has forgotten the keys whose tokens have all ended.

        Of more than ``limits.signing_keys_max`` the oldest are forgotten too: their tokens are refreshed.
        """
        fresh = type(self).new(now_ms)
        oldest_ms = now_ms - limits.access_token_seconds * 1000
        live = [(key, at) for key, at in self.retired_at_ms.items() if at > oldest_ms]
        retired = dict([*live, (self.current, now_ms)][1 - limits.signing_keys_max :])
        kept = {key: self.secrets[key] for key in retired}
        return fresh._replace(secrets=kept | fresh.secrets, retired_at_ms=retired)

    def due_in_ms(self, now_ms: int) -> int:
        """Return after how many milliseconds the current key has signed long enough; 0 or less when it has."""
        return self.made_at_ms + limits.signing_key_seconds * 1000 - now_ms

    def dump(self) -> str:
        """Return the text of the file."""
        return json.dumps(
            {
                "current": self.current,
                "keys": self.secrets,
                "made_at_ms": self.made_at_ms,
                "retired_at_ms": self.retired_at_ms,
            }
        )

    @classmethod
    def load(cls, text: str) -> Self:
        """Read the text of the file.

        Raises:
            CorruptStoreError: It is not what ``dump`` wrote.
        """
        try:
            content = json.loads(text)
            keys = cls(content["current"], content["keys"], int(content["made_at_ms"]), content["retired_at_ms"])
            usable = all(len(bytes.fromhex(secret)) >= KEY_BYTES for secret in keys.secrets.values())
            usable &= keys.secrets.keys() == {keys.current, *keys.retired_at_ms.keys()}
        except (ValueError, KeyError, TypeError, AttributeError):
            usable = False
        if not usable or keys.current not in keys.secrets:
            raise CorruptStoreError("The signing key file can't be read; remove it and every client will pair again.")
        return keys


class KeyRing:
    """The set of keys that is used now.

    Args:
        keys: What the file holds.
        clock: Tells when a key is due.
        save: Called with every new set, before it is used.
    """

    def __init__(self, keys: SigningKeys, clock: Clock, save: Callable[[SigningKeys], None]) -> None:
        self.keys = keys
        self._clock = clock
        self._save = save

    def rotate(self) -> SigningKeys:
        """Sign with a fresh key from now on, and return the new set."""
        keys = self.keys.rotated(self._clock.now_ms())
        self._save(keys)
        self.keys = keys
        return keys

    def rotate_if_due(self) -> float:
        """Rotate when the current key has signed long enough; return the seconds until the next rotation is due."""
        if self.keys.due_in_ms(self._clock.now_ms()) <= 0:
            self.rotate()
        return self.keys.due_in_ms(self._clock.now_ms()) / 1000
