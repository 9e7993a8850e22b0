"""The engines that the contract suite runs against, and a key space of its own for each test."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.clock import SystemClock
from sidecar.store.engine import Engine
from sidecar.store.opening import open_engine
from sidecar.store.tuples import strinc

CLUSTER_FILE = os.environ.get("SIDECAR_FDB_CLUSTER_FILE")  # noqa: TID251 -- the suite's own switch, not the product's


@pytest.fixture(params=["embedded", pytest.param("fdb", marks=pytest.mark.fdb)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a store that a test may open; the embedded one is empty."""
    if request.param == "fdb":
        return f"fdb:{CLUSTER_FILE}"
    return f"embedded:{tmp_path / 'store'}"


@pytest.fixture
async def engine(store_url: str) -> AsyncIterator[Engine]:
    """Return an open engine."""
    opened = await open_engine(store_url, clock=SystemClock())
    yield opened
    await opened.close()


@pytest.fixture
async def prefix(engine: Engine) -> AsyncIterator[bytes]:
    """Return a prefix that no other run uses; its keys are cleared after the test."""
    root = b"\x16" + os.urandom(8)
    yield root
    await engine.transact(lambda tr: tr.clear_range(root, strinc(root)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the FoundationDB tests where there is no cluster."""
    if CLUSTER_FILE:
        return
    away = [item for item in items if item.get_closest_marker("fdb")]
    kept = [item for item in items if not item.get_closest_marker("fdb")]  # its keywords are also the folders' names
    if away:
        config.hook.pytest_deselected(items=away)
        config.stash[_DESELECTED] = len(away)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line that they were left out."""
    count = config.stash.get(_DESELECTED, 0)
    if count:
        terminalreporter.write_line(
            f"{count} FoundationDB tests deselected: SIDECAR_FDB_CLUSTER_FILE names no cluster file."
        )


_DESELECTED = pytest.StashKey[int]()
