"""The index equals the disk: after the first scan, after every kind of change, and after a crash at any moment."""

import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sidecar.client import connect
from tests.e2e.daemons import SETTLED_SECONDS, DaemonProcess, eventually
from tests.e2e.replicas import Replica, every_change, index_of, listening
from tests.e2e.repositories import expected_index, git, write


@pytest.fixture
def files() -> int:
    return 300


settled = partial(eventually, seconds=SETTLED_SECONDS)


async def equals_disk(daemon: DaemonProcess) -> bool:
    async with connect(daemon.runtime_dirs) as client:
        return await index_of(client, daemon.workspace) == expected_index(daemon.workspace)


async def test_after_the_first_scan_the_list_is_what_git_lists_with_sha256(daemon: DaemonProcess) -> None:
    await daemon.watch()
    expected = expected_index(daemon.workspace)
    assert len(expected) > 300
    async with connect(daemon.runtime_dirs) as client:
        assert await index_of(client, daemon.workspace) == expected
    assert f"Scanned: {len(expected)} files" in daemon.output
    assert daemon.errors == ""


def create(root: Path) -> None:
    write(root, "src/new.py", b"new")
    write(root, "brand/new/folder/file.txt", b"deep")
    write(root, "still-ignored.log", b"ignored")


def edit(root: Path) -> None:
    write(root, "src/package1/module1.py", b"edited\n")
    before = (root / "src/package2/module2.py").read_bytes()
    write(root, "src/package2/module2.py", before[::-1])  # the same size
    with (root / "large.bin").open("r+b") as file:
        file.write(b"!")


def rename(root: Path) -> None:
    (root / "src/package1/module1.py").rename(root / "src/renamed.py")
    (root / "src/package5").rename(root / "src/moved-package")
    (root / "nested/important.tmp").rename(root / "nested/Important.tmp")  # only the case


def delete(root: Path) -> None:
    (root / "empty").unlink()
    for file in (root / "src/package3").iterdir():
        file.unlink()
    (root / "src/package3").rmdir()
    (root / "link-to-nothing").unlink()


def replace(root: Path) -> None:
    write(root, ".draft", b"written beside, then renamed over")
    (root / ".draft").replace(root / "src/package6/module6.py")
    (root / "link-to-file").unlink()
    write(root, "link-to-file", b"now a plain file")


def ignore(root: Path) -> None:
    write(root, ".gitignore", b"untracked.*\nbuild/\n/only-top\n")  # one goes, the logs come


def switch_branch(root: Path) -> None:
    git(root, "checkout", "-q", "other")


def many_at_once(root: Path) -> None:
    for number in range(400):
        write(root, f"burst/{number % 20}/{number}.txt", b"%d" % number)
    for number in range(0, 400, 2):
        (root / f"burst/{number % 20}/{number}.txt").unlink()


@pytest.mark.parametrize(
    "change",
    [create, edit, rename, delete, replace, ignore, switch_branch, many_at_once],
    ids=lambda each: each.__name__,
)
async def test_after_a_change_the_index_equals_the_disk_and_a_listener_heard_every_step(
    daemon: DaemonProcess, change: Callable[[Path], None]
) -> None:
    await daemon.watch()
    async with listening(daemon.runtime_dirs) as replica:
        before = expected_index(daemon.workspace)
        await eventually(lambda: replica.equals(before), "the replica equals the first scan")
        change(daemon.workspace)
        expected = expected_index(daemon.workspace)
        assert expected != before
        await settled(lambda: equals_disk(daemon), "the index equals the disk")
        await settled(lambda: replica.equals(expected), "the replica equals the disk")


async def test_killed_at_any_moment_nothing_acknowledged_is_lost_and_an_old_cursor_misses_nothing(
    daemon: DaemonProcess,
) -> None:
    chance = random.Random(2)  # noqa: S311 - a repeatable order, nothing secret
    root = daemon.workspace
    await daemon.serve()
    async with listening(daemon.runtime_dirs) as replica:
        for round_number in range(6):
            for number in range(chance.randrange(5, 60)):
                write(root, f"crash/{chance.randrange(40)}.txt", b"%d %d" % (round_number, number))
            (root / f"crash/{chance.randrange(40)}.txt").unlink(missing_ok=True)
            if round_number % 2:  # otherwise it may not have written anything yet
                await more_changes(replica)
            await daemon.kill()
            write(root, f"while-it-was-down/{round_number}", os.urandom(8))
            await daemon.serve()
        await daemon.wait_for("Watching ")
        await settled(lambda: equals_disk(daemon), "the index equals the disk")
        await settled(lambda: replica.equals(expected_index(root)), "the replica equals the disk")
        async with connect(daemon.runtime_dirs) as client:
            assert await every_change(client) == replica.seen


async def more_changes(replica: Replica) -> None:
    known = len(replica.seen)
    await eventually(lambda: replica.has_more_than(known), "more changes arrive")
