"""Reads the files of a watched folder again, and compares what they are with what the index says.

It is the daemon's own comparison of the disk with the index, with three differences: it reads every file, the index
comes over HTTP, and what it would write is only noted. The daemon may be about to index a change that it has just heard
of, so whatever differs is looked at a second time, a little later.
"""

import asyncio
import base64
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from sidecar import config, limits, surroundings
from sidecar.cli.progress import Bar
from sidecar.cli.talk import size_text
from sidecar.clock import SystemClock
from sidecar.errors import UnavailableError
from sidecar.models.files import FileEntry, shown_path
from sidecar.repositories.file_entries import Entries
from sidecar.repositories.keys import path_order
from sidecar.waiting import ended
from sidecar.watch.comparison import Comparison, Place, RootLostError, identity_of
from sidecar.watch.findings import Findings, Tally
from sidecar.watch.git import Git
from sidecar.watch.hasher import Hasher, Job, Reading, read_file
from sidecar.watch.ignore import Folders, Ignore
from sidecar.watch.index_store import PagedCursor
from sidecar.watch.links import Links
from sidecar.watch.plan import Moves, Put
from sidecar.watch.scopes import Scope

if TYPE_CHECKING:
    from sidecar.client import Client

T = TypeVar("T")
What = Literal["missing", "changed", "unindexed", "unstable"]
_EVERY_AGE_NS = -(2**63)


class Difference(NamedTuple):
    """A file that is not what the index says.

    Attributes:
        path: Relative to the watched folder, as it is shown.
        path_bytes: Its exact bytes in base64, when they are not UTF-8.
        indexed: Checksum in the index; empty when there is none.
        found: Checksum on disk; empty when there is none.
    """

    what: What
    path: str
    path_bytes: str | None
    indexed: str
    found: str


class Verified(NamedTuple):
    """What was compared, and what differs."""

    files: int
    bytes: int
    differences: list[Difference]
    warnings: Sequence[str]


async def verify(daemon: "Client", workspace: dict[str, Any], bar: Bar) -> Verified:
    """Compare a watched folder with its index; cancelled, it ends at the next file.

    Raises:
        UnavailableError: The folder is not there.
    """
    workspace = await _scanned(daemon, workspace, bar)
    root, own = os.fsencode(workspace["path"]), await _daemons_own(daemon)
    index = _NotedIndex(daemon, workspace["path"], asyncio.get_running_loop())
    stop, tally = threading.Event(), Tally()

    def show() -> None:
        total = max(tally.files_seen, workspace["progress"]["files_seen"])
        bar.move(
            tally.files_hashed, total, f"{tally.files_hashed:,} of {total:,} files, {size_text(tally.bytes_hashed)}"
        )

    try:
        findings = await _in_thread(lambda: _compare(root, index, tally, stop, own=own), stop, show)
        doubted = {*index.noted, *findings.unstable}
        differences = await _second_look(daemon, workspace["path"], doubted, stop) if doubted else []
    except RootLostError:
        raise UnavailableError(f"{workspace['path']} is not there, so it can not be compared.") from None
    return Verified(tally.files_seen, tally.bytes_hashed, differences, tuple(findings.warnings))


async def _scanned(daemon: "Client", workspace: dict[str, Any], bar: Bar) -> dict[str, Any]:
    """Return a watched folder when no scan of it is under way."""
    while (progress := workspace["progress"])["state"] == "scanning":
        total = max(progress["files_seen"], progress["files_expected"] or 0)
        bar.move(progress["files_indexed"], total, "a scan is under way")
        await asyncio.sleep(limits.progress_interval_seconds)
        workspace = await daemon.request("GET", f"/api/v5/workspaces/{workspace['id']}")
    return workspace


async def _daemons_own(daemon: "Client") -> list[bytes]:
    """Return the folders that the daemon writes to, and does not index; of its store it alone may have been told."""
    status = await daemon.machine_request("GET", "/api/v5/status")
    settings = config.load({"store": status["store"]["url"], "data_dir": daemon.daemon.data_dir})
    return [bytes(folder) for folder in settings.own_dirs]


def _compare(
    root: bytes, index: "_NotedIndex", tally: Tally, stop: threading.Event, *, own: Sequence[bytes]
) -> Findings:
    identity = identity_of(root)
    if identity is None:
        raise RootLostError
    environment = surroundings.user_environment()
    git = Git(environment.home, environment.xdg_config_home, command=shutil.which("git"))
    warnings: list[str] = []
    folders = Folders(Ignore.load(root, git, warn=warnings.append, own=own))
    hasher = Hasher(SystemClock())
    place = Place(root, identity, index, hasher, Moves(), Links(), enter=lambda _path: None)
    try:
        comparison = Comparison(place, folders, tally, stop, doubt_since_ns=_EVERY_AGE_NS)
        findings = comparison.run([Scope(b"", recursive=True)])
    finally:
        hasher.close()
    findings.warnings = dict.fromkeys(warnings, b"") | findings.warnings
    return findings


