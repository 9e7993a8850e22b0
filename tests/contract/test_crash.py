"""A killed process loses nothing that it acknowledged; the marathon is ``scripts/crash --kills 300``."""

import asyncio
from pathlib import Path

import pytest

from tests.contract.crash import Observer, run


@pytest.mark.timeout(180)
def test_kills_lose_nothing_acknowledged_leave_nothing_in_part_and_repeat_no_versionstamp(tmp_path: Path) -> None:
    observer = run(kills=8, seed=20_261_124, folder=tmp_path / "store")

    assert len(observer.acknowledged) > 100, "the children hardly wrote: the test shows nothing"


def test_the_observer_notices_a_lost_transaction(tmp_path: Path) -> None:
    observer = Observer()
    observer.acknowledged["0.0.0"] = 3

    with pytest.raises(AssertionError, match="acknowledged transactions are lost"):
        asyncio.run(observer.look(tmp_path / "store"))
