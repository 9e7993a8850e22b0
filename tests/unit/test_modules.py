"""Every module is imported: one that is broken fails here, whatever else is tested."""

import importlib
import pkgutil

import pytest

import sidecar

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(sidecar.__path__, "sidecar.")
    if module.name != "sidecar.__main__"  # importing it runs the command line; tests/e2e starts it
)


def test_there_are_modules() -> None:
    assert "sidecar.cli.up" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_and_says_what_it_is(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
