"""A watched folder over the real store, and the independent look at the disk that its index is compared with."""

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from sidecar.clock import Clock, SystemClock
from sidecar.feed.progress import ProgressBoard
from sidecar.ids import new_id
from sidecar.models.files import FileEntry
from sidecar.models.workspaces import Workspace
from sidecar.repositories.files import Files
from sidecar.repositories.transactions import Database
from sidecar.store.opening import open_engine
from sidecar.watch.registry import Watchers, platform_source

DEADLINE_SECONDS = 30.0


class Environment(NamedTuple):
    home: Path
    xdg_config_home: Path | None = None


class Watched:
    """A workspace that can be watched, left alone and watched again."""

    def __init__(self, root: Path, home: Path, database: Database) -> None:
        self.root = root
        self.database = database
        self.clock: Clock = SystemClock()
        clock = self.clock
        tenant_id = new_id(clock.now_ms())
        self.tenant = database.keyspace.tenant(tenant_id)
        self.files = Files(self.tenant)
        self.board = ProgressBoard()
        self.workspace = Workspace.new(tenant_id=tenant_id, path=str(root), now_ms=clock.now_ms())
        self.make_source = platform_source
        self.own_folders: Sequence[Path] = ()
        self._home = home
        self._watchers: Watchers | None = None

    @property
    def watchers(self) -> Watchers:
        assert self._watchers is not None
        return self._watchers

    async def start(self) -> None:
        self._watchers = Watchers(
            self.database,
            self.clock,
            lambda coroutine, *, name: asyncio.get_running_loop().create_task(coroutine, name=name),
            self.board,
            environment=Environment(self._home),
            own_folders=self.own_folders,
            make_source=self.make_source,
        )
        await self._watchers.start(self.workspace)

    async def stop(self) -> None:
        if self._watchers is not None:
            await self._watchers.close()
        self._watchers = None

    async def entries(self) -> list[FileEntry]:
        return await self.database.read(
            lambda tr: self.files.list_entries(tr, self.workspace.path, limit=1_000_000), background=True
        )

    async def index(self) -> dict[bytes, FileEntry]:
        return {entry.path: entry for entry in await self.entries() if not entry.is_deleted}

    async def settled(self) -> dict[bytes, FileEntry]:
        """Wait until the index is what an independent look at the disk finds, and return it."""

        async def is_equal() -> bool:
            return shown(await self.index()) == await asyncio.to_thread(on_disk, self.root)

        if not await eventually(is_equal):
            index, disk = shown(await self.index()), on_disk(self.root)
            wrong = {path: (index.get(path), disk.get(path)) for path in index.keys() | disk.keys()}
            pytest.fail(f"(index, disk): { {path: pair for path, pair in wrong.items() if pair[0] != pair[1]} }")
        return await self.index()


Shown = dict[bytes, tuple[str, int, str]]


def shown(index: dict[bytes, FileEntry]) -> Shown:
    return {path: (entry.kind, entry.size, entry.checksum.hex()) for path, entry in index.items()}


def on_disk(root: Path) -> Shown:
    """Return what the index should hold: git's list where there is a repository, else all files."""
    top = os.fsencode(root)
    found: Shown = {}
    for path in _listed(top):
        where = os.path.join(top, path)  # noqa: PTH118 - bytes
        try:
            if os.path.islink(where):  # noqa: PTH114 - bytes
                text = os.readlink(where)  # noqa: PTH115 - bytes
                found[path] = ("symlink", len(text), hashlib.sha256(text).hexdigest())
            elif os.path.isfile(where):  # noqa: PTH113 - bytes
                with open(where, "rb") as file:  # noqa: PTH123 - bytes
                    content = file.read()
                found[path] = ("file", len(content), hashlib.sha256(content).hexdigest())
        except FileNotFoundError:
            continue
    return found


def _listed(top: bytes) -> list[bytes]:
    if os.path.isdir(os.path.join(top, b".git")):  # noqa: PTH112, PTH118 - bytes
        listed = sorted(set(_git(top, "-zco")) - set(_git(top, "-zci")))
        return [path for path in listed if not _is_in_repository(top, path)]
    if not os.path.isdir(top):  # noqa: PTH112 - bytes
        return []
    return [
        os.path.relpath(os.path.join(folder, name), top)  # noqa: PTH118 - bytes
        for folder, folders, names in os.walk(top)
        for name in names + [each for each in folders if os.path.islink(os.path.join(folder, each))]  # noqa: PTH114, PTH118 - bytes
    ]


def _is_in_repository(top: bytes, path: bytes) -> bool:
    """Tell whether a folder between is a repository of its own; git lists what it tracked there before it was one."""
    while path := os.path.dirname(path):  # noqa: PTH120 - bytes
        if all(os.path.exists(os.path.join(top, path, b".git", name)) for name in (b"HEAD", b"objects", b"refs")):  # noqa: PTH110, PTH118 - bytes
            return True
    return False


def _git(top: bytes, options: str) -> list[bytes]:
    command = ["git", "-C", os.fsdecode(top), "ls-files", options, "--exclude-standard"]
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return [path for path in done.stdout.split(b"\0") if path]


def unwarned(sentence: str, _path: bytes = b"") -> None:
    """Take a warning that nobody expects."""
    pytest.fail(sentence)


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = DEADLINE_SECONDS) -> bool:
    """Ask until it holds; False when it does not within a generous time."""
    until = time.monotonic() + seconds
    pause = 0.01
    while time.monotonic() < until:
        if await holds():
            return True
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)  # a look costs as much as the work that it waits for
    return False


async def state_is(watched: Watched, state: str) -> bool:
    return watched.watchers.progress(watched.workspace.id).state == state


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    clock = SystemClock()
    engine = await open_engine(f"embedded:{tmp_path / 'store'}", clock=clock)
    yield Database(engine, clock)
    await engine.close()


@pytest.fixture
async def watched(tmp_path: Path, database: Database) -> AsyncIterator[Watched]:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "home").mkdir()
    watched = Watched(root, tmp_path / "home", database)
    yield watched
    await watched.stop()
