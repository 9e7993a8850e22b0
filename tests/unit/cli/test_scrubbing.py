import json

import pytest

from sidecar.cli.scrubbing import SCRUBBED, Scrubber

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"  # noqa: S105 - a form, no secret


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ('{"password": "correct horse"}', "correct horse"),
        ('{"password": "with \\"quotes\\" in it"}', "quotes"),
        (json.dumps({"message": json.dumps({"api_key": "two words"})}), "two words"),
        ("password='correct horse'", "correct horse"),
        ("OPENAI_API_KEY=abcdef more", "abcdef"),
        ("refresh_token: scr_short", "scr_short"),
        ("my-secret = hunter2, then", "hunter2"),
        ("logged in with password hunter2-or-so", "hunter2-or-so"),
        ("the API key is a1b2c3d4", "a1b2c3d4"),
        ("Cookie: sidecar=abc123", "abc123"),
        (f"GET /events?token={TOKEN}", TOKEN),
        (f"a token alone {TOKEN} in a line", TOKEN),
        ("a login scr_AbCdEfGhIjKlMnOpQrStUvWx", "AbCdEfGhIjKlMnOpQrStUvWx"),
        ("fdb://user:pass@host/path", "user:pass"),
        ("a key " + "0a" * 32, "0a" * 32),
        ("GET /open/AbCdEfGhIjKlMnOpQr", "AbCdEfGhIjKlMnOpQr"),
        ("pushed with ghp_abcdefghijklmnopqrst", "ghp_abcdefghijklmnopqrst"),
        ("llm key sk-ant-abcdefghijklmnop", "sk-ant-abcdefghijklmnop"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "MIIE"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    scrubbed = Scrubber([]).scrub(text)
    assert secret not in scrubbed
    assert SCRUBBED in scrubbed


def test_a_known_secret_is_taken_out_wherever_it_stands() -> None:
    scrubber = Scrubber(["plain-secret", "plain-secret-longer", "short"])
    assert scrubber.scrub("x plain-secret-longer y plain-secret z short") == f"x {SCRUBBED} y {SCRUBBED} z short"


@pytest.mark.parametrize(
    "text",
    [
        '{"time": "2026-11-25T10:00:00Z", "message": "Retention removed nothing.", "token_count": 5}',
        '{"token": null, "url": "http://127.0.0.1:7370/api/v5/status"}',
        "sidecar_requests_total 12",
        "The e-mail address or the password is wrong. Key rotation is due; the token has ended.",
        "/home/ada/projects/password-manager/src/main.py",
        "01a2141f-925b-7316-a9ea-38f5f7ff9bab",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Scrubber(["0a" * 32]).scrub(text) == text


def test_json_stays_json() -> None:
    document = {"password": "a", "nested": [{"api_key": 'b"c', "token": None}], "text": json.dumps({"secret": "d"})}
    scrubbed = json.loads(Scrubber([]).scrub(json.dumps(document)))
    assert scrubbed["password"] == scrubbed["nested"][0]["api_key"] == SCRUBBED
    assert json.loads(scrubbed["text"]) == {"secret": SCRUBBED}
