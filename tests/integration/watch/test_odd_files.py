"""Each odd case of a real file system has a defined result."""

import ctypes
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar import limits
from sidecar.repositories.file_entries import stored_ns
from sidecar.repositories.transactions import Reading
from sidecar.watch.git import Git
from sidecar.watch.hasher import Job, read_file
from sidecar.watch.ignore import Ignore
from sidecar.watch.scanner import Kept, Run, Walk
from tests.integration.watch.conftest import Watched, eventually, state_is, unwarned
from tests.integration.watch.test_watching import eventually_has, write


async def test_links_are_recorded_and_never_followed(watched: Watched) -> None:
    write(watched.root, "folder/file", "x")
    (watched.root / "to_file").symlink_to("folder/file")
    (watched.root / "to_folder").symlink_to("folder")
    (watched.root / "to_itself").symlink_to("to_itself")
    (watched.root / "to_nothing").symlink_to("nothing")
    await watched.start()
    index = await watched.settled()
    assert index.keys() == {b"folder/file", b"to_file", b"to_folder", b"to_itself", b"to_nothing"}
    assert (index[b"to_folder"].kind, index[b"to_folder"].size) == ("symlink", len("folder"))
    (watched.root / "to_file").unlink()
    (watched.root / "to_file").symlink_to("elsewhere")
    await watched.settled()


def test_a_folder_that_has_become_a_link_is_not_listed(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/file", "x")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/folder").symlink_to("../elsewhere")
    root = bytes(tmp_path / "root")
    ignore = Ignore.load(root, Git(Path("/nonexistent"), command=None), warn=pytest.fail)
    folder = ignore.top(()).enter(b"folder", ())
    assert list(Walk(root, warn=unwarned).files(lambda _names: folder, b"folder/")) == []


async def test_what_holds_no_content_is_not_recorded(watched: Watched) -> None:
    os.mkfifo(watched.root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(watched.root / "socket"))
        write(watched.root, "file", "x")
        await watched.start()
        assert (await watched.settled()).keys() == {b"file"}
        (watched.root / "file").unlink()
        os.mkfifo(watched.root / "file")
        assert await watched.settled() == {}


