"""Large files are read while their workspace goes on being followed."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.watch import hasher
from sidecar.watch.hasher import Job
from tests.integration.watch.conftest import Watched, eventually, state_is
from tests.integration.watch.test_watching import write

SIZE = 3 * limits.hash_read_bytes


class Gate:
    """Holds whoever reads a large file, as a very large one would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = threading.Event()
        read = hasher._content_checksum  # noqa: SLF001 - what takes long

        def held(job: Job, where: bytes, status: os.stat_result) -> bytes | None:
            while status.st_size >= SIZE and not job.stop.is_set() and not self.opened.wait(0.01):
                pass
            return read(job, where, status)

        monkeypatch.setattr(hasher, "_content_checksum", held)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    monkeypatch.setattr(limits, "aside_bytes_min", SIZE)
    gate = Gate(monkeypatch)
    yield gate
    gate.opened.set()


async def has(watched: Watched, path: bytes) -> bool:
    return await eventually(lambda: is_in_index(watched, path))


async def is_in_index(watched: Watched, path: bytes) -> bool:
    return path in await watched.index()


async def reads(watched: Watched, *, large: bool) -> bool:
    async def holds() -> bool:
        progress = watched.watchers.progress(watched.workspace.id)
        return any("large file" in warning for warning in progress.warnings) is large

    return await eventually(holds)


async def test_a_file_of_gigabytes_is_read_whole_while_a_small_one_is_followed(watched: Watched) -> None:
    image = watched.root / "disk.img"
    image.touch()
    os.truncate(image, 3_000_000_000)  # sparse; more than 31 bits count
    await watched.start()
    assert await reads(watched, large=True)
    write(watched.root, "small", "1")
    assert await has(watched, b"small")
    assert not await is_in_index(watched, b"disk.img")
    assert await eventually(lambda: state_is(watched, "watching"), seconds=90.0)
    entry = (await watched.index())[b"disk.img"]
    zeros = (
        "16b29649590001513483bb869fd5b39a6a8d3f2aea76680cea66d3feb21a2243"  # head -c 3000000000 /dev/zero | sha256sum
    )
    assert (entry.size, entry.checksum.hex()) == (3_000_000_000, zeros)


async def test_small_files_do_not_wait_for_a_large_one(watched: Watched, gate: Gate) -> None:
    write(watched.root, "disk.img", os.urandom(SIZE))
    write(watched.root, "small", "1")
    await watched.start()
    assert await has(watched, b"small")
    write(watched.root, "later", "2")
    write(watched.root, "d/other.img", os.urandom(SIZE + 1))
    assert await has(watched, b"later")
    assert await reads(watched, large=True)
    assert watched.watchers.progress(watched.workspace.id).state == "scanning"
    assert not await is_in_index(watched, b"disk.img")
    gate.opened.set()
    await watched.settled()
    assert await eventually(lambda: state_is(watched, "watching"))
    assert await reads(watched, large=False)
    assert watched.watchers.progress(watched.workspace.id).files_hashed == 3


async def test_a_large_file_that_changes_moves_and_goes_while_it_is_read(watched: Watched, gate: Gate) -> None:
    image = write(watched.root, "disk.img", os.urandom(SIZE))
    moved = write(watched.root, "moved.img", os.urandom(SIZE))
    gone = write(watched.root, "gone.img", os.urandom(SIZE))
    await watched.start()
    assert await reads(watched, large=True)
    image.write_bytes(os.urandom(SIZE + 5))
    moved.rename(watched.root / "elsewhere.img")
    gone.unlink()
    write(watched.root, "small", "1")
    assert await has(watched, b"small")
    gate.opened.set()
    assert set(await watched.settled()) == {b"disk.img", b"elsewhere.img", b"small"}
    assert await eventually(lambda: state_is(watched, "watching"))


async def test_a_large_file_that_was_being_read_at_the_end_is_read_after_a_restart(
    watched: Watched, gate: Gate
) -> None:
    write(watched.root, "disk.img", os.urandom(SIZE))
    await watched.start()
    assert await reads(watched, large=True)
    await watched.stop()
    assert await watched.index() == {}
    gate.opened.set()
    await watched.start()
    await watched.settled()


async def test_a_large_file_keeps_its_id_when_it_is_moved(watched: Watched, gate: Gate) -> None:
    gate.opened.set()
    path: Path = write(watched.root, "disk.img", os.urandom(SIZE))
    await watched.start()
    before = await watched.settled()
    path.rename(watched.root / "moved.img")
    assert (await watched.settled())[b"moved.img"].id == before[b"disk.img"].id
