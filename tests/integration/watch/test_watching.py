"""A running watcher: whatever happens to real files, the index follows."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sidecar import limits
from sidecar.errors import UnavailableError
from sidecar.models.files import FileEntry
from sidecar.repositories.changes import STAMP_FIRST, Changes
from sidecar.repositories.transactions import Database, Writing
from sidecar.watch import power
from sidecar.watch.agenda import Agenda
from sidecar.watch.plan import merge
from sidecar.watch.registry import Watchers
from tests.integration.watch.conftest import Watched, eventually, state_is

T = TypeVar("T")


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
    subprocess.run(["git", "-C", root, *identity, *arguments], env=environment, capture_output=True, check=True)


def write(root: Path, name: str, content: bytes | str = b"") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def test_the_first_scan_finds_every_file(watched: Watched) -> None:
    for number in range(300):
        write(watched.root, f"d{number % 7}/e/f{number}", f"content {number}")
    await watched.start()
    assert len(await watched.settled()) == 300


async def test_create_edit_rename_and_delete_are_followed(watched: Watched) -> None:
    await watched.start()
    write(watched.root, "a/b/c", "one")
    first = await watched.settled()
    write(watched.root, "a/b/c", "two")
    second = await watched.settled()
    assert second[b"a/b/c"].id == first[b"a/b/c"].id
    (watched.root / "a/b/c").rename(watched.root / "moved")
    third = await watched.settled()
    assert third[b"moved"].id == first[b"a/b/c"].id
    (watched.root / "moved").unlink()
    assert await watched.settled() == {}
    write(watched.root, "moved", "three")
    fourth = await watched.settled()
    assert fourth[b"moved"].id == first[b"a/b/c"].id


async def test_replacing_by_rename_keeps_the_id(watched: Watched) -> None:
    write(watched.root, "a", "one")
    await watched.start()
    first = await watched.settled()
    write(watched.root, ".a.tmp", "two").rename(watched.root / "a")
    assert (await watched.settled())[b"a"].id == first[b"a"].id


async def test_a_moved_tree_keeps_its_ids_while_running_and_while_stopped(watched: Watched) -> None:
    for number in range(50):
        write(watched.root, f"old/d{number % 3}/f{number}", f"content {number}")
    await watched.start()
    first = await watched.settled()
    (watched.root / "old").rename(watched.root / "new")
    second = await watched.settled()
    assert [first[b"old" + path[3:]].id for path in second] == [entry.id for entry in second.values()]
    await watched.stop()
    (watched.root / "new").rename(watched.root / "last")
    await watched.start()
    third = await watched.settled()
    assert {entry.id for entry in third.values()} == {entry.id for entry in first.values()}
    write(watched.root, "last/d0/more", "the moved folder still gives events")
    await watched.settled()


async def test_a_checkout_of_another_branch_is_followed(watched: Watched) -> None:
    root = watched.root
    git(root, "init", "-q")
    for number in range(40):
        write(root, f"d{number % 5}/f{number}", f"content {number}")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "checkout", "-qb", "other")
    for number in range(0, 40, 2):
        (root / f"d{number % 5}/f{number}").unlink()
        write(root, f"new/f{number}", f"content {number} anew")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    await watched.start()
    await watched.settled()
    git(root, "checkout", "-q", "main")
    assert b"d0/f0" in await watched.settled()
    git(root, "checkout", "-q", "other")
    assert b"new/f0" in await watched.settled()


async def test_a_restart_catches_up(watched: Watched) -> None:
    for number in range(100):
        write(watched.root, f"d/f{number}", "x")
    await watched.start()
    await watched.settled()
    await watched.stop()
    for number in range(0, 100, 3):
        (watched.root / f"d/f{number}").unlink()
    write(watched.root, "d/f1", "changed")
    write(watched.root, "z", "new")
    await watched.start()
    await watched.settled()


async def test_a_burst_of_new_folders_is_followed(watched: Watched) -> None:
    await watched.start()
    for number in range(1000):
        write(watched.root, f"a{number % 10}/b{number % 100}/c/f{number}", "x")
    await watched.settled()


async def test_ignore_files_that_change_take_effect(watched: Watched) -> None:
    root = watched.root
    git(root, "init", "-q")
    write(root, "build/a", "x")
    write(root, "src/a.log", "x")
    await watched.start()
    assert len(await watched.settled()) == 2
    write(root, ".gitignore", "build\n*.log\n")
    assert (await watched.settled()).keys() == {b".gitignore"}
    write(root, "src/.gitignore", "!a.log\n")
    assert (await watched.settled()).keys() == {b".gitignore", b"src/.gitignore", b"src/a.log"}
    write(root, ".git/info/exclude", "a.log\n")
    (root / "src/.gitignore").unlink()
    (root / ".gitignore").unlink()
    assert (await watched.settled()).keys() == {b"build/a"}


async def test_what_git_is_told_outside_the_root_takes_effect(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "tick_seconds", 0.1)
    root, home = watched.root, tmp_path / "home"
    for name in ("a.log", "a.tmp", "a.bak", "a"):
        write(root, name, "x")
    await watched.start()

    async def indexes(*names: str) -> None:
        async def holds() -> bool:
            return {os.fsdecode(path) for path in await watched.index()} == set(names)

        assert await eventually(holds), (names, await watched.index())

    await indexes("a", "a.log", "a.tmp", "a.bak")
    write(tmp_path, ".gitignore", "*.log\n")
    git(tmp_path, "init", "-q")
    await indexes("a", "a.tmp", "a.bak")
    write(home, "excludes", "*.tmp\n")
    write(home, "included", "")
    write(home, ".gitconfig", "[include]\n\tpath = included\n[core]\n\texcludesFile = ~/excludes\n")
    await indexes("a", "a.bak")
    git(tmp_path, "config", "extensions.worktreeConfig", "true")
    write(tmp_path, "own", "*.bak\n")
    git(tmp_path, "config", "--worktree", "core.excludesFile", "own")
    await indexes("a", "a.tmp")
    git(root, "init", "-q")
    await indexes("a", "a.log", "a.bak")


async def test_ignore_files_beyond_the_bounds_are_named_in_the_warnings(watched: Watched) -> None:
    write(watched.root, ".gitignore", b"a\n" * (limits.ignore_file_bytes_max // 2 + 1))
    write(watched.root, "in/.gitignore", b"x*y\n" * (limits.ignore_globs_bytes_max // 3 + 1) + b"z*\nq\n")
    for name in ("a", "in/xy", "in/z", "in/q"):
        write(watched.root, name, "x")
    await watched.start()

    async def has_warned() -> bool:
        return len(watched.watchers.progress(watched.workspace.id).warnings) == 2

    assert await eventually(has_warned)
    assert (await watched.index()).keys() == {b".gitignore", b"a", b"in/.gitignore", b"in/z"}
    large, cut = watched.watchers.progress(watched.workspace.id).warnings
    assert large.startswith(f"{watched.root}/.gitignore is larger than")
    assert cut.startswith(f"{watched.root}/in/.gitignore has more than")


async def test_the_daemons_own_folders_are_not_followed(tmp_path: Path, database: Database) -> None:
    home = tmp_path / "home"
    write(tmp_path, "home/.gitignore", "!*\n")
    write(tmp_path, "log/sidecar.log", "x")
    (tmp_path / "linked").symlink_to("log")
    watched = Watched(tmp_path, home, database)
    watched.own_folders = [tmp_path / "store", tmp_path / "linked", home / "not/there", Path("/elsewhere")]
    try:
        await watched.start()
        for number in range(3):
            write(tmp_path, f"home/f{number}", "x")
            write(tmp_path, "log/sidecar.log", str(number))
            index = await eventually_has(watched, b"home/f%d" % number)
            assert not [path for path in index if path.startswith((b"store/", b"log/"))]
        assert index.keys() == {b"linked", b"home/.gitignore", b"home/f0", b"home/f1", b"home/f2"}
    finally:
        await watched.stop()


async def eventually_has(watched: Watched, path: bytes) -> dict[bytes, FileEntry]:
    async def has_it() -> bool:
        return path in await watched.index()

    assert await eventually(has_it)
    return await watched.index()


async def test_a_root_among_the_daemons_own_folders_is_left_alone_and_told(watched: Watched) -> None:
    write(watched.root, "in/a", "x")
    watched.own_folders = [watched.root]
    await watched.start()

    async def has_warned() -> bool:
        return bool(watched.watchers.progress(watched.workspace.id).warnings)

    assert await eventually(has_warned)
    assert await watched.index() == {}


async def test_a_folder_that_becomes_a_repository_is_left_alone(watched: Watched) -> None:
    git(watched.root, "init", "-q")
    write(watched.root, "in/a", "x")
    await watched.start()
    assert (await watched.settled()).keys() == {b"in/a"}
    git(watched.root / "in", "init", "-q")
    assert await watched.settled() == {}


async def test_a_folder_that_slowly_becomes_a_repository_is_left_alone(watched: Watched, tmp_path: Path) -> None:
    git(watched.root, "init", "-q")
    for name in ("in/a", "in/deep/b", "other"):
        write(watched.root, name, "x")
    git(tmp_path, "init", "-q", "made")
    await watched.start()
    await watched.settled()
    (watched.root / "in/.git").mkdir()
    for step, name in enumerate(("config", "refs", "HEAD", "objects")):
        assert b"in/deep/b" in await watched.settled()  # each step is looked at by itself
        (tmp_path / "made/.git" / name).rename(watched.root / "in/.git" / name)
        write(watched.root, "other", str(step))
    assert (await watched.settled()).keys() == {b"other"}
    write(watched.root, "in/later", "x")
    write(watched.root, "other", "the last")
    assert (await watched.settled()).keys() == {b"other"}
    (watched.root / "in/.git/HEAD").unlink()
    assert (await watched.settled()).keys() == {b"in/a", b"in/deep/b", b"in/later", b"other"}


async def test_every_change_is_told_once(watched: Watched) -> None:
    path = write(watched.root, "a", "one")
    await watched.start()
    await watched.settled()
    path.write_text("two")
    await watched.settled()
    path.unlink()
    await watched.settled()
    # Past the second look at young files, which must find nothing to tell.
    await asyncio.sleep(limits.racy_window_ms / 1000 + 0.5)
    rows = await watched.database.read(lambda tr: Changes(watched.tenant).after(tr, STAMP_FIRST))
    told = [(change.op, change.version) for row in rows for change in row.changes]
    assert told == [("created", 1), ("updated", 2), ("deleted", 3)]


async def test_nested_and_overlapping_roots_are_watched_side_by_side(watched: Watched) -> None:
    inner = Watched(watched.root / "in", watched.root.parent / "home", watched.database)
    write(watched.root, "in/a", "x")
    write(watched.root, "b", "x")
    await watched.start()
    await inner.start()
    try:
        write(watched.root, "in/c", "y")
        assert (await watched.settled()).keys() == {b"in/a", b"in/c", b"b"}
        assert (await inner.settled()).keys() == {b"a", b"c"}
    finally:
        await inner.stop()


async def test_a_store_that_refuses_is_asked_again_and_nothing_is_lost(watched: Watched) -> None:
    refusals = 2
    transact = watched.database.transact

    async def refusing(body: Callable[[Writing], T], *, background: bool = False) -> T:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise UnavailableError("The disk is full.")
        return await transact(body, background=background)

    watched.database.transact = refusing  # type: ignore[method-assign] # the store that fails
    write(watched.root, "a", "x")
    await watched.start()
    await watched.settled()
    assert refusals == 0


async def test_an_error_of_our_own_ends_no_watching_and_is_told(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 1
    troubles: list[tuple[str, ...]] = []

    def failing(*arguments: Any) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise ZeroDivisionError("a defect")
        troubles.append(watched.watchers.progress(watched.workspace.id).warnings)
        return merge(*arguments)

    monkeypatch.setattr("sidecar.watch.comparison.merge", failing)
    write(watched.root, "a", "x")
    await watched.start()
    await watched.settled()
    assert failures == 0
    assert "ZeroDivisionError: a defect" in troubles[0][0]
    assert await eventually(is_without_warnings(watched))


def is_without_warnings(watched: Watched) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return not watched.watchers.progress(watched.workspace.id).warnings

    return is_so


async def test_progress_tells_what_was_done(watched: Watched) -> None:
    for number in range(50):
        write(watched.root, f"f{number}", "12345")
    await watched.start()
    await watched.settled()

    async def is_watching() -> bool:
        return watched.watchers.progress(watched.workspace.id).state == "watching"

    assert await eventually(is_watching)
    progress = watched.watchers.progress(watched.workspace.id)
    assert (progress.files_seen, progress.files_hashed, progress.files_indexed, progress.bytes_hashed) == (
        50,
        50,
        50,
        250,
    )
    assert (await watched.board.after(0, watched.tenant.tenant_id))[0].progress == progress
    await watched.stop()


async def test_progress_that_is_the_same_is_told_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = 0
    wait = Agenda.wait

    async def counting(self: Agenda, seconds_max: float) -> None:
        nonlocal ticks
        await wait(self, min(seconds_max, 0.01))
        ticks += 1

    async def has_ticked() -> bool:
        return ticks > before + 5

    monkeypatch.setattr(Agenda, "wait", counting)
    write(watched.root, "a", "x")
    await watched.start()
    await watched.settled()
    assert await eventually(lambda: state_is(watched, "watching"))
    order, before = watched.board.order, ticks
    assert await eventually(has_ticked)
    assert watched.board.order == order
    watched.watchers.rescan(watched.workspace.id)
    assert await eventually(partial(has_been_told_since, watched, order))


async def has_been_told_since(watched: Watched, order: int) -> bool:
    return watched.board.order > order


async def test_a_scan_tells_its_rate_and_how_long_it_will_take(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "aside_bytes_min", 10**12)  # so that the comparison does not end without it
    git(watched.root, "init", "-q")
    for name in ("a", "b", "endless", "z"):
        write(watched.root, name, "x")
    git(watched.root, "add", "-A")
    os.truncate(watched.root / "endless", 50_000_000_000)  # sparse: reading it would take a minute
    await watched.start()

    async def is_estimated() -> bool:
        return watched.watchers.progress(watched.workspace.id).seconds_left is not None

    assert await eventually(is_estimated)
    progress = watched.watchers.progress(watched.workspace.id)
    assert (progress.state, progress.files_expected) == ("scanning", 4)
    assert progress.files_per_second > 0


async def test_a_scan_under_way_is_given_up_when_the_watching_ends(watched: Watched) -> None:
    path = watched.root / "endless"
    path.touch()
    os.truncate(path, 50_000_000_000)  # sparse: reading it would take a minute
    await watched.start()

    async def is_hashing() -> bool:
        return watched.watchers.progress(watched.workspace.id).state == "scanning"

    assert await eventually(is_hashing)
    await asyncio.wait_for(watched.stop(), 20)
    assert await watched.index() == {}


async def test_watchers_of_unknown_workspaces_are_stopped(watched: Watched) -> None:
    await watched.start()
    watchers: Watchers = watched.watchers
    await watchers.stop("nothing")
    watchers.rescan("nothing")
    assert watchers.progress("nothing").state == "stopped"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of its battery in files")
async def test_while_files_are_read_slowly_on_battery_the_progress_says_so(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery = tmp_path / "power/battery"
    write(battery, "type", "Battery")
    write(battery, "status", "Discharging")
    monkeypatch.setattr(power, "_POWER_SUPPLIES", battery.parent)
    monkeypatch.setattr(limits, "battery_reading_share", 1e-6)  # it rests until it is told to stop
    for number in range(4 * limits.hash_group_files_max):
        write(watched.root, f"f{number}", f"content {number}")
    await watched.start()

    def warnings() -> tuple[str, ...]:
        return watched.watchers.progress(watched.workspace.id).warnings

    async def is_told() -> bool:
        return any("battery" in warning for warning in warnings())

    assert await eventually(is_told)
    await watched.stop()

    write(battery, "status", "Charging")
    await watched.start()
    await watched.settled()
    assert warnings() == ()
