"""Whoever kills the first start, whenever, can start again; more of it: ``python -m tests.e2e.first_starts``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("moments", [(), ("--random", "12", "--seed", "20261125")])
def test_a_first_start_that_is_killed_at_any_moment_is_followed_by_a_start(
    tmp_path: Path, moments: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "tests.e2e.first_starts", str(tmp_path / "starts"), *moments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["kills"] >= 12, "the moments were not met: the test shows nothing"
