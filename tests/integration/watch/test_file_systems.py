"""Roots on other file systems than the store's, and file systems that come and go."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.repositories.transactions import Database
from tests.e2e.machines import Mounts, mounts
from tests.integration.watch.conftest import Watched, eventually, state_is
from tests.integration.watch.test_watching import write

MEMORY = Path("/dev/shm")  # noqa: S108 - a file system of its own


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder on another file system than the store's."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip(f"{MEMORY} is no file system of its own here")
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def disks() -> Iterator[Mounts]:
    with mounts() as disks:
        yield disks


async def test_a_root_on_another_file_system(in_memory: Path, tmp_path: Path, database: Database) -> None:
    (tmp_path / "home").mkdir()
    watched = Watched(in_memory, tmp_path / "home", database)
    for number in range(300):
        write(in_memory, f"d{number % 7}/f{number}", f"content {number}")
    await watched.start()
    try:
        first = await watched.settled()
        assert len(first) == 300
        (in_memory / "d0").rename(in_memory / "moved")
        write(in_memory, "d1/f1", "changed")
        second = await watched.settled()
        assert second[b"moved/f0"].id == first[b"d0/f0"].id
        await watched.stop()
        write(in_memory, "d2/f2", "changed while nobody looked")
        await watched.start()
        await watched.settled()
    finally:
        await watched.stop()


async def test_a_file_system_inside_a_root_is_walked_like_any_folder(watched: Watched, disks: Mounts) -> None:
    write(watched.root, "a/before", "x")
    disks.mount_small(watched.root / "b/inner", megabytes=4)
    write(watched.root, "b/inner/c/file", "x")
    await watched.start()
    assert (await watched.settled()).keys() == {b"a/before", b"b/inner/c/file"}
    write(watched.root, "b/inner/c/file", "changed")
    (watched.root / "a/before").unlink()
    await watched.settled()


async def test_file_systems_that_come_and_go_inside_a_root_are_followed(watched: Watched, disks: Mounts) -> None:
    write(watched.root, "b/in ner/below", "x")
    write(watched.root, "b/other", "x")
    await watched.start()
    assert (await watched.settled()).keys() == {b"b/in ner/below", b"b/other"}
    disks.mount_small(watched.root / "b/in ner", megabytes=4)
    assert (await watched.settled()).keys() == {b"b/other"}
    write(watched.root, "b/in ner/c/file", "x")
    assert (await watched.settled()).keys() == {b"b/in ner/c/file", b"b/other"}
    disks.unmount(watched.root / "b/in ner")
    assert (await watched.settled()).keys() == {b"b/in ner/below", b"b/other"}


async def test_a_folder_that_is_mounted_at_a_second_path_is_followed_at_both(watched: Watched, disks: Mounts) -> None:
    write(watched.root, "a/deep/file", "x")
    disks.mount_again(watched.root / "a", watched.root / "b")
    await watched.start()
    assert (await watched.settled()).keys() == {b"a/deep/file", b"b/deep/file"}
    write(watched.root, "a/deep/file", "through the first")
    await watched.settled()
    write(watched.root, "b/deep/file", "through the second, which is longer")
    write(watched.root, "b/other", "x")
    await watched.settled()
    (watched.root / "b/deep").rename(watched.root / "b/moved")
    assert (await watched.settled()).keys() == {b"a/moved/file", b"b/moved/file", b"a/other", b"b/other"}
    write(watched.root, "a/moved/file", "once more")
    await watched.settled()


async def test_a_root_that_is_unmounted_is_frozen_until_it_is_mounted_again(watched: Watched, disks: Mounts) -> None:
    disks.mount_small(watched.root, megabytes=4)
    write(watched.root, "a/file", "x")
    await watched.start()
    before = await watched.settled()
    disks.unmount(watched.root)
    assert not any(watched.root.iterdir())
    assert await eventually(lambda: state_is(watched, "frozen"))
    assert await watched.index() == before
    disks.mount_small(watched.root, megabytes=4)
    write(watched.root, "a/file", "x")
    write(watched.root, "b", "y")
    after = await watched.settled()
    assert await eventually(lambda: state_is(watched, "watching"))
    assert after[b"a/file"].id == before[b"a/file"].id
