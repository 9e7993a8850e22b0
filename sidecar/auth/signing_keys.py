"""The keys that sign access tokens: a small set by key id, of which one signs and all verify."""

import json
import secrets
from typing import NamedTuple, Self

from sidecar.errors import CorruptStoreError

KEY_BYTES = 64  # RFC 7518, 3.2, asks HS256 for 32 at least; the block size of SHA-256 is what HMAC takes whole


class SigningKeys(NamedTuple):
    """What the signing key file holds.

    Attributes:
        current: Id of the key that signs.
        secrets: Key id to hexadecimal secret; keys other than the current one only verify.
    """

    current: str
    secrets: dict[str, str]

    @classmethod
    def new(cls) -> Self:
        """Make a set with one fresh key."""
        key_id = secrets.token_hex(8)
        return cls(key_id, {key_id: secrets.token_hex(KEY_BYTES)})

    def __repr__(self) -> str:
        return f"SigningKeys(current={self.current!r}, {len(self.secrets)} keys)"

    def dump(self) -> str:
        """Return the text of the file."""
        return json.dumps({"current": self.current, "keys": self.secrets})

    @classmethod
    def load(cls, text: str) -> Self:
        """Read the text of the file.

        Raises:
            CorruptStoreError: It is not what ``dump`` wrote.
        """
        try:
            content = json.loads(text)
            keys = cls(content["current"], content["keys"])
            usable = all(len(bytes.fromhex(secret)) >= KEY_BYTES for secret in keys.secrets.values())
        except (ValueError, KeyError, TypeError, AttributeError):
            usable = False
        if not usable or keys.current not in keys.secrets:
            raise CorruptStoreError("The signing key file can't be read; remove it and every client will pair again.")
        return keys
