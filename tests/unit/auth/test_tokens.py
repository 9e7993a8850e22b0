import base64
import json
from typing import Any

import jwt
import pytest

from sidecar import limits
from sidecar.auth.pairing import is_pairing_key, prove, prove_port
from sidecar.auth.signing_keys import KeyRing, SigningKeys
from sidecar.auth.tokens import (
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    LoginId,
    Tokens,
    is_token,
    new_login_token,
    read_login_token,
    token_hash,
)
from sidecar.errors import CorruptStoreError, UnauthenticatedError
from tests.clocks import FakeClock

KEYS = SigningKeys.new(0)
SECRET = bytes.fromhex(KEYS.secrets[KEYS.current])
CLAIMS = {"user_id": "u", "tenant_id": "t", "role": "admin", "token_family": "f", "login_id": "l"}
LOGIN = LoginId("01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002")


def tokens_at(clock: FakeClock, keys: SigningKeys = KEYS) -> Tokens:
    return Tokens(KeyRing(keys, clock, lambda _: None), clock)


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
        "login": "l",
    }
    claims.update(changed)
    return jwt.encode(
        {k: v for k, v in claims.items() if v is not None}, key, algorithm=algorithm, headers={"kid": kid}
    )


def test_a_token_says_who_it_was_made_for_until_it_ends() -> None:
    clock = FakeClock()
    tokens = tokens_at(clock)
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
    assert tokens_at(clock).verify(forged(clock)).user_id == "u"


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
        {"login": None},
    ],
    ids=str,
)
def test_a_token_that_is_wrong_in_one_point_is_refused(changed: dict[str, Any]) -> None:
    clock = FakeClock()
    with pytest.raises(UnauthenticatedError) as caught:
        tokens_at(clock).verify(forged(clock, **changed))
    assert caught.value.code == "invalid_token"


def test_a_token_whose_header_was_rewritten_is_refused() -> None:
    clock = FakeClock()
    head, claims, signature = forged(clock).split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    none = base64.urlsafe_b64encode(json.dumps({**header, "alg": "none"}).encode()).decode().rstrip("=")
    for token in (f"{none}.{claims}.{signature}", f"{none}.{claims}.", f"{head}.{claims}.", "", "a.b", "é"):
        with pytest.raises(UnauthenticatedError):
            tokens_at(clock).verify(token)


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


def test_login_tokens_are_random_name_their_login_and_are_stored_as_hashes() -> None:
    token = new_login_token("refresh", LOGIN)
    assert token != new_login_token("refresh", LOGIN)
    assert read_login_token("refresh", token) == LOGIN
    assert is_token(token_hash(token), token)
    assert token not in token_hash(token)


def test_a_browsers_token_is_no_refresh_token_and_the_other_way_round() -> None:
    browser = new_login_token("browser", LOGIN)
    with pytest.raises(UnauthenticatedError):
        read_login_token("refresh", browser)
    disguised = browser.replace("scb_", "scr_", 1)
    assert read_login_token("refresh", disguised) == LOGIN
    assert not is_token(token_hash(browser), disguised)


@pytest.mark.parametrize("text", ["", "scr_", "scr_AAAA", "scr_" + "A" * 107, "scr_" + "é" * 108, "scr_%", "\udc80"])
def test_what_has_not_the_form_of_a_refresh_token_is_refused(text: str) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        read_login_token("refresh", text)
    assert caught.value.code == "invalid_refresh_token"


def test_a_successor_depends_on_the_key_the_token_and_the_login() -> None:
    clock = FakeClock()
    token = new_login_token("refresh", LOGIN)
    tokens = tokens_at(clock)
    [successor] = tokens.successors(token, LOGIN)
    assert tokens.successors(token, LOGIN) == [successor]
    other = LoginId(LOGIN.tenant_id, LOGIN.tenant_id)
    others = {
        tokens.successors(token, other)[0],
        tokens.successors(new_login_token("refresh", LOGIN), LOGIN)[0],
        tokens_at(clock, SigningKeys.new(0)).successors(token, LOGIN)[0],
    }
    assert successor not in others
    assert len(others) == 3
    tokens.ring.rotate()
    assert tokens.successors(token, LOGIN)[1] == successor


def test_a_rotated_key_verifies_until_its_last_token_has_ended() -> None:
    clock = FakeClock()
    saved: list[SigningKeys] = []
    tokens = Tokens(KeyRing(SigningKeys.new(clock.now_ms()), clock, saved.append), clock)
    old = tokens.issue(**CLAIMS)
    tokens.ring.rotate()
    assert saved == [tokens.ring.keys]
    new = tokens.issue(**CLAIMS)
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    clock.move(limits.access_token_seconds - 1)
    tokens.ring.rotate()
    assert tokens.verify(old).user_id == "u"
    clock.move(1)
    tokens.ring.rotate()
    with pytest.raises(UnauthenticatedError) as caught:
        tokens.verify(old)
    assert caught.value.code == "invalid_token"  # the key is forgotten, not only the token too old
    assert len(tokens.ring.keys.secrets) == 3  # the two that were replaced within the life of a token, and the new one


def test_only_so_many_keys_are_kept_the_oldest_go() -> None:
    keys = SigningKeys.new(0)
    rotated = [keys := keys.rotated(at) for at in range(1, 30)]
    assert len(rotated[-1].secrets) == limits.signing_keys_max
    assert rotated[-1].secrets.keys() == {each.current for each in rotated[-limits.signing_keys_max :]}
    assert SigningKeys.load(rotated[-1].dump()) == rotated[-1]


def test_keys_are_rotated_when_they_are_due_and_not_before() -> None:
    clock = FakeClock()
    ring = KeyRing(SigningKeys.new(clock.now_ms()), clock, lambda _: None)
    first = ring.keys.current
    assert ring.rotate_if_due() == limits.signing_key_seconds
    clock.move(limits.signing_key_seconds - 1)
    assert ring.rotate_if_due() == 1
    assert ring.keys.current == first
    clock.move(1)
    assert ring.rotate_if_due() == limits.signing_key_seconds
    assert ring.keys.current != first


def test_a_proof_depends_on_key_nonce_epoch_and_port() -> None:
    proofs = {prove("k", "n", "e"), prove("l", "n", "e"), prove("k", "o", "e"), prove("k", "n", "f")}
    assert len(proofs) == 4
    ports = {prove_port("k", "n", "e", 1), prove_port("k", "n", "e", 2), prove_port("l", "n", "e", 1), *proofs}
    assert len(ports) == 7
    assert is_pairing_key("secret", "secret")
    assert not is_pairing_key("secret", "secre")
    assert not is_pairing_key("secret", "sécret\udc80")
