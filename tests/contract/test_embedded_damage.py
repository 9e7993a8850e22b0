"""A damaged, foreign or unwritable store is one clear error; nothing is overwritten; what is good can still be read."""

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from sidecar.clock import SystemClock
from sidecar.errors import (
    AlreadyRunningError,
    CorruptStoreError,
    InvalidError,
    SidecarError,
    StoreFormatError,
    UnavailableError,
)
from sidecar.store.engine import Engine, Transaction
from sidecar.store.opening import EngineOptions, Findings, inspect, open_engine, restore, salvage

ROWS = 20_000
ROOT = Path(__file__).resolve().parents[2]


async def opened(folder: Path, *, map_bytes: int = 0) -> Engine:
    return await open_engine(f"embedded:{folder}", clock=SystemClock(), options=EngineOptions(map_bytes=map_bytes))


def fill(tr: Transaction) -> None:
    for number in range(ROWS):
        tr.set(number.to_bytes(4, "big"), str(number).encode() * 10)


@pytest.fixture
async def closed(tmp_path: Path) -> Path:
    """Return the folder of a closed store with many rows."""
    engine = await opened(tmp_path / "store")
    await engine.transact(fill)
    await engine.close()
    return tmp_path / "store"


async def test_a_whole_store_is_found_whole(closed: Path) -> None:
    assert await inspect(f"embedded:{closed}") == Findings(ROWS, whole=True, gap=None)


