"""Every module is imported: one that is broken fails here, whatever else is tested."""

import ast
import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path

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


def imports_of(name: str) -> set[str]:
    """Return the names that a module imports, from inside functions too."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    found = set()
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return found


def test_what_says_that_one_module_alone_calls_it_is_called_by_that_one_alone() -> None:
    imports = {name: imports_of(name) for name in MODULES}
    told = {}
    for name in MODULES:
        says = re.search(r"by\s+``([\w.]+?)(?:\.py)?``\s+alone", importlib.import_module(name).__doc__ or "")
        if says is not None:
            inside = "sidecar" if "." in says[1] else name.rpartition(".")[0]
            told[name] = {f"{inside}.{says[1]}"}
    assert len(told) > 5
    callers = {
        callee: {
            name
            for name, imported in imports.items()
            if not f"{name}.".startswith(f"{callee}.") and any(f"{each}.".startswith(f"{callee}.") for each in imported)
        }
        for callee in told
    }
    assert callers == told
