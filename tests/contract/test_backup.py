"""A backup is one version of the store, or no backup; a restore makes the same rows and a new epoch."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.clock import SystemClock
from sidecar.errors import AlreadyRunningError, ConflictError, CorruptStoreError, StoreFormatError, UnavailableError
from sidecar.store.backup import check
from sidecar.store.engine import Engine, Transaction
from sidecar.store.opening import open_engine, restore

ROWS = 2 * limits.store_backup_page_rows + 7
FOREIGN_ROWS_MAX = 10_000


@pytest.fixture
async def prefix(engine: Engine, prefix: bytes) -> bytes:
    """Return a prefix in a store with no keys that a backup of it could not bring into an embedded one."""
    found = await engine.read(lambda tr: tr.get_range(b"", b"\xff", limit=FOREIGN_ROWS_MAX))
    if len(found) == FOREIGN_ROWS_MAX or any(len(key) > limits.store_embedded_key_bytes_max for key, _ in found):
        pytest.skip("This store holds keys that others have left, too many or too long for an embedded store.")
    return prefix


def rows_of(prefix: bytes) -> list[tuple[bytes, bytes]]:
    return [(prefix + number.to_bytes(4, "big"), os.urandom(20)) for number in range(ROWS)]


async def fill(engine: Engine, rows: list[tuple[bytes, bytes]]) -> None:
    def body(tr: Transaction) -> None:
        for key, value in rows:
            tr.set(key, value)

    await engine.transact(body)


async def test_a_backup_restores_into_an_embedded_store_with_a_new_epoch(
    engine: Engine, prefix: bytes, tmp_path: Path
) -> None:
    rows = rows_of(prefix)
    await fill(engine, rows)
    progress: list[int] = []

    count = await engine.backup(tmp_path / "b", progress=progress.append)
    epoch, _ = await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock())

    assert count >= ROWS
    assert progress[-1] == count
    restored = await open_engine(f"embedded:{tmp_path / 'restored'}", clock=SystemClock())
    assert await restored.read(lambda tr: tr.get_range(prefix, prefix + b"\xff")) == rows
    assert restored.epoch == epoch != engine.epoch
    await restored.close()


async def test_versionstamps_after_a_restore_come_after_those_before(
    engine: Engine, prefix: bytes, tmp_path: Path
) -> None:
    for _ in range(3):
        await engine.transact(lambda tr: tr.versionstamped_key(prefix, b"", b"before"))
    await engine.backup(tmp_path / "b")
    await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock())
    restored = await open_engine(f"embedded:{tmp_path / 'restored'}", clock=SystemClock())

    await restored.transact(lambda tr: tr.versionstamped_key(prefix, b"", b"after"))

    values = [value for _, value in await restored.read(lambda tr: tr.get_range(prefix, prefix + b"\xff"))]
    assert values == [b"before"] * 3 + [b"after"]
    await restored.close()


async def test_a_backup_is_of_one_version_while_others_write(engine: Engine, prefix: bytes, tmp_path: Path) -> None:
    """Every transaction moves one unit from one row to another, so each version has the same sum."""
    count = 3 * limits.store_backup_page_rows
    keys = [prefix + number.to_bytes(4, "big") for number in range(count)]
    await fill(engine, [(key, (100).to_bytes(4, "little")) for key in keys])
    stop = asyncio.Event()

    def move(tr: Transaction, source: bytes, target: bytes) -> None:
        for key, change in ((source, -1), (target, 1)):
            held = int.from_bytes(tr.get(key) or b"", "little")
            tr.set(key, (held + change).to_bytes(4, "little"))

    async def mover() -> int:
        moves = 0
        while not stop.is_set():
            await engine.transact(lambda tr, n=moves: move(tr, keys[n % count], keys[-1 - n % count]))  # type: ignore[misc]  # mypy can not infer a default in a lambda
            moves += 1
        return moves

    moving = asyncio.ensure_future(mover())
    await asyncio.sleep(0)
    await engine.backup(tmp_path / "b")
    stop.set()
    assert await moving > 0

    await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock())
    restored = await open_engine(f"embedded:{tmp_path / 'restored'}", clock=SystemClock())
    values = [value for _, value in await restored.read(lambda tr: tr.get_range(prefix, prefix + b"\xff"))]
    assert sum(int.from_bytes(value, "little") for value in values) == 100 * count
    await restored.close()


async def test_a_cancelled_backup_leaves_no_file(engine: Engine, prefix: bytes, tmp_path: Path) -> None:
    await fill(engine, rows_of(prefix))
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    def begin(_rows: int) -> None:
        loop.call_soon_threadsafe(begun.set)

    task = asyncio.ensure_future(engine.backup(tmp_path / "b" / "x", progress=begin))
    (tmp_path / "b").mkdir()
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    await fill(engine, [(prefix + b"still", b"works")])
    assert [path for path in (tmp_path / "b").iterdir() if path.name != "x"] == []


async def test_two_backups_to_one_place_at_once_are_both_whole(engine: Engine, prefix: bytes, tmp_path: Path) -> None:
    await fill(engine, rows_of(prefix))
    loop, begun, second = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait_for_the_second(_rows: int) -> None:
        loop.call_soon_threadsafe(begun.set)
        second.wait()

    first = asyncio.ensure_future(engine.backup(tmp_path / "b", progress=wait_for_the_second))
    await begun.wait()
    rows = await engine.backup(tmp_path / "b")
    assert check(tmp_path / "b")[1] == rows
    second.set()

    assert await first == rows
    assert check(tmp_path / "b")[1] == rows
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("b")] == ["b"]


async def test_a_backup_that_can_not_be_read_again_leaves_the_older_one(
    engine: Engine, prefix: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(engine, rows_of(prefix))
    await engine.backup(tmp_path / "b")
    older = (tmp_path / "b").read_bytes()

    def lose_the_end(_descriptor: int) -> None:
        (draft,) = tmp_path.glob("b.*.partial")
        os.truncate(draft, draft.stat().st_size - 1)

    monkeypatch.setattr(os, "fsync", lose_the_end)  # a disk that says that it has written

    with pytest.raises(UnavailableError, match="did not reach the disk"):
        await engine.backup(tmp_path / "b")

    assert (tmp_path / "b").read_bytes() == older
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("b")] == ["b"]


async def test_what_a_killed_backup_has_left_is_removed_by_the_next_and_nothing_else_is(
    engine: Engine, prefix: bytes, tmp_path: Path
) -> None:
    await fill(engine, rows_of(prefix)[:5])
    await engine.backup(tmp_path / "b")
    left, other, mine = (tmp_path / f"{name}.partial" for name in ("b.abcdefg1", "c.abcdefg1", "b.abcdefg2"))
    for copy in (left, other):
        copy.write_bytes((tmp_path / "b").read_bytes()[:-9])
    mine.write_text("something of the user's")
    (tmp_path / "b.partial").symlink_to(mine)

    await engine.backup(tmp_path / "b")

    assert not left.exists()
    assert other.exists()
    assert mine.read_text() == "something of the user's"


async def test_a_restore_tells_how_far_it_is(engine: Engine, prefix: bytes, tmp_path: Path) -> None:
    await fill(engine, rows_of(prefix))
    rows = await engine.backup(tmp_path / "b")
    progress: list[int] = []
    await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock(), progress=progress.append)
    assert progress == [*range(0, rows, limits.store_backup_page_rows)] * 2, "checked, then stored"


async def test_a_cancelled_restore_leaves_nothing_behind(engine: Engine, prefix: bytes, tmp_path: Path) -> None:
    await fill(engine, rows_of(prefix))
    await engine.backup(tmp_path / "b")
    loop, stopped, rounds = asyncio.get_running_loop(), threading.Event(), []

    def stop() -> None:
        task.cancel()
        loop.call_soon(loop.call_soon, stopped.set)

    def tell(rows: int) -> None:
        rounds.append(rows)
        if rounds.count(0) == 2 and not stopped.is_set():  # it is being written
            loop.call_soon_threadsafe(stop)
            stopped.wait()

    url = f"embedded:{tmp_path / 'restored'}"
    task = asyncio.ensure_future(restore(tmp_path / "b", url, clock=SystemClock(), progress=tell))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rounds.count(0) == 2
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("restored")] == []
    await restore(tmp_path / "b", url, clock=SystemClock())


async def test_a_restore_refuses_a_store_that_is_not_empty(engine: Engine, prefix: bytes, tmp_path: Path) -> None:
    await fill(engine, rows_of(prefix)[:1])
    await engine.backup(tmp_path / "b")
    url = f"embedded:{tmp_path / 'restored'}"
    await restore(tmp_path / "b", url, clock=SystemClock())

    with pytest.raises(ConflictError, match="not empty"):
        await restore(tmp_path / "b", url, clock=SystemClock())


async def test_a_store_that_somebody_has_open_is_not_replaced(tmp_path: Path) -> None:
    url = f"embedded:{tmp_path / 'store'}"
    engine = await open_engine(url, clock=SystemClock())
    await engine.backup(tmp_path / "b")

    with pytest.raises(AlreadyRunningError, match="in use by process"):
        await restore(tmp_path / "b", url, clock=SystemClock(), replace=True)

    await engine.transact(lambda tr: tr.set(b"\x16key", b"acknowledged"))
    await engine.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b", "store"]
    again = await open_engine(url, clock=SystemClock())
    assert await again.read(lambda tr: tr.get(b"\x16key")) == b"acknowledged"
    await again.close()


@pytest.mark.parametrize("damage", ["cut", "flipped", "longer"])
async def test_a_damaged_backup_is_refused_before_anything_is_written(
    engine: Engine, prefix: bytes, tmp_path: Path, damage: str
) -> None:
    await fill(engine, rows_of(prefix)[:50])
    await engine.backup(tmp_path / "b")
    data = bytearray((tmp_path / "b").read_bytes())
    if damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
    else:
        data += b"x"
    (tmp_path / "b").write_bytes(data)

    with pytest.raises(CorruptStoreError, match="cut off or changed"):
        await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock())

    assert not (tmp_path / "restored").exists()


async def test_a_backup_of_a_newer_format_names_both(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"sidecar-store-backup 7\n{}\n")

    with pytest.raises(StoreFormatError, match=r"format 7.*up to 1"):
        await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock())


async def test_a_backup_whose_format_is_no_number_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"sidecar-store-backup 1x\n{}\n")

    with pytest.raises(CorruptStoreError, match="names no format"):
        await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock())


async def test_a_file_that_is_no_backup_says_so(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"hello")

    with pytest.raises(CorruptStoreError, match="no backup"):
        await restore(tmp_path / "b", f"embedded:{tmp_path / 'restored'}", clock=SystemClock())


async def test_a_backup_into_a_folder_that_is_not_there_is_one_sentence(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="can not be written: No such file"):
        await engine.backup(tmp_path / "absent" / "b")