@pytest.mark.parametrize("percent", [50, 95])
async def test_a_truncated_store_is_refused_unchanged_and_its_good_part_can_be_restored(
    closed: Path, tmp_path: Path, percent: int
) -> None:
    data = closed / "data.mdb"
    os.truncate(data, data.stat().st_size * percent // 100)
    before = data.read_bytes()

    with pytest.raises(CorruptStoreError, match=r"damaged.*needs.*doctor"):
        await opened(closed)

    assert data.read_bytes() == before
    findings = await salvage(f"embedded:{closed}", tmp_path / "salvaged")
    assert not findings.whole
    assert findings.loose is (percent == 50)  # the root of the tree lies in the middle of the file
    assert ROWS * (percent - 10) // 100 < findings.rows < ROWS
    await restore(tmp_path / "salvaged", f"embedded:{tmp_path / 'again'}", clock=SystemClock())
    again = await opened(tmp_path / "again")
    rows = await again.read(lambda tr: tr.get_range(b"", b"\xff"))
    assert len(rows) == findings.rows
    assert all(value == str(int.from_bytes(key, "big")).encode() * 10 for key, value in rows)
    await again.close()


async def test_a_salvage_that_is_cancelled_leaves_no_file(closed: Path, tmp_path: Path) -> None:
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    def tell(rows: int) -> None:
        if rows:
            loop.call_soon_threadsafe(begun.set)
            time.sleep(0.01)  # so that it is still reading when it is cancelled

    task = asyncio.ensure_future(salvage(f"embedded:{closed}", tmp_path / "saved", progress=tell))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("length", [0, 100, 4_096, 8_000])
async def test_a_file_cut_within_its_first_pages_is_refused_or_empty(closed: Path, length: int) -> None:
    os.truncate(closed / "data.mdb", length)

    if length == 0:  # nothing is there: the same as a store never written
        await (await opened(closed)).close()
        return
    with pytest.raises(CorruptStoreError):
        await opened(closed)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_store_without_rows_whose_process_died_is_whole(tmp_path: Path, *, begun: bool) -> None:
    if begun:
        await (await opened(tmp_path)).close()
    else:
        lmdb.open(str(tmp_path)).close()  # the file alone, as an early version left it when it died at its first start
    (tmp_path / "owner.lock").write_text("4711\n", encoding="ascii")  # as a process that died leaves it

    engine = await opened(tmp_path)

    assert await engine.read(lambda tr: tr.get_range(b"", b"\xff")) == []
    await engine.close()
    assert await inspect(f"embedded:{tmp_path}") == Findings(0, whole=True, gap=None)


async def test_a_store_in_a_relative_folder_whose_process_died_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await (await opened(Path("near"))).close()
    (tmp_path / "near" / "owner.lock").write_text("4711\n", encoding="ascii")  # as a process that died leaves it

    await (await opened(Path("near"))).close()

    assert (await inspect("embedded:near")).whole
    assert [path.name for path in tmp_path.iterdir()] == ["near"]


async def test_what_a_first_start_that_died_has_left_does_not_hinder_the_next(tmp_path: Path) -> None:
    (tmp_path / "beginning").mkdir()
    (tmp_path / "beginning" / "data.mdb").write_bytes(b"half a pa")

    await (await opened(tmp_path)).close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.mdb", "owner.lock"]


@pytest.mark.parametrize("page", [0, 1])
async def test_a_flipped_first_page_is_refused(closed: Path, page: int) -> None:
    with (closed / "data.mdb").open("r+b") as file:
        file.seek(page * 4_096 + 16)
        file.write(b"\x00")

    with pytest.raises(CorruptStoreError, match="not what was written"):
        await opened(closed)


_READ_ALL = """
import asyncio, sys
from sidecar.clock import SystemClock
from sidecar.errors import SidecarError
from sidecar.store.opening import open_engine

async def main():
    engine = await open_engine("embedded:" + sys.argv[1], clock=SystemClock())
    await engine.read(lambda tr: tr.get_range(b"", b"\\xff"))
    await engine.close()

try:
    asyncio.run(main())
except SidecarError as error:
    print(error.code)
"""


@pytest.mark.timeout(180)
async def test_pages_overwritten_at_random_end_in_a_defined_error_or_in_salvaged_rows(
    closed: Path,
) -> None:
    chance = random.Random(7)  # noqa: S311 -- which pages to damage
    whole = (closed / "data.mdb").read_bytes()
    pages = len(whole) // 4_096
    refused = 0
    for _ in range(6):
        damaged = bytearray(whole)
        at = 4_096 * chance.randrange(3, pages)
        damaged[at : at + 4_096] = bytes(4_096)
        (closed / "data.mdb").write_bytes(damaged)
        findings = await inspect(f"embedded:{closed}")
        if findings.whole:
            continue  # a page that holds nothing any more
        refused += 1
        assert findings.rows > ROWS // 2
        for _ in range(2):  # LMDB may end the first process that reads the page; the next one looks first
            child = subprocess.run(
                [sys.executable, "-c", _READ_ALL, closed], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if child.returncode == 0:
                break
        assert child.stdout == "corrupt_store\n", child.stderr
    assert refused > 2


async def test_a_file_of_something_else_is_refused_unchanged(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"hello" * 10_000)

    with pytest.raises(CorruptStoreError):
        await opened(tmp_path)

    assert (tmp_path / "data.mdb").read_bytes() == b"hello" * 10_000


async def test_a_store_of_a_newer_format_names_both_versions(closed: Path) -> None:
    with lmdb.open(str(closed)) as environment, environment.begin(write=True) as txn:
        txn.put(b"\x00format", b"9")

    with pytest.raises(StoreFormatError, match=r"format 9.*up to 1") as caught:
        await opened(closed)
    assert caught.value.details == {"found": 9, "supported": 1}


async def test_a_second_process_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    engine = await opened(tmp_path)
    child = subprocess.run(
        [sys.executable, "-c", _READ_ALL.replace("error.code", "error.message"), tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    await engine.close()

    assert f"in use by process {os.getpid()}." in child.stdout


async def test_a_second_engine_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    engine = await opened(tmp_path)

    with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
        await opened(tmp_path)

    await engine.close()
    await (await opened(tmp_path)).close()


async def test_a_folder_that_can_not_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnavailableError, match="can not be made: Not a directory"):
        await opened(tmp_path / "file" / "store")


@pytest.mark.parametrize("url", ["", "lmdb:/x", "embedded:", "fdb:", "/just/a/path"])
async def test_a_url_of_neither_form_names_the_forms(url: str) -> None:
    with pytest.raises(InvalidError, match=r"`embedded:`.*`fdb:`"):
        await open_engine(url, clock=SystemClock())


@contextlib.contextmanager
def mounted(path: Path, *options: str) -> Iterator[Path]:
    """Mount a file system of 4 MB; skip where that is not permitted."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(["size=4m", *options]), "none", str(path)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of 4 MB."""
    with mounted(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
async def read_only_store(small_disk: Path) -> Path:
    """Return the folder of a store with one row, on a disk that has become read-only."""
    engine = await opened(small_disk / "store")
    await engine.transact(lambda tr: tr.set(b"a", b"1"))
    await engine.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    return small_disk / "store"


async def test_a_full_disk_is_unavailable_and_the_store_stays_whole_and_goes_on_when_there_is_room(
    small_disk: Path,
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    engine = await opened(small_disk / "store")
    written = 0
    error: SidecarError | None = None
    for number in range(100):
        try:
            await engine.transact(lambda tr, n=number: tr.set(n.to_bytes(4, "big"), bytes([n]) * 90_000))  # type: ignore[misc]  # mypy can not infer a default in a lambda
        except UnavailableError as full:
            error = full
            break
        written += 1
    assert error is not None
    assert "is full; nothing was written" in error.message
    assert written > 5

    rows = await engine.read(lambda tr: tr.get_range(b"", b"\xff"))
    assert rows == [(n.to_bytes(4, "big"), bytes([n]) * 90_000) for n in range(written)]
    with pytest.raises(UnavailableError):
        await engine.transact(lambda tr: tr.set(b"again", bytes(90_000)))
    ballast.unlink()
    await engine.transact(lambda tr: tr.set(b"again", bytes(90_000)))
    await engine.close()
    assert (await inspect(f"embedded:{small_disk / 'store'}")) == Findings(written + 1, whole=True, gap=None)


async def test_after_a_crash_on_a_full_disk_nothing_is_called_damaged(small_disk: Path) -> None:
    engine = await opened(small_disk / "store")
    await engine.transact(lambda tr: tr.set(b"a", b"1"))
    await engine.close()
    (small_disk / "store" / "owner.lock").write_text("4711\n", encoding="ascii")  # as a process that died leaves it
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4_096))
    with contextlib.suppress(UnavailableError):  # a full disk may be a reason not to open it
        await (await opened(small_disk / "store")).close()
    ballast.unlink()
    engine = await opened(small_disk / "store")
    assert await engine.read(lambda tr: tr.get(b"a")) == b"1"
    await engine.close()


async def test_a_store_that_is_removed_while_its_disk_is_full_is_not_begun_anew(small_disk: Path) -> None:
    engine = await opened(small_disk / "store")
    await engine.transact(lambda tr: tr.set(b"a", b"1"))
    with contextlib.suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4_096))
    with pytest.raises(UnavailableError, match="full"):
        await engine.transact(lambda tr: tr.set(b"b", bytes(90_000)))
    (small_disk / "store" / "data.mdb").unlink()
    (small_disk / "ballast").unlink()
    with pytest.raises(UnavailableError, match="was removed"):
        await engine.transact(lambda tr: tr.set(b"b", b"2"))
    assert await engine.read(lambda tr: tr.get(b"a")) == b"1"
    await engine.close()


async def test_a_read_only_disk_is_one_sentence(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "ro") as disk, pytest.raises(UnavailableError, match="Read-only file system"):
        await opened(disk / "store")


async def test_a_store_on_a_disk_that_became_read_only_is_one_sentence(read_only_store: Path) -> None:
    with pytest.raises(UnavailableError, match="Read-only file system"):
        await opened(read_only_store)


async def test_a_store_on_a_read_only_disk_can_still_be_inspected(read_only_store: Path) -> None:
    assert await inspect(f"embedded:{read_only_store}") == Findings(1, whole=True, gap=None)
