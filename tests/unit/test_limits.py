"""Bounds: each of them bounds something, or is what a test holds the code to."""

import re
from pathlib import Path

import pytest

from sidecar import limits

ROOT = Path(__file__).parents[2]
FILES = [file for room in ("sidecar", "tests") for file in (ROOT / room).rglob("*.py") if file.name != "limits.py"]
CODE = "".join(file.read_text(encoding="utf-8") for file in FILES)


@pytest.mark.parametrize("name", [name for name in vars(limits) if not name.startswith("_")])
def test_each_bound_is_used(name: str) -> None:
    assert re.search(rf"\b{name}\b", CODE)
