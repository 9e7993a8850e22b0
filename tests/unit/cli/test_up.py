from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sidecar.cli import down
from sidecar.cli.display import Display
from sidecar.daemon.lifecycle import InstanceLock
from sidecar.errors import ForbiddenError
from sidecar.models.workspaces import WorkspaceProgress


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
