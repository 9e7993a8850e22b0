"""``sidecar bundle``: one archive with what somebody who helps needs to know, and no secret in it.

Works also without a daemon: that is when it is needed most. It says of itself what is in it, and takes nothing of what
is stored: no session, conversation, setting of a tool or file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar import __version__, limits
from sidecar.cli.help import Command
from sidecar.cli.log_lines import last_lines
from sidecar.cli.outputs import named_by_time, written_whole
from sidecar.cli.places import Place
from sidecar.cli.talk import as_json_option, printable, size_text, talk, write_json
from sidecar.errors import SidecarError, UnavailableError

if TYPE_CHECKING:
    from sidecar.cli.scrubbing import Scrubber
    from sidecar.client import Client
    from sidecar.config import Settings

CONTENTS = {
    "versions.json": "of Sidecar, Python, the system and the libraries",
    "settings.json": "every setting, its value and where it comes from",
    "status.json": "what `sidecar status --json` tells, or why it tells nothing",
    "metrics.txt": "the daemon's measures",
    "sizes.json": "names, sizes and times of Sidecar's own files",
    "sidecar.log": "the newest lines of the log",
}


@click.command(cls=Command, examples=["sidecar bundle", "sidecar bundle /tmp/sidecar.zip"])
@click.argument("path", type=Place(path_type=Path), default=Path())
@click.option("--replace", is_flag=True, help="Replace the file PATH if it is there.")
@as_json_option
def bundle(path: Path, *, replace: bool, as_json: bool) -> None:
    """Write an archive for whoever helps you, without secrets.

    It goes to the file PATH, or to a file with the time in its name in the folder PATH. It holds versions, settings,
    status, measures, sizes and the newest lines of the log; nothing of what is stored. Passwords, keys and tokens are
    taken out, but it names your folders: look at it before you send it.
    """
    from sidecar import config

    settings = config.load()
    file = named_by_time(path, "zip")
    members = _members(settings)
    _write(file, members, replace=replace)
    if as_json:
        write_json({"path": str(file), "bytes": file.stat().st_size, "members": list(members)})
        return
    click.echo(f"Wrote {printable(str(file))} ({size_text(file.stat().st_size)}):")
    for name in members:
        click.echo(f"  {name:<14} {CONTENTS[name]}")
    click.echo("Secrets are taken out, but it names your folders: look at it before you send it.")


def _members(settings: "Settings") -> dict[str, str]:
    """Return the content of each file of the archive, scrubbed."""
    scrubber = _scrubber(settings)
    status, metrics = _of_daemon()
    documents = {
        "versions.json": _versions(),
        "settings.json": _settings(),
        "status.json": status,
        "sizes.json": list(_sizes(settings)),
    }
    members = {name: json.dumps(scrubber.scrub_document(each), indent=2) for name, each in documents.items()}
    members["metrics.txt"] = scrubber.scrub(metrics)
    members["sidecar.log"] = "".join(f"{scrubber.scrub_line(line)}\n" for line in _log(settings))
    return {name: members[name] for name in CONTENTS}


def _scrubber(settings: "Settings") -> "Scrubber":
    """Return a scrubber that knows this machine's secrets."""
    from sidecar.cli.login_file import LOGIN_FILE
    from sidecar.cli.scrubbing import Scrubber
    from sidecar.daemon.signing_keys import SIGNING_KEYS_FILE
    from sidecar.endpoint import PAIRING_KEY_FILE

    files = [folder / PAIRING_KEY_FILE for folder in settings.runtime_dirs]
    files += [settings.data_dir / SIGNING_KEYS_FILE, settings.state_dir / LOGIN_FILE]
    return Scrubber(secret for file in files for secret in _texts(file))


def _texts(file: Path) -> Iterator[str]:
    """Yield the strings of a small secret file: itself, or what its JSON holds."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")[: limits.endpoint_file_bytes_max].strip()
    except OSError:
        return  # not there: nothing of it can be in the archive that the patterns do not find
    try:
        yield from _strings(json.loads(text))
    except ValueError:
        yield text


def _strings(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for each in document.values():
            yield from _strings(each)
    elif isinstance(document, list):
        for each in document:
            yield from _strings(each)


def _of_daemon() -> tuple[dict[str, Any], str]:
    """Return the status and the measures, or what stands in the way."""
    try:
        return talk(_ask, tell_version=False, as_machine=True)
    except SidecarError as error:
        return {"error": {"code": error.code, "message": error.message}}, ""


async def _ask(daemon: "Client") -> tuple[dict[str, Any], str]:
    from sidecar.cli.status import status_of

    status = await status_of(daemon)
    return status, b"".join([chunk async for chunk in daemon.download("/metrics")]).decode()


def _versions() -> dict[str, Any]:
    import platform
    import sys
    from importlib import metadata

    libraries = metadata.distributions()
    return {
        "sidecar": __version__,
        "python": sys.version,
        "executable": sys.executable,
        "platform": platform.platform(),
        "libraries": dict(sorted({each.name: each.version for each in libraries}.items())),
    }


def _settings() -> list[dict[str, Any]]:
    from sidecar import config

    return [{"key": key, "value": value, "source": source} for key, value, source in config.explain()]


def _sizes(settings: "Settings") -> Iterator[dict[str, Any]]:
    """Yield what the file system says of our own files, as many as are of interest."""
    from itertools import islice

    folders = dict.fromkeys((settings.config_dir, settings.data_dir, settings.state_dir, settings.log_dir))
    found = (file for folder in folders for file in folder.rglob("*"))
    for file in sorted(islice(found, limits.bundle_files_max)):
        try:
            status = file.lstat()
        except OSError as error:
            yield {"path": str(file), "error": error.strerror}
            continue
        yield {"path": str(file), "bytes": status.st_size, "mode": oct(status.st_mode), "modified": status.st_mtime}


def _log(settings: "Settings") -> list[str]:
    try:
        return last_lines(settings.log_file, limits.bundle_log_lines_max)
    except UnavailableError as error:
        return [error.message]


def _write(file: Path, members: dict[str, str], *, replace: bool) -> None:
    import zipfile

    with (
        written_whole(file, replace=replace) as opened,
        zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in members.items():
            archive.writestr(f"sidecar/{name}", content)
