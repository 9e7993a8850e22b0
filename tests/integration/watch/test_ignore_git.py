"""Ours against git itself: the same files for trees and ignore files that hypothesis makes up."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sidecar.watch.git import Git
from sidecar.watch.ignore import Ignore
from sidecar.watch.scanner import Run, Walk
from tests.examples import examples
from tests.integration.watch.conftest import unwarned

NO_HOME = Path("/nonexistent")


def git(root: Path, *arguments: str, home: Path = NO_HOME) -> bytes:
    environment = {"PATH": os.defpath, "HOME": str(home)}
    return subprocess.run(["git", "-C", root, *arguments], env=environment, capture_output=True, check=True).stdout


def ours(root: Path, home: Path = NO_HOME, *, command: str | None = "git") -> set[bytes]:
    ignore = Ignore.load(os.fsencode(root), Git(home, command=command), warn=pytest.fail)
    found = list(Walk(os.fsencode(root), warn=unwarned).files(ignore.top, b""))
    return {path for item in found if isinstance(item, Run) for path in item.paths}


def gits(root: Path, home: Path = NO_HOME) -> set[bytes]:
    """What git lists, without submodules and nested repositories (folders), missing and force-added ignored files."""
    listed = set(git(root, "ls-files", "-zco", "--exclude-standard", home=home).split(b"\0"))
    forced = set(git(root, "ls-files", "-zci", "--exclude-standard", home=home).split(b"\0"))
    top = os.fsencode(root)
    return {path for path in listed - forced if path and is_file(os.path.join(top, path))}  # noqa: PTH118 - bytes


def is_file(path: bytes) -> bool:
    return os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path))  # noqa: PTH112, PTH114 - bytes


def write(root: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "root"
    top.mkdir()
    git(top, "init", "-q")
    return top


NAMES = ["a", "b", "ab", "a.o", "b.o", "A", "foo", "foobar", "[x]", "a b", "b ", "#c", "!d", "-", "x\\y", "é", "z\t"]
ATOMS = ["a", "b", "A", "foo", ".o", "bar", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[^b]", "[a-c]", "[]x]", "[[x]"]
ATOMS += [
    "[[:alpha:]]",
    "[[:upper:]]",
    "[[:nope:]]",
    "[a",
    "[]",
    "[!]a]",
    "[\\]x]",
    "[a\\-c]",
    "[A-Z]",
    "[--0]",
    "[!/]",
]
ATOMS += ["\\*", "\\a", "\\A", "\\#", "\\!", "\\", "\\ ", " ", "#", "!", "é", "\\\\", "-", "x\\y", "\t", "\r", "[a/]"]
patterns = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "", "!", "/", "!/"]),
    st.lists(st.sampled_from(ATOMS), max_size=5).map("".join),
    st.sampled_from(["", "", "", "/", " ", "  ", "\\ ", "\r"]),
)
ignore_files = st.lists(patterns, max_size=6).map("\n".join)
folders = st.lists(st.sampled_from(NAMES), max_size=3).map("/".join)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    tree=st.sets(paths, min_size=1, max_size=25),
    ignores=st.dictionaries(folders, ignore_files, min_size=1, max_size=3),
    exclude=ignore_files,
    excludes_file=ignore_files,
    fold=st.booleans(),
)
@example(tree={"foobar", "foo/bar"}, ignores={"": "foo**/bar"}, exclude="", excludes_file="", fold=False)
@example(tree={"a/b", "a/a"}, ignores={"": "a/**\n!a/b"}, exclude="", excludes_file="", fold=False)
@example(tree={"a/b", "a/a"}, ignores={"": "a\n!a/b"}, exclude="", excludes_file="", fold=False)
@example(tree={"a", "b"}, ignores={"": "/*\n"}, exclude="!b", excludes_file="a", fold=False)
def test_the_indexed_set_is_gits_for_any_patterns_and_trees(
    tree: set[str], ignores: dict[str, str], exclude: str, excludes_file: str, fold: bool
) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "root"
        root.mkdir()
        shutil.copytree(template(), root, dirs_exist_ok=True)
        for path in sorted(tree):
            put(root / path, b"")
        for folder, content in ignores.items():
            put(root / folder / ".gitignore", content.encode())
        (root / ".git/info/exclude").write_bytes(exclude.encode())
        write(Path(made), {"excludes": excludes_file.encode()})
        config = f"[core]\n\trepositoryformatversion = 0\n\tignorecase = {fold}\n\texcludesFile = {made}/excludes\n"
        (root / ".git/config").write_text(config)
        assert ours(root) == gits(root)


STAR_ATOMS = ["a", "b", "ab", "*", "*", "**", "**/", "/**/", "/**", "\\/", "/", "?", "[!a]"]
star_patterns = st.lists(st.sampled_from(STAR_ATOMS), min_size=2, max_size=10).map("".join)
star_paths = st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=5).map("/".join)


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(tree=st.sets(star_paths, min_size=10, max_size=25), ignores=st.lists(star_patterns, min_size=10, max_size=20))
def test_patterns_of_many_stars_match_what_git_matches(tree: set[str], ignores: list[str]) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "root"
        root.mkdir()
        shutil.copytree(template(), root, dirs_exist_ok=True)
        for number, pattern in enumerate(ignores):
            for path in sorted(tree):
                put(root / str(number) / path, b"")
            put(root / str(number) / ".gitignore", pattern.encode())
        assert ours(root) == gits(root)


@pytest.mark.parametrize("pattern", ["*a" * 10 + "*b", "/" + "*a" * 10 + "*b", "**/a/" * 10 + "b", "[a]*" * 20 + "b"])
def test_a_pattern_of_many_stars_takes_no_power_of_its_length(root: Path, pattern: str) -> None:
    """Looking back across its stars it would not end in this world's time; of the third one git itself does not."""
    files = {".gitignore": pattern.encode(), "a" * 200: b"", "a/" * 60 + "c": b""}
    write(root, files)
    assert ours(root) == {name.encode() for name in files}


