"""How `up` ends, as a process of its own; and how `down` asks for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.cli import down, exits

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
        env={"SIDECAR_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
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


def test_a_daemon_that_has_just_ended_needs_no_signal() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    down.ask_to_stop(ended.pid)