async def _in_thread(work: Callable[[], T], stop: threading.Event, show: Callable[[], None] | None = None) -> T:
    future = asyncio.get_running_loop().run_in_executor(None, work)
    return await ended(future, stop.set, show=show, every_seconds=limits.progress_interval_seconds)


async def _second_look(daemon: "Client", root: str, doubted: set[bytes], stop: threading.Event) -> list[Difference]:
    """Ask for the index of these files again, read them again, and return those that still differ."""
    await asyncio.sleep(limits.verify_second_look_seconds)
    entries: dict[bytes, FileEntry] = {}
    async for item in daemon.pages("/api/v5/files", _asked(root)):
        entry = _entry(item)
        if entry.path in doubted:
            entries[entry.path] = entry
    job, now_ms = Job(os.fsencode(root), stop), SystemClock().now_ms

    def look() -> list[Difference]:
        readings = ((path, read_file(job, path, now_ms)) for path in sorted(doubted))
        return list(_differences(readings, entries))

    return await _in_thread(look, stop)


def _differences(readings: Iterable[tuple[bytes, Reading]], entries: dict[bytes, FileEntry]) -> Iterator[Difference]:
    for path, reading in readings:
        indexed, found = entries.get(path), reading.entry
        what = _difference(indexed, reading)
        if what is not None:
            checksums = (each.checksum.hex() if each else "" for each in (indexed, found))
            yield Difference(what, *shown_path(path), *checksums)


def _difference(indexed: FileEntry | None, reading: Reading) -> What | None:
    found = reading.entry
    if reading.is_unstable:
        return "unstable"
    if found is None:
        return None if indexed is None else "missing"
    if indexed is None:
        return "unindexed"
    same = (indexed.kind, indexed.size, indexed.checksum) == (found.kind, found.size, found.checksum)
    return None if same else "changed"


def _asked(root: str) -> dict[str, str]:
    return {"workspace_path": root, "limit": str(limits.page_items_max)}


def _entry(item: dict[str, Any]) -> FileEntry:
    exact = item.get("path_bytes")
    return FileEntry(
        path=base64.b64decode(exact) if exact else item["file_path"].encode(),
        id=item["id"],
        size=item["file_size"],
        mtime_ns=item["mtime_ns"],
        inode=item["inode"],
        checksum=bytes.fromhex(item["checksum"]),
        kind=item["kind"],
        is_deleted=item["is_deleted"],
        ctime_ns=item["ctime_ns"],
    )


class _NotedIndex:
    """The index of a watched folder for a comparison's thread: read over HTTP, never written to.

    Attributes:
        noted: The paths of which a comparison would have written something.
    """

    def __init__(self, daemon: "Client", root: str, loop: asyncio.AbstractEventLoop) -> None:
        self._daemon = daemon
        self._root = root
        self._loop = loop
        self._entries: Iterator[FileEntry] = iter(())
        self.noted: set[bytes] = set()

    def page(self, under: bytes, after: bytes | None, limit: int) -> Entries:
        """Return entries of the whole folder, in the index's order, behind ``after``: they are read in that order."""
        if after is None:
            self._entries = self._all(under)
        behind = b"" if after is None else path_order(after)
        rest = dropwhile(lambda each: path_order(each.path) <= behind, self._entries)
        return Entries.of(list(islice(rest, limit)))

    def named(self, paths: Sequence[bytes]) -> list[PagedCursor]:
        """Return for each path the cursor over its entry and those below it."""
        found = [self.page(path, None, 1) for path in paths]
        return [
            PagedCursor(self.page, path + b"/", first=first if first.paths == [path] else None)
            for path, first in zip(paths, found, strict=True)
        ]

    def write(self, puts: Sequence[Put], gone: Sequence[FileEntry]) -> "Future[None]":
        """Note what a comparison would write."""
        self.noted.update(put.entry.path for put in puts)
        self.noted.update(put.origin.path for put in puts if put.origin is not None)
        self.noted.update(entry.path for entry in gone)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def _all(self, under: bytes) -> Iterator[FileEntry]:
        asked = _asked(self._root) | {"prefix": under.decode()}
        while True:
            asking = self._daemon.request("GET", "/api/v5/files", params=asked)
            page = asyncio.run_coroutine_threadsafe(asking, self._loop).result()
            yield from map(_entry, page["items"])
            if not page["next_cursor"]:
                return
            asked["cursor"] = page["next_cursor"]
