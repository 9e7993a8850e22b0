"""What holds for every test: the same examples in every run, and signals as a terminal gives them."""

import signal

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
