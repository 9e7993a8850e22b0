"""Warnings are kept until their paths are looked at again."""

import pytest

from sidecar.watch.findings import Findings
from sidecar.watch.scopes import Scope


@pytest.mark.parametrize(
    ("scope", "path", "covered"),
    [
        (Scope(b"", recursive=True), b"a/b/", True),
        (Scope(b"a/", recursive=True), b"b/", False),
        (Scope(b"a/", recursive=False), b"a/", True),
        (Scope(b"a/", recursive=False), b"a/file", True),
        (Scope(b"a/", recursive=False), b"a/b/", False),
        (Scope(b"", recursive=False), b"", True),
        (Scope(b"a/", recursive=False), b"a/b/file", False),
        (Scope(b"a/", recursive=False, inside=frozenset({b"a/b/"})), b"a/b/c/", True),
        (Scope(b"", recursive=False, only=frozenset({b"a"})), b"a/", True),
        (Scope(b"", recursive=False, only=frozenset({b"a"})), b"a/b/c/", True),
        (Scope(b"", recursive=False, only=frozenset({b"a"})), b"b", False),
        (Scope(b"", recursive=False, doubts=frozenset({b"a"})), b"a/b/c/", True),
    ],
)
def test_a_later_comparison_replaces_the_warnings_of_what_it_looked_at(
    scope: Scope, path: bytes, *, covered: bool
) -> None:
    findings = Findings()
    findings.warn("before", path)
    findings.warn("elsewhere", b"x/y/z/")
    later = Findings(scopes=(scope,))
    later.warn("now", path)
    findings.take_over(later)
    kept = ["before"] * (not covered) + ["elsewhere"] * (not (scope.recursive and not scope.path))
    assert list(findings.warnings) == [*kept, "now"]
