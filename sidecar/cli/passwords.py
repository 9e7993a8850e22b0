"""How commands are given passwords: asked for on a terminal, else read from standard input; never an argument.

An argument would stand in the list of processes, and in the shell's history.
"""

import sys

import click

from sidecar import limits
from sidecar.errors import InvalidError


def read_password(prompt: str, *, twice: bool = False) -> str:
    """Return a password: what a person types unseen, or the first line of standard input.

    Args:
        twice: It is a new one, so a person types it again.
    """
    if sys.stdin.isatty():
        password: str = click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
    else:
        password = sys.stdin.readline(limits.password_chars_max + 2).rstrip("\r\n")
        if not password:
            raise InvalidError("The first line of standard input is empty; it has to be the password.")
    if twice and not limits.password_chars_min <= len(password) <= limits.password_chars_max:
        fitting = f"{limits.password_chars_min} to {limits.password_chars_max:,}"
        raise InvalidError(f"A password has {fitting} characters; this one has {len(password):,}.")
    return password