def test_thousands_of_lines_match_what_git_matches(root: Path) -> None:
    lines = [b"name%d\n/d/n%d\n*.e%d\nd/x%d*y\n" % (number, number, number, number % 900) for number in range(2_000)]
    write(root, {".gitignore": b"".join(lines)})
    for name in ("name7", "name7777", "n7", "x.e1999", "x.e2000", "x899_y", "x900_y"):
        write(root, {name: b"", f"d/{name}": b""})
    assert ours(root) == gits(root)


def put(path: Path, content: bytes) -> None:
    """Write a file where no file or folder of another path is in its way."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return


_TEMPLATES: list[Path] = []


def template() -> Path:
    return _TEMPLATES[0]


@pytest.fixture(autouse=True, scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    made = tmp_path_factory.mktemp("template")
    git(made, "init", "-q", "--template=")
    (made / ".git/info").mkdir()
    _TEMPLATES.append(made)
    yield
    _TEMPLATES.clear()


def test_a_workspace_inside_a_repository_takes_the_rules_above_it(root: Path) -> None:
    write(root, {".gitignore": b"/sub/x\n*.log\n", "sub/x": b"", "sub/y": b"", "sub/z.log": b"", "sub/in/x": b""})
    assert ours(root / "sub") == {b"y", b"in/x"}


def test_relative_global_excludes_count_from_the_top_of_the_repository(root: Path) -> None:
    git(root, "config", "core.excludesFile", "excludes")
    write(root, {"excludes": b"*.log\n", "sub/a.log": b"", "sub/a": b"", "sub/excludes": b"a\n"})
    assert ours(root / "sub") == gits(root / "sub") == {b"a", b"excludes"}


def test_a_root_that_its_repository_ignores_is_watched_by_its_own_rules(root: Path) -> None:
    write(root, {".gitignore": b"build\n", "build/a": b"", "build/b.log": b"", "build/.gitignore": b"*.log\n"})
    assert ours(root / "build") == {b"a", b".gitignore"}


def test_a_folder_that_is_no_repository_keeps_the_same_rules(tmp_path: Path) -> None:
    write(tmp_path, {"a/.gitignore": b"*\n!k*\n", "a/kept": b"", "a/x": b"", "b/x": b""})
    assert ours(tmp_path) == {b"a/kept", b"b/x"}


def test_the_global_excludes_are_found_by_default_and_by_name(root: Path, tmp_path: Path) -> None:
    write(tmp_path, {"home/.config/git/ignore": b"*.tmp\n", "home/mine": b"*.bak\n"})
    write(root, {"a.tmp": b"", "b.bak": b""})
    home = tmp_path / "home"
    assert ours(root, home) == gits(root, home) == {b"b.bak"}
    git(root, "config", "core.excludesFile", "~/mine")
    assert ours(root, home) == gits(root, home) == {b"a.tmp"}
    assert ours(root, home, command=None) == {b"b.bak"}  # without git: its default


def test_nested_repositories_submodules_and_worktrees_are_left_alone(root: Path) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    write(root, {"a": b"", "nested/b": b"", "broken/.git/x": b"", "broken/c": b""})
    git(root / "nested", "init", "-q")
    git(root, "add", "a")
    git(root, *identity, "commit", "-qm", "a")
    git(root, "worktree", "add", "-q", str(root / "tree"))
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(root), "module")
    write(root, {"tree/d": b"", "module/e": b""})
    assert ours(root) == gits(root) == {b"a", b"broken/c", b".gitmodules"}
    (root / ".git/info/exclude").write_text("d\n")
    assert ours(root / "tree") == gits(root / "tree") == {b"a"}  # a worktree shares info/exclude


def test_an_ignore_file_that_is_a_link_or_no_file_is_no_ignore_file(root: Path) -> None:
    write(root, {"rules": b"*\n", "b/.gitignore/x": b""})
    (root / ".gitignore").symlink_to("rules")
    expected = {b"rules", b".gitignore", b"b/.gitignore/x"}
    assert ours(root) == gits(root) == expected
    (root / "c").mkdir()
    os.mkfifo(root / "c/.gitignore")  # git itself would wait for a writer
    assert ours(root) == expected


def test_sidecarignore_is_asked_before_gits_rules(root: Path) -> None:
    write(root, {".gitignore": b"*.gen\n", ".sidecarignore": b"!keep.gen\nsecret\n", "a.gen": b"", "keep.gen": b""})
    write(root, {"secret": b"", "in/secret": b"", "in/.sidecarignore": b"!secret\n"})
    assert ours(root) == {b".gitignore", b".sidecarignore", b"keep.gen", b"in/secret", b"in/.sidecarignore"}


def test_names_that_are_no_utf8_match_by_their_bytes(root: Path) -> None:
    top = os.fsencode(root)
    for name in (b"\xff.o", b"\xfe", b"\xe9t\xe9"):
        with open(os.path.join(top, name), "wb"):  # noqa: PTH118, PTH123 - bytes
            pass
    (root / ".gitignore").write_bytes(b"[\xfe-\xff]\n*.o\n")
    assert ours(root) == gits(root) == {b".gitignore", b"\xe9t\xe9"}


def test_this_checkout_is_listed_as_git_lists_it() -> None:
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        pytest.skip("this is no git checkout")
    assert ours(root) == gits(root)
