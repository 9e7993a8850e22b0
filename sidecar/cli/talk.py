"""How commands talk to the daemon, and how they write what they learn: for people, for pipes, for programs."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import click

from sidecar import __version__
from sidecar.errors import UnavailableError

if TYPE_CHECKING:
    from sidecar.client import Client
    from sidecar.config import Settings

T = TypeVar("T")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON: one object a line.")
store_option = click.option("--store", help="Where records are kept: embedded:FOLDER or fdb:CLUSTER_FILE.")


def talk(body: Callable[["Client"], Awaitable[T]], *, tell_version: bool = True, as_machine: bool = False) -> T:
    """Run ``body`` with a client of the running daemon, which has proved itself, and return what it returned.

    Args:
        tell_version: Say on standard error when the daemon is of another version.
        as_machine: As the machine's own user, also when somebody has logged in: what it is about is the machine.
    """
    from sidecar import client, config
    from sidecar.cli.login_file import LoginFile

    settings = config.load()

    async def run() -> T:
        kept = None if as_machine else LoginFile.of(settings)
        async with client.connect(settings.runtime_dirs, kept) as daemon:
            if tell_version and daemon.daemon.version != __version__:
                click.echo(f"sidecar: {other_version(daemon.daemon.version)}", err=True)
            return await body(daemon)

    try:
        return asyncio.run(run())
    except UnavailableError as error:
        if error.code == "not_running" and (silent := silent_holder(settings)):
            raise silent from error
        raise


def silent_holder(settings: "Settings") -> UnavailableError | None:
    """Return the error that names who holds the data folder, for when no daemon answers; None when nobody does."""
    from sidecar.daemon.lifecycle import is_held, last_holder

    if not is_held(settings.data_dir):
        return None
    return UnavailableError(
        f"Process {last_holder(settings.data_dir) or 'unknown'} holds {settings.data_dir}, and no daemon answers: it "
        "starts, stops or hangs, or is a command that wants the store for itself. Try again, or end it.",
        code="silent",
    )


def other_version(version: str) -> str:
    """Return the sentence for a daemon of another version than this program."""
    return (
        f"The daemon is version {printable(version)}, this program is {__version__}; `sidecar up --replace` replaces "
        "the daemon, or, when it is the login service, `sidecar service install`."
    )


def prepare_streams() -> None:
    """Make the program's streams such that nothing which is written or read there is a reason to fail.

    A character that the terminal or pipe does not have shows as its escape. A stream that the caller has closed is as
    good as the null device.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - a device; to the end
        elif mode == "w":
            stream.reconfigure(errors="backslashreplace")


def forget_standard_output() -> None:
    """Let everything that is still written go nowhere: whoever read the pipe or watched the terminal is gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(document: object) -> None:
    """Write one JSON object on a line of its own."""
    click.echo(json.dumps(document))


def write_line(line: str) -> None:
    """Write one of many lines: unlike ``click.echo`` it does not flush each."""
    sys.stdout.write(line + "\n")


def styled(text: str, color: str) -> str:
    """Return text in a colour, where standard output is a terminal whose user has not asked for none (NO_COLOR)."""
    from sidecar import surroundings

    return click.style(text, fg=color) if sys.stdout.isatty() and surroundings.wants_color() else text


def printable(text: str) -> str:
    r"""Return text on one line and without control characters, which a terminal would obey: they show as ``\xNN``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def printable_lines(text: str) -> str:
    """Return text of several lines, each without control characters."""
    return "\n".join(map(printable, text.replace("\t", "    ").splitlines()))


def time_text(ms: int) -> str:
    """Return a time (ms since 1970) as people write it, where the machine is."""
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M}"


def when_text(at: str) -> str:
    """Return the time of a record, which is UTC as RFC 3339 writes it, as people write it, where the machine is."""
    from datetime import datetime

    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def size_text(count: int) -> str:
    """Return a number of bytes as people write it."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} TB"
