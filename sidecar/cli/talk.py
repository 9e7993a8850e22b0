"""How commands talk to the daemon, and how they write what they learn: for people, for pipes, for programs."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from sidecar.client import Client

T = TypeVar("T")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON: one object a line.")


def talk(body: Callable[["Client"], Awaitable[T]]) -> T:
    """Run ``body`` with a client of the running daemon, which has proved itself, and return what it returned."""
    from sidecar import client, config

    folders = config.load().runtime_dirs

    async def run() -> T:
        async with client.connect(folders) as daemon:
            return await body(daemon)

    return asyncio.run(run())


def forget_standard_output() -> None:
    """Let everything that is still written go nowhere: whoever read the pipe or watched the terminal is gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(document: object) -> None:
    """Write one JSON object on a line of its own."""
    click.echo(json.dumps(document))


def printable(text: str) -> str:
    r"""Return text on one line and without control characters, which a terminal would obey: they show as ``\xNN``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def size_text(count: int) -> str:
    """Return a number of bytes as people write it."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} TB"
