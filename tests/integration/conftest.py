from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.clock import SystemClock
from sidecar.repositories.transactions import Database
from sidecar.store.opening import open_engine


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Records on a real embedded store."""
    engine = await open_engine(f"embedded:{tmp_path / 'store'}", clock=SystemClock())
    yield Database(engine, SystemClock())
    await engine.close()
