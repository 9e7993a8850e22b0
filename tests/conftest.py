"""What holds for every test: the same examples in every run, and signals as a terminal gives them."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The suite is the fixed form of each property; a longer, random search has its own command.
settings.register_profile("suite", derandomize=True)
settings.load_profile("suite")

# Begun in the background by a shell, a process ignores SIGINT, and so would the daemons that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a command of its own run a longer form of a test."""
    parser.addoption("--stopped-seconds", type=float, default=11.0, help="how long the stopped process is stopped")


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Give the process its umask back: ``up``, called in a test's own process, closes to others what is made later."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