async def test_devices_are_not_recorded_and_never_read(watched: Watched) -> None:
    try:
        os.mknod(watched.root / "endless", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # as /dev/zero
        os.mknod(watched.root / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 0))
    except PermissionError:
        pytest.skip("only root can make devices")
    write(watched.root, "file", "x")
    await watched.start()
    assert (await watched.settled()).keys() == {b"file"}
    (watched.root / "file").unlink()
    os.mknod(watched.root / "file", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    assert await watched.settled() == {}


async def test_names_that_are_no_utf8_are_recorded_by_their_bytes(watched: Watched) -> None:
    top = os.fsencode(watched.root)
    names = {b"\xff\xfe", b"a\nb", b"\xe9", b"tab\t", b'quote"', b"back\\slash", "é".encode(), "e\u0301".encode()}
    await watched.start()
    await watched.settled()
    for name in names:
        with open(os.path.join(top, name), "wb") as file:  # noqa: ASYNC230, PTH118, PTH123 - bytes
            file.write(name)
    assert (await watched.settled()).keys() == names


async def test_long_paths_keep_the_order_of_the_index(watched: Watched) -> None:
    deep = watched.root / ("x" * 120) / ("y" * 90)
    for number in range(150):
        write(deep, f"{'z' * (number % 40 + 1)}/{number}", "x")
        write(deep, f"{number}{'w' * (number % 60)}", "x")
    await watched.start()
    first = await watched.settled()
    assert len(first) == 300
    (deep / "1w").unlink()
    write(deep, "z/0", "changed")
    await watched.settled()
    await watched.stop()
    write(deep, "z/2", "new")
    (deep / f"13{'w' * 13}").unlink()
    await watched.start()
    last = await watched.settled()
    assert last[os.fsencode((deep / "z/0").relative_to(watched.root))].id in {entry.id for entry in first.values()}


async def test_a_folder_of_many_files(watched: Watched) -> None:
    names = {b"many/%d" % number for number in range(100_000)}
    (watched.root / "many").mkdir()
    for name in names:
        os.close(os.open(os.path.join(os.fsencode(watched.root), name), os.O_CREAT | os.O_WRONLY))  # noqa: PTH118 - bytes
    await watched.start()
    assert await eventually(lambda: state_is(watched, "watching"), seconds=90.0)
    write(watched.root, "many/17", "changed")
    (watched.root / "many/18").unlink()

    async def is_followed() -> bool:
        return await watched.database.read(lambda tr: all(map(partial(follows, tr), (b"many/17", b"many/18"))))

    def follows(tr: Reading, name: bytes) -> bool:
        file = watched.files.find_by_path(tr, watched.workspace.path, name)
        return file is not None and (file.is_deleted, file.file_size) != (False, 0)

    assert await eventually(is_followed)
    index = await watched.index()
    assert index.keys() == names - {b"many/18"}
    assert {name for name, entry in index.items() if entry.size} == {b"many/17"}


async def test_a_file_replaced_by_a_folder_and_back(watched: Watched) -> None:
    write(watched.root, "a", "x")
    await watched.start()
    first = await watched.settled()
    (watched.root / "a").unlink()
    write(watched.root, "a/b", "of its own")  # with the same content it would be `a` that has moved
    await watched.settled()
    (watched.root / "a/b").unlink()
    (watched.root / "a").rmdir()
    write(watched.root, "a", "y")
    assert (await watched.settled())[b"a"].id == first[b"a"].id


async def test_a_case_only_rename_keeps_the_id(watched: Watched) -> None:
    write(watched.root, "Readme", "x")
    await watched.start()
    first = await watched.settled()
    (watched.root / "Readme").rename(watched.root / "README")
    assert (await watched.settled())[b"README"].id == first[b"Readme"].id


async def test_a_change_that_keeps_size_and_time_is_seen(watched: Watched) -> None:
    path = write(watched.root, "a", "one")
    await watched.start()
    await watched.settled()
    status = path.stat()
    path.write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    await watched.settled()


async def test_a_time_that_64_bits_of_nanoseconds_can_not_hold_is_kept_as_the_nearest(watched: Watched) -> None:
    path = write(watched.root, "a", "one")
    write(watched.root, "b", "x")
    time_ns = 330 * 31_556_952 * 1_000_000_000  # in 2300
    os.utime(path, ns=(time_ns, time_ns))
    if path.stat().st_mtime_ns != time_ns:
        pytest.skip("this file system has no such times")
    await watched.start()
    first = await watched.settled()
    assert first[b"a"].mtime_ns == stored_ns(time_ns) == -stored_ns(-time_ns) - 1 == 2**63 - 1
    await watched.stop()
    await watched.start()
    path.write_text("two")
    os.utime(path, ns=(time_ns, time_ns))
    assert (await watched.settled())[b"a"].id == first[b"a"].id


async def test_a_change_through_one_of_several_names_is_seen_at_all_of_them(watched: Watched) -> None:
    path = write(watched.root, "a/one", "x")
    (watched.root / "b").mkdir()
    (watched.root / "b/other").hardlink_to(path)
    await watched.start()
    await watched.settled()
    path.write_text("changed")
    index = await watched.settled()
    assert index[b"a/one"].checksum == index[b"b/other"].checksum


async def test_names_that_were_linked_while_watched_are_all_seen_to_change(watched: Watched) -> None:
    path = write(watched.root, "a/one", "x")
    copied = write(watched.root, "source/file", "x")
    moved = write(watched.root, "a/moved", "x")
    await watched.start()
    await watched.settled()
    other, third = watched.root / "other", watched.root / "third"
    other.hardlink_to(path)
    third.hardlink_to(moved)
    moved.rename(watched.root / "a/renamed")
    (watched.root / "copy").mkdir()
    (watched.root / "copy/file").hardlink_to(copied)
    await watched.settled()
    other.write_text("changed")
    third.write_text("changed, too")
    (watched.root / "copy/file").write_text("changed as well")
    index = await watched.settled()
    assert index[b"a/one"].checksum == index[b"other"].checksum
    copied.write_text("once more")
    other.unlink()
    other.hardlink_to(copied)
    other.write_text("linked and written to at once")
    await watched.settled()


async def test_a_change_just_before_the_end_is_seen_after_a_restart(watched: Watched) -> None:
    path = write(watched.root, "a", "one")
    await watched.start()
    await watched.settled()
    await watched.stop()  # before the second look at a young file
    status = path.stat()
    with path.open("r+") as file:
        file.write("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if within one tick of the file system's clock
    await watched.start()
    await watched.settled()


async def test_a_lost_root_freezes_the_index_until_it_is_back(watched: Watched) -> None:
    write(watched.root, "a", "x")
    await watched.start()
    before = await watched.settled()
    away = watched.root.with_name("away")
    watched.root.rename(away)
    assert await eventually(lambda: state_is(watched, "frozen"))
    assert await watched.index() == before
    watched.root.mkdir()  # as a mount point on which nothing is mounted
    await watched.stop()
    await watched.start()
    assert await eventually(lambda: state_is(watched, "frozen"))
    assert await watched.index() == before
    watched.root.rmdir()
    away.rename(watched.root)
    write(watched.root, "b", "y")
    assert (await watched.settled())[b"a"] == before[b"a"]
    assert await eventually(lambda: state_is(watched, "watching"))


async def test_a_rescan_says_nothing_of_a_root_that_is_lost_later(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, loaded = Ignore.load, 0

    def counting(*arguments: Any, **more: Any) -> Ignore:
        nonlocal loaded
        loaded += 1
        return load(*arguments, **more)

    monkeypatch.setattr(Ignore, "load", counting)
    write(watched.root, "a", "x")
    await watched.start()
    before = await watched.settled()
    assert await eventually(lambda: state_is(watched, "watching"))
    scans = loaded
    watched.watchers.rescan(watched.workspace.id)

    async def has_scanned() -> bool:
        return loaded > scans and await state_is(watched, "watching")

    assert await eventually(has_scanned)
    watched.root.rename(watched.root.with_name("away"))
    watched.root.mkdir()  # as a mount point on which nothing is mounted any more
    assert await eventually(lambda: state_is(watched, "frozen"))
    assert await watched.index() == before


async def test_a_root_emptied_while_nobody_looked_is_believed_after_a_rescan(watched: Watched) -> None:
    path = write(watched.root, "a", "x")
    await watched.start()
    await watched.settled()
    await watched.stop()
    path.unlink()
    await watched.start()
    assert await eventually(lambda: state_is(watched, "frozen"))
    watched.watchers.rescan(watched.workspace.id)
    assert await watched.settled() == {}


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Let this thread see files as a user without rights (Linux's setfsuid)."""
    libc = ctypes.CDLL(None)
    libc.setfsuid(65534)
    try:
        yield
    finally:
        libc.setfsuid(0)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only Linux's root can become somebody else")
def test_what_can_not_be_read_is_recorded_as_such_and_a_folder_keeps_what_is_known(tmp_path: Path) -> None:
    write(tmp_path, "a", "x").chmod(0)
    write(tmp_path, "b", "x").chmod(0o600)
    write(tmp_path, "c/d", "x")
    write(tmp_path, "e/f", "x")
    (tmp_path / "c").chmod(0)
    (tmp_path / "e").chmod(0o744)
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o755)
    root = os.fsencode(tmp_path)
    warnings: list[str] = []
    with as_somebody_else():
        ignore = Ignore.load(root, Git(Path("/nonexistent"), command=None), warn=warnings.append)
        found = list(Walk(root, warn=lambda sentence, _path: warnings.append(sentence)).files(ignore.top, b""))
        read = {path: read_file(Job(root, threading.Event()), path, lambda: 0).entry for path in (b"a", b"b")}
    paths = [item.paths if isinstance(item, Run) else item for item in found]
    assert paths == [[b"a", b"b"], Kept(b"c/"), Kept(b"e/")]
    assert [(entry.kind, entry.size) for entry in read.values() if entry] == [("unreadable", 1), ("unreadable", 1)]
    assert warnings == [
        f"{tmp_path}/c/ can't be listed (Permission denied); what was known of it stays.",
        f"{tmp_path}/e/ can't be looked into (Permission denied); what was known of it stays.",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a tree may not be made")
async def test_the_warnings_are_of_the_present(watched: Watched) -> None:
    def warnings() -> tuple[str, ...]:
        found = watched.watchers.progress(watched.workspace.id).warnings
        return tuple(each for each in found if "can't be listed (File name too long)" in each)

    async def is_warned() -> bool:
        return len(warnings()) == 1

    async def is_not_warned() -> bool:
        return not warnings()

    write(watched.root, "first", "x")
    await watched.start()
    await watched.settled()
    assert await eventually(lambda: state_is(watched, "watching"))
    make_deep(watched.root, folders=30)
    assert await eventually(is_warned)
    write(watched.root, "other", "x")
    await eventually_has(watched, b"other")
    assert await is_warned()
    subprocess.run(["rm", "-r", watched.root / NAME], check=True)
    assert await eventually(is_not_warned)


NAME = "p" * 200


def make_deep(root: Path, *, folders: int) -> None:
    """Make a chain of folders that is longer than a path may be."""
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(folders):
        os.mkdir(NAME, dir_fd=descriptor)
        above, descriptor = descriptor, os.open(NAME, os.O_RDONLY, dir_fd=descriptor)
        os.close(above)
    os.close(descriptor)


async def test_a_large_folder_is_looked_at_in_pieces_and_in_the_same_order(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "run_files_max", 5)
    monkeypatch.setattr(limits, "names_sorted_at_once_max", 7)
    for number in range(100):
        write(watched.root, f"{number * 37 % 101:x}", "x")
    for number in range(20):
        write(watched.root, f"{number * 7}.d/f", "x")
    root = os.fsencode(watched.root)
    ignore = Ignore.load(root, Git(Path("/nonexistent"), command=None), warn=pytest.fail)
    runs = [item for item in Walk(root, warn=unwarned).files(ignore.top, b"") if isinstance(item, Run)]
    assert max(map(len, runs)) == 5
    paths = [path for run in runs for path in run.paths]
    assert len(paths) == 120
    assert paths == sorted(paths)
    await watched.start()
    first = await watched.settled()
    await watched.stop()
    await watched.start()
    assert await watched.settled() == first
