"""Linux's events as their source gives them, and what the system keeps for them."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from sidecar.watch.hints import Hints
from sidecar.watch.inotify import Inotify
from tests.integration.watch.conftest import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has inotify")


class NotedHints(Hints):
    """Hints that remember all that was touched."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[tuple[bytes, bytes]] = []

    def touch(self, folder: bytes, name: bytes) -> None:
        self.touched.append((folder, name))
        super().touch(folder, name)


@asynccontextmanager
async def source(root: Path, hints: Hints) -> AsyncIterator[Inotify]:
    events = Inotify(bytes(root), hints, lambda: None)
    events.start()
    events.enter(b"")  # as a walk does
    try:
        yield events
    finally:
        await events.close()


def watches() -> int:
    """Return how many folders the system watches for this process."""
    told = [path.read_text() for path in Path("/proc/self/fdinfo").iterdir() if path.exists()]
    return sum(text.count("inotify wd:") for text in told)


async def test_the_system_gives_watches_back_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close = os.close
    threads: list[int] = []

    def noted(descriptor: int) -> None:
        threads.append(threading.get_ident())
        close(descriptor)

    async with source(tmp_path, Hints()) as events:
        monkeypatch.setattr(os, "close", noted)
        await events.close()
        monkeypatch.undo()
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_a_folder_that_has_left_the_root_is_not_watched_any_more(tmp_path: Path) -> None:
    before = watches()
    (tmp_path / "root/a/b").mkdir(parents=True)

    async def only_the_root_is_watched() -> bool:
        return watches() == before + 1

    async with source(tmp_path / "root", Hints()) as events:
        events.enter(b"a/")
        events.enter(b"a/b/")
        assert watches() == before + 3
        (tmp_path / "root/a").rename(tmp_path / "a")
        assert await eventually(only_the_root_is_watched)


async def test_a_folder_that_has_become_a_link_is_not_watched(tmp_path: Path) -> None:
    before = watches()
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root/a").symlink_to("../elsewhere")
    async with source(tmp_path / "root", Hints()) as events:
        events.enter(b"a/")
        assert watches() == before + 1


async def test_a_folder_that_was_moved_and_entered_again_keeps_its_events(tmp_path: Path) -> None:
    hints = NotedHints()
    (tmp_path / "a/b").mkdir(parents=True)

    async def seen(folder: bytes, name: bytes) -> bool:
        return (folder, name) in hints.touched

    async with source(tmp_path, hints) as events:
        events.enter(b"a/")
        events.enter(b"a/b/")
        (tmp_path / "a").rename(tmp_path / "c")
        assert await eventually(partial(seen, b"", b"c"))
        events.enter(b"c/")
        events.enter(b"c/b/")
        await asyncio.sleep(0.05)  # whoever takes old watches away has had time to take away too many
        (tmp_path / "c/b/file").touch()
        assert await eventually(partial(seen, b"c/b/", b"file"))
