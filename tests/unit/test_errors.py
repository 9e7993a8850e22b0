"""The tree of errors: FoundationDB's numbers are told with FoundationDB's names."""

import re
from pathlib import Path

import pytest

from sidecar.api.problems import TRANSACTIONS
from sidecar.errors import TransactionError
from sidecar.store.embedded.transaction import RETRYABLE

STORE = Path(__file__).parents[2] / "sidecar" / "store"
SPOKEN = re.compile(r"(?:TransactionError\(|^_[A-Z_]+ = )(\d{4})\b", re.MULTILINE)
NUMBERS = {int(number) for file in STORE.rglob("*.py") for number in SPOKEN.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("number", sorted(NUMBERS | RETRYABLE | set(TRANSACTIONS)))
def test_each_number_that_is_raised_or_told_apart_has_a_name(number: int) -> None:
    assert TransactionError(number).details["name"] != "unknown_error"
