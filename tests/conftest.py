"""What holds for every test: the same examples in every run, and signals as a terminal gives them."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.examples import SUITE, search

# The suite is the fixed form of each property; ``--search`` is a longer, random one.
settings.register_profile("suite", SUITE)
settings.load_profile("suite")

# Begun in the background by a shell, a process ignores SIGINT, and so would the daemons that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a command of its own run a longer form of a test."""
    parser.addoption(
        "--search",
        type=int,
        metavar="TIMES",
        help="take so many times the random examples, of any seed",
    )
    parser.addoption("--stopped-seconds", type=float, default=11.0, help="how long the stopped process is stopped")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a search before the tests are imported, which ask how many examples they take."""
    times = config.getoption("--search")
    if times:
        settings.register_profile("search", search(times))
        settings.load_profile("search")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let a search take its time."""
    for item in items if config.getoption("--search") else ():
        item.add_marker(pytest.mark.timeout(0), append=False)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Give the process its umask back: ``up``, called in a test's own process, closes to others what is made later."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
