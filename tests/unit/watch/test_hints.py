from pathlib import Path

import pytest

from sidecar import limits
from sidecar.watch.git import Git
from sidecar.watch.hints import EVERYTHING, Hints, without_covered
from sidecar.watch.ignore import Folders, Ignore
from sidecar.watch.scopes import Scope


@pytest.fixture
def ignore(tmp_path: Path) -> Ignore:
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n")
    for folder in ("d/e", "build"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "d/f").touch()
    return Ignore.load(bytes(tmp_path), Git(Path("/nonexistent"), command=None), warn=pytest.fail)


def scopes(ignore: Ignore, *paths: bytes) -> list[Scope]:
    hints = Hints()
    for path in paths:
        hints.touch_path(path)
    return hints.take().scopes(Folders(ignore))


def test_a_touched_file_has_its_folder_compared_and_itself_read(ignore: Ignore) -> None:
    assert scopes(ignore, b"d/f") == [
        Scope(b"d/", recursive=False, doubts=frozenset({b"d/f"}), only=frozenset({b"d/f"}))
    ]


def test_a_touched_folder_is_compared_with_all_below(ignore: Ignore) -> None:
    assert scopes(ignore, b"d/e", b"d/e/g") == [
        Scope(
            b"d/",
            recursive=False,
            inside=frozenset({b"d/e/"}),
            doubts=frozenset({b"d/e/g"}),
            only=frozenset({b"d/e"}),
        )
    ]


@pytest.mark.parametrize("path", [b"a.log", b"build/x", b"build/x/y", b"build", b"d/b.log", b".git/index", b"d/.git/x"])
def test_what_is_ignored_costs_no_comparison(ignore: Ignore, path: bytes) -> None:
    assert scopes(ignore, path) == []


def test_a_touched_ignore_file_has_everything_below_compared(ignore: Ignore) -> None:
    assert scopes(ignore, b"d/.gitignore", b"d/e/x") == [
        Scope(b"d/", recursive=True, doubts=frozenset({b"d/.gitignore", b"d/e/x"}))
    ]


def test_a_tree_that_has_vanished_is_looked_at_once_from_above(ignore: Ignore) -> None:
    gone = [b"d/gone/%d/%d/f" % (number, number % 7) for number in range(50)]
    assert scopes(ignore, *gone, b"d/gone/f", b"d/f") == [
        Scope(
            b"d/",
            recursive=False,
            doubts=frozenset({b"d/gone", b"d/f"}),
            only=frozenset({b"d/gone", b"d/f"}),
        )
    ]


def test_a_folder_whose_place_a_file_has_taken_is_looked_at_from_above(ignore: Ignore) -> None:
    assert scopes(ignore, b"d/f/below/x") == [
        Scope(b"d/", recursive=False, doubts=frozenset({b"d/f"}), only=frozenset({b"d/f"}))
    ]


def test_too_many_hints_become_one_full_comparison(ignore: Ignore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "dirty_directories_max", 3)
    assert scopes(ignore, b"1/a", b"2/a", b"3/a", b"4/a") == list(EVERYTHING)


@pytest.mark.parametrize("names", [[b"%d" % number for number in range(65)], [b"x" * 250]], ids=["many", "long"])
def test_many_names_or_long_ones_have_their_folder_listed(ignore: Ignore, names: list[bytes]) -> None:
    doubts = frozenset(b"d/" + name for name in names)
    assert scopes(ignore, *doubts) == [Scope(b"d/", recursive=False, doubts=doubts)]


def test_taking_hints_leaves_none() -> None:
    hints = Hints()
    hints.touch_path(b"a")
    hints.rules = True
    taken = hints.take()
    assert taken
    assert taken.rules
    assert not hints
    assert not hints.rules


def test_a_repository_that_begins_or_ends_is_looked_at_from_above(ignore: Ignore) -> None:
    assert scopes(ignore, b"d/e/.git") == [Scope(b"d/", recursive=False, inside=frozenset({b"d/e/"}))]


def test_covered_scopes_are_left_out_and_their_doubts_kept() -> None:
    found = [
        Scope(b"a/b/", recursive=False, doubts=frozenset({b"a/b/x"})),
        Scope(b"a/", recursive=True),
        Scope(b"ab/", recursive=False),
        Scope(b"c/", recursive=False, inside=frozenset({b"c/d/"})),
        Scope(b"c/d/e/", recursive=True, doubts=frozenset({b"c/d/e/y"})),
        Scope(b"c/f/", recursive=False),
    ]
    assert without_covered(found) == [
        Scope(b"a/", recursive=True, doubts=frozenset({b"a/b/x"})),
        Scope(b"ab/", recursive=False),
        Scope(b"c/", recursive=False, inside=frozenset({b"c/d/"}), doubts=frozenset({b"c/d/e/y"})),
        Scope(b"c/f/", recursive=False),
    ]
