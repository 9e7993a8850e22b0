"""``sidecar files verify`` as a person meets it: what is right, what is not, and Ctrl-C. What it finds: integration."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.cli import exits
from tests.e2e.daemons import DaemonProcess, daemon_process, eventually
from tests.e2e.repositories import expected_index
from tests.e2e.terminals import on_a_terminal


@pytest.fixture
def workspace(workspace: Path) -> Path:
    root = workspace
    (root / os.fsdecode(b"odd-\xff-name.txt")).write_text("not UTF-8", encoding="utf-8")
    (root / "link").symlink_to("nowhere")
    for each in (path for path in root.rglob("*") if not path.is_symlink()):
        os.utime(each, (1, 1))  # what was written just before it was read would be read again by itself
    return root


@contextmanager
def changed_unnoticed(path: Path) -> Iterator[None]:
    """Change a file's first byte through mapped memory, of which inotify tells nothing until the file is closed."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        content[0] ^= 1
        content.flush()
        yield


async def test_an_index_that_is_right_is_verified_in_whole(daemon: DaemonProcess) -> None:
    await daemon.watch()
    done = daemon.run("files", "verify")
    expected = expected_index(daemon.workspace)
    assert (done.returncode, done.stderr) == (exits.DONE, ""), done.stdout
    assert done.stdout.startswith(f"Read {len(expected)} files (")
    [report] = daemon.json("files", "verify", "--workspace", str(daemon.workspace))
    assert (report["type"], report["differences"], report["files"]) == ("report", 0, len(expected))
    unwatched = daemon.run("files", "verify", "--workspace", str(daemon.home))
    assert (unwatched.returncode, unwatched.stdout) == (exits.FAILED, "")
    assert "is not watched" in unwatched.stderr


async def test_a_change_that_the_daemon_has_not_seen_is_named_and_exits_1(daemon: DaemonProcess) -> None:
    await daemon.watch()
    with changed_unnoticed(daemon.workspace / "untracked.txt"):
        done = daemon.run("files", "verify", "--workspace", str(daemon.workspace))
        assert done.returncode == exits.FAILED
        assert done.stdout.startswith("changed    untracked.txt\nRead ")
        assert ": 1 differ.\n" in done.stdout
    await eventually(lambda: daemon.run("files", "verify").returncode == exits.DONE, "the daemon has heard of it")


async def test_a_folder_above_the_daemons_own_is_indexed_without_these(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with daemon_process(home, home) as daemon:
        (home / "user/file.txt").write_text("x")
        await daemon.watch()
        await eventually(lambda: daemon.run("files", "verify").returncode == exits.DONE, "nothing changes any more")
        paths = {file["file_path"] for file in daemon.json("files", "ls")}
        assert paths == {"user/file.txt", "output.txt", "errors.txt"}


async def test_a_store_that_only_the_daemon_was_told_of_is_none_of_what_is_watched(daemon: DaemonProcess) -> None:
    daemon.start("--store", f"embedded:{daemon.workspace / 'store'}")
    await daemon.wait_for("Watching ")
    done = daemon.run("files", "verify")
    assert (done.returncode, done.stderr) == (exits.DONE, ""), done.stdout


async def test_on_a_terminal_a_bar_moves_and_ctrl_c_ends_it(daemon: DaemonProcess) -> None:
    await daemon.watch()
    with (
        changed_unnoticed(daemon.workspace / "untracked.txt"),  # which is looked at again after a while
        on_a_terminal(daemon, "files", "verify", COLUMNS="100") as terminal,
    ):
        await terminal.shows(b"Verifying")
        terminal.types(b"\x03")
        assert await terminal.ended() == exits.INTERRUPTED
    assert b"Traceback" not in terminal.heard
    assert b"\x1b[?25h" in terminal.heard, "the cursor is shown again"
    assert daemon.run("status").returncode == exits.DONE
