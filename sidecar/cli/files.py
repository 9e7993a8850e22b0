"""``sidecar files``: lists what the index holds, and compares it with the disk."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar import limits
from sidecar.cli import exits
from sidecar.cli.help import Group
from sidecar.cli.places import Place
from sidecar.cli.progress import Bar
from sidecar.cli.records import WORKSPACE, show_all
from sidecar.cli.talk import as_json_option, printable, size_text, styled, talk, write_json
from sidecar.errors import NotFoundError

if TYPE_CHECKING:
    from sidecar.cli.verifying import Difference, Verified
    from sidecar.client import Client

_COLORS = {"missing": "red", "changed": "red", "unindexed": "yellow", "unstable": "yellow"}


@click.group(cls=Group)
def files() -> None:
    """List the indexed files, or compare them with the disk."""


workspace_option = click.option(
    "--workspace",
    type=Place(file_okay=False, readable=False, path_type=Path),
    help="Only files of this watched folder, shown relative to it.",
)


@files.command(
    examples=[
        "sidecar files ls --workspace .",
        "sidecar files ls --workspace . --prefix src/ --json",
    ]
)
@workspace_option
@click.option("--prefix", default="", help="Only paths that begin so; needs --workspace.")
@click.option("--deleted", is_flag=True, help="Also files that are gone; they are marked with a minus.")
@as_json_option
def ls(*, workspace: Path | None, prefix: str, deleted: bool, as_json: bool) -> None:
    """List the indexed files: checksum (SHA-256) and path."""
    asked = {"limit": str(limits.page_items_max)}
    if workspace is not None:
        asked["workspace_path"] = str(workspace.resolve())
    if prefix:
        asked["prefix"] = prefix
    if deleted:
        asked["include_deleted"] = "true"
    is_relative = workspace is not None
    count = show_all("/api/v5/files", lambda file: _line(file, is_relative=is_relative), as_json=as_json, asked=asked)
    if workspace is not None and count == 0:
        talk(lambda daemon: _watched(daemon, asked["workspace_path"]))  # says so where it never was


def _line(file: dict[str, Any], *, is_relative: bool) -> str:
    path = file["file_path"] if is_relative else f"{file['workspace_path']}/{file['file_path']}"
    mark = "-" if file["is_deleted"] else " "
    return f"{file['checksum']:<64} {mark}{printable(path)}"


@files.command(examples=["sidecar files verify", "sidecar files verify --workspace ~/projects/demo"])
@workspace_option
@as_json_option
def verify(*, workspace: Path | None, as_json: bool) -> int:
    """Read every file again and compare it with the index.

    Of one watched folder, or of all. What differs is looked at twice, so that a file which changes meanwhile is no
    difference. Exits with 1 when something differs: `missing` from the disk, `changed`, not in the index (`unindexed`),
    or never still (`unstable`).
    """
    began = time.monotonic()
    root = None if workspace is None else str(workspace.resolve())
    found = talk(lambda daemon: _verify_all(daemon, root, as_json=as_json))
    seconds = time.monotonic() - began
    files, size = sum(each.files for each in found), sum(each.bytes for each in found)
    differences = sum(len(each.differences) for each in found)
    if as_json:
        counts = {"files": files, "bytes": size, "seconds": round(seconds, 3)}
        write_json({"type": "report", "differences": differences, **counts})
    else:
        verdict = f"{differences:,} differ" if differences else "all are as the index says"
        click.echo(f"Read {files:,} files ({size_text(size)}) in {seconds:.1f} s: {verdict}.")
    return exits.FAILED if differences else exits.DONE


async def _verify_all(daemon: "Client", only: str | None, *, as_json: bool) -> "list[Verified]":
    """Compare one watched folder or all, and write what differs in each."""
    from sidecar.cli.verifying import verify

    found = []
    for workspace in await _watched(daemon, only):
        with Bar("Verifying") as bar:
            verified = await verify(daemon, workspace, bar)
        for warning in verified.warnings:
            click.echo(f"sidecar: {printable(warning)}", err=True)
        for difference in verified.differences:
            _tell(difference, workspace["path"], is_relative=only is not None, as_json=as_json)
        found.append(verified)
    return found


def _tell(difference: "Difference", root: str, *, is_relative: bool, as_json: bool) -> None:
    if as_json:
        write_json({"type": "difference", "workspace_path": root, **difference._asdict()})
        return
    path = difference.path if is_relative else f"{root}/{difference.path}"
    click.echo(f"{styled(difference.what.ljust(10), _COLORS[difference.what])} {printable(path)}")


async def _watched(daemon: "Client", only: str | None) -> list[dict[str, Any]]:
    asked = {"limit": str(limits.page_items_max)}
    all_of_them = [each async for each in daemon.pages(WORKSPACE.path, asked)]
    if only is None:
        return all_of_them
    chosen = [each for each in all_of_them if each["path"] == only]
    if not chosen:
        raise NotFoundError(f"{only} is not watched; `sidecar watch list` shows what is.")
    return chosen
