"""How commands are given e-mail addresses and passwords.

A password is asked for on a terminal, and otherwise read from standard input. It is never an argument: that would stand
in the list of processes, and in the shell's history.
"""

import sys

import click

from sidecar import limits
from sidecar.cli.talk import printable
from sidecar.errors import InvalidError


def check_email(email: str) -> None:
    """Raise where something is no e-mail address, before a password is asked for."""
    name, at, host = email.strip().rpartition("@")
    if not (name and at and host) or any(each.isspace() or not each.isprintable() for each in name + host):
        raise InvalidError(f"'{printable(email)}' is no e-mail address.")


def read_password(prompt: str, *, twice: bool = False) -> str:
    """Return a password: what a person types unseen, or the first line of standard input.

    Args:
        twice: It is a new one, so a person types it again.
    """
    try:
        password = _typed(prompt, twice=twice) if sys.stdin.isatty() else _piped()
        password.encode()
    except UnicodeError:  # whose text and traceback hold it
        raise InvalidError("The password is not UTF-8 text.") from None
    if twice and not limits.password_chars_min <= len(password) <= limits.password_chars_max:
        fitting = f"{limits.password_chars_min} to {limits.password_chars_max:,}"
        raise InvalidError(f"A password has {fitting} characters; this one has {len(password):,}.")
    return password


def _typed(prompt: str, *, twice: bool) -> str:
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))


def _piped() -> str:
    password = sys.stdin.readline(limits.password_chars_max + 2).rstrip("\r\n")
    if not password:
        raise InvalidError("The first line of standard input is empty; it has to be the password.")
    return password
