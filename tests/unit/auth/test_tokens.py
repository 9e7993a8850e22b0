import base64
import json
from typing import Any

import jwt
import pytest

from sidecar import limits
from sidecar.auth.pairing import is_pairing_key, prove
from sidecar.auth.signing_keys import SigningKeys
from sidecar.auth.tokens import ALGORITHM, AUDIENCE, ISSUER, Tokens, new_refresh_token, refresh_token_hash
from sidecar.errors import CorruptStoreError, UnauthenticatedError
from tests.clocks import FakeClock

KEYS = SigningKeys.new()
SECRET = bytes.fromhex(KEYS.secrets[KEYS.current])
CLAIMS = {"user_id": "u", "tenant_id": "t", "role": "admin", "token_family": "f"}


def forged(
    clock: FakeClock, *, key: Any = SECRET, algorithm: str = ALGORITHM, kid: str = KEYS.current, **changed: Any
) -> str:
    now = clock.now_ms() // 1000
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "sub": "u",
        "tenant": "t",
        "role": "admin",
        "family": "f",
    }
    claims.update(changed)
    return jwt.encode(
        {k: v for k, v in claims.items() if v is not None}, key, algorithm=algorithm, headers={"kid": kid}
    )


def test_a_token_says_who_it_was_made_for_until_it_ends() -> None:
    clock = FakeClock()
    tokens = Tokens(KEYS, clock)
    token = tokens.issue(**CLAIMS)
    principal = tokens.verify(token)
    assert (principal.user_id, principal.tenant_id, principal.role, principal.token_family) == ("u", "t", "admin", "f")
    clock.move(limits.access_token_seconds - 1)
    tokens.verify(token)
    clock.move(1)
    with pytest.raises(UnauthenticatedError, match="expired"):
        tokens.verify(token)


def test_the_forger_of_these_tests_makes_valid_tokens_when_nothing_is_changed() -> None:
    clock = FakeClock()
    assert Tokens(KEYS, clock).verify(forged(clock)).user_id == "u"


@pytest.mark.parametrize(
    "changed",
    [
        {"key": b"another key of thirty-two bytes!"},
        {"algorithm": "HS512"},
        {"algorithm": "none", "key": None},
        {"kid": "unknown"},
        {"aud": "another"},
        {"iss": "another"},
        {"exp": None},
        {"exp": "soon"},
        {"sub": None},
        {"tenant": None},
        {"family": None},
    ],
    ids=str,
)
def test_a_token_that_is_wrong_in_one_point_is_refused(changed: dict[str, Any]) -> None:
    clock = FakeClock()
    with pytest.raises(UnauthenticatedError) as caught:
        Tokens(KEYS, clock).verify(forged(clock, **changed))
    assert caught.value.code == "invalid_token"


def test_a_token_whose_header_was_rewritten_is_refused() -> None:
    clock = FakeClock()
    head, claims, signature = forged(clock).split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    none = base64.urlsafe_b64encode(json.dumps({**header, "alg": "none"}).encode()).decode().rstrip("=")
    for token in (f"{none}.{claims}.{signature}", f"{none}.{claims}.", f"{head}.{claims}.", "", "a.b", "é"):
        with pytest.raises(UnauthenticatedError):
            Tokens(KEYS, clock).verify(token)


def test_keys_survive_their_file_and_are_never_shown() -> None:
    assert SigningKeys.load(KEYS.dump()) == KEYS
    assert KEYS.secrets[KEYS.current] not in repr(KEYS)
    for text in (
        "",
        "{}",
        "[]",
        '{"current": "a", "keys": {}}',
        '{"current": "a", "keys": {"a": "00"}}',
        '{"current": 1, "keys": 2}',
    ):
        with pytest.raises(CorruptStoreError):
            SigningKeys.load(text)


def test_refresh_tokens_are_random_and_stored_as_hashes() -> None:
    token = new_refresh_token()
    assert token != new_refresh_token()
    assert len(refresh_token_hash(token)) == 64
    assert token not in refresh_token_hash(token)


def test_a_proof_depends_on_key_nonce_and_epoch() -> None:
    proofs = {prove("k", "n", "e"), prove("l", "n", "e"), prove("k", "o", "e"), prove("k", "n", "f")}
    assert len(proofs) == 4
    assert is_pairing_key("secret", "secret")
    assert not is_pairing_key("secret", "secre")
    assert not is_pairing_key("secret", "sécret\udc80")
