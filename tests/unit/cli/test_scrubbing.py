import json
from typing import Any

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
        ("password == 'correct horse'", "horse"),
        ("{'password': b'correct horse'}", "horse"),
        ('password = """correct "horse" """', "horse"),
        ("DB_PASSWORD_PROD=hunter2", "hunter2"),
        ("GITHUB_TOKEN_2=abcdefgh1", "abcdefgh1"),
        ('{"token2": "s3cretvalue"}', "s3cretvalue"),
        ('{"password_hash": "argon"}', "argon"),
        ('{"client_secret_value": "xyzzy"}', "xyzzy"),
        ('{"secret": 12345678}', "12345678"),
        ('{"tokens": ["tok-a", "tok-b]"], "x": 1}', "tok-b"),
        ('{"password": ["hunter2"]}', "hunter2"),
        ('{"passwords": {"ada": "hunter2", "bob": {"is": "hunter3"}}', "hunter3"),
        ("tokens: [tok-a, tok-b", "tok-b"),
        ("Authorization: Digest username=ada, response=abcdef123456", "abcdef123456"),
        ("Set-Cookie: a=b; session=abc123", "abc123"),
        ("a_very_long_name_that_goes_on_and_on_and_on_before_it_says_password=hunter2", "hunter2"),
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
        '{"tokens": 5, "max_tokens": 4096, "password_chars_min": 8, "is_secret": true}',
        '{"token": null, "url": "http://127.0.0.1:7370/api/v5/status"}',
        "sidecar_requests_total 12",
        "The e-mail address or the password is wrong. Key rotation is due; the token has ended.",
        "/home/ada/projects/password-manager/src/main.py",
        "01a2141f-925b-7316-a9ea-38f5f7ff9bab",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Scrubber(["0a" * 32]).scrub(text) == text


def nested(*inside: object) -> dict[str, object]:
    secrets: dict[str, object] = {"password": 'a"\\', "tokens": ["b", {"c": "d]"}], "secret_key": 5, "count": 7}
    return {**secrets, "private_keys": {"e": "f"}, "token": None, "texts": [json.dumps(each) for each in inside]}


def test_json_stays_json_also_inside_of_strings() -> None:
    document = nested(nested(nested(nested())), {"secret": "\\"})
    ways: tuple[Any, ...] = (
        json.loads(Scrubber([]).scrub(json.dumps(document))),
        json.loads(Scrubber([]).scrub_line(json.dumps(document))),
        Scrubber([]).scrub_document(document),
    )
    for scrubbed in ways:
        inner = scrubbed
        for _ in range(4):
            assert {name for name, value in inner.items() if value == SCRUBBED} == {
                "password",
                "tokens",
                "secret_key",
                "private_keys",
            }
            assert (inner["count"], inner["token"]) == (7, None)
            inner = json.loads(inner["texts"][0]) if inner["texts"] else None
        assert json.loads(scrubbed["texts"][1]) == {"secret": SCRUBBED}


def test_a_document_is_scrubbed_by_its_names_and_its_texts() -> None:
    scrubber = Scrubber(["a-canary"])
    document = {"a": "password=hunter2", "tokens": {"b": 1}, "token_count": 5, "a-canary": [True, "an a-canary"]}
    assert scrubber.scrub_document(document) == {
        "a": f"password={SCRUBBED}",
        "tokens": SCRUBBED,
        "token_count": 5,
        SCRUBBED: [True, f"an {SCRUBBED}"],
    }


def test_a_line_that_is_no_json_is_scrubbed_as_text() -> None:
    for line in ('{"password": "hunter2", "cut": "of', "[" * 100_000 + "password=hunter2"):
        assert "hunter2" not in Scrubber([]).scrub_line(line)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "A-",
            "\\",
            '"',
            "'",
            "[",
            "password",
            "password ",
            "password=",
            'password"',
            "password:[",
            "password:\\",
        ),
        *("token is ", "bearer ", "://", "x://y", "eyJaaaa-", "eyJaaaa.", "sk-", "-----BEGIN A PRIVATE KEY-----", "0"),
        *("cookie", "cookie:", 'token:"\\', "token:'\"", '\\"', "secret key", "pass", "/open/", "scr_"),
    ],
)
def test_a_megabyte_of_whatever_it_is_takes_no_time_by_its_square(piece: str) -> None:
    """By the square of its size each would take hours, and no test has that long."""
    text = piece * (1_000_000 // len(piece))
    assert len(Scrubber(["plain-secret"]).scrub(text)) <= 2 * len(text)
