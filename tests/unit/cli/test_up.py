import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sidecar.cli import down, exits
from sidecar.cli.display import Display
from sidecar.daemon.lifecycle import InstanceLock
from sidecar.errors import ForbiddenError
from sidecar.models.workspaces import WorkspaceProgress

HANGING_DAEMON = """
import asyncio, os, signal, sys, threading
from sidecar import cli, limits
from sidecar.daemon import wiring

class Daemon:
    url = "nowhere"
    def __init__(self, settings, clock, reload): pass
    async def __aenter__(self): return self
    async def __aexit__(self, *_):
        {closing}
    async def watch(self, path):
        os.kill(os.getpid(), signal.SIGTERM)
    async def failed(self): await asyncio.Event().wait()
    def progress(self, workspace):
        from sidecar.models.workspaces import WorkspaceProgress
        return WorkspaceProgress(state="scanning")

wiring.Daemon = Daemon
limits.drain_seconds_max = 0.2
from sidecar.cli.display import Display
async def follow_scan(self, daemon, workspace): await asyncio.Event().wait()
Display.follow_scan = follow_scan
sys.exit(cli.run(["up", "."]))
"""


def run_hanging(tmp_path: Path, closing: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HANGING_DAEMON.format(closing=closing)],
        env={"SIDECAR_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("closing", ["await asyncio.Event().wait()", "threading.Event().wait()"])
def test_a_drain_that_hangs_is_cut_off_and_told(tmp_path: Path, closing: str) -> None:
    done = run_hanging(tmp_path, closing)
    assert done.returncode == exits.FAILED
    assert done.stderr.startswith("sidecar: Not everything ended within")
    assert done.stdout.endswith("Stopping ...\n")


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    done = run_hanging(tmp_path, "os.kill(os.getpid(), signal.SIGTERM); await asyncio.Event().wait()")
    assert (done.returncode, done.stderr) == (128 + 15, "")


def test_a_drain_in_time_is_a_success(tmp_path: Path) -> None:
    done = run_hanging(tmp_path, "pass")
    assert (done.returncode, done.stderr) == (exits.DONE, "")
    assert done.stdout.endswith("Stopping ...\nStopped.\n")


async def shown(progress: WorkspaceProgress, capsys: pytest.CaptureFixture[str]) -> list[str]:
    daemon = cast("Any", SimpleNamespace(progress=lambda _: progress))
    await Display().follow_scan(daemon, cast("Any", SimpleNamespace(path="/w\n")))
    return capsys.readouterr().out.splitlines()


async def test_the_end_of_a_scan_is_told_with_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    progress = WorkspaceProgress(state="watching", files_seen=1_234, files_hashed=5, bytes_hashed=2_000, seconds=0.26)
    assert await shown(progress, capsys) == [
        "Scanning /w\\n",
        "Scanned: 1,234 files, 5 read (2.0 kB) in 0.3 s.",
        "Watching /w\\n (Ctrl-C stops)",
    ]


async def test_warnings_and_another_state_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    lines = await shown(WorkspaceProgress(state="polling", warnings=("No events here.",)), capsys)
    assert lines[1] == "Warning: No events here."
    assert lines[-1] == "Polling: /w\\n (Ctrl-C stops)"


def test_a_daemon_that_has_just_ended_needs_no_signal() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    down.ask_to_stop(ended.pid)


def test_a_process_of_another_user_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    with pytest.raises(ForbiddenError, match="Process 1 belongs to another user"):
        down.ask_to_stop(1)


def test_waiting_for_a_daemon_that_does_not_stop_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.limits.stop_wait_seconds_max", 0.0)
    with InstanceLock(tmp_path):
        assert not down.has_stopped(tmp_path)
    assert down.has_stopped(tmp_path)
