from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.daemons import DaemonProcess, daemon_process
from tests.e2e.repositories import make_repository


@pytest.fixture
def files() -> int:
    """How many plain files the workspace has, beside the unusual ones; a module that wants more says so."""
    return 3


@pytest.fixture
def workspace(tmp_path: Path, files: int) -> Path:
    root = tmp_path / "workspace"
    make_repository(root, files=files)
    return root


@pytest.fixture
def daemon(tmp_path: Path, workspace: Path) -> Iterator[DaemonProcess]:
    with daemon_process(tmp_path / "home", workspace) as process:
        yield process


@pytest.fixture
async def watching(daemon: DaemonProcess) -> None:
    """Run the daemon, and wait until it has read the workspace."""
    await daemon.watch()


@pytest.fixture
def stopped_seconds(request: pytest.FixtureRequest) -> float:
    """For how long a process is stopped: longer than it takes to be noticed, or what the command line says."""
    return float(request.config.getoption("--stopped-seconds"))
