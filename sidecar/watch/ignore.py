"""What of a workspace is ignored: git's rules, then ``.sidecarignore``, asked one folder at a time.

``Ignore.load`` reads what lies outside the root; ``Folder`` reads the ignore files on the way down. Used by the scanner
for whole walks and by the watcher for the few folders that events name.

The reference is ``git ls-files -co --exclude-standard`` without force-added files. ``.sidecarignore`` has the same
syntax and is asked first, so it decides where both speak. A root that its own repository ignores was named on purpose:
it is watched, with the rules inside it alone. A repository inside is not entered, also where the outer one has tracked
files in it since before it was one. The folders that the daemon itself writes in are ignored whatever the rules say:
following them, each commit of the index would be the reason for the next.
"""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple

from sidecar import limits
from sidecar.models.files import shown_path
from sidecar.watch.git import Git, find_repository, heads_looked_for, is_file_over, is_repository, read_small
from sidecar.watch.ignore_rules import RuleSet, rule_set

GIT_IGNORE: Final = b".gitignore"
SIDECAR_IGNORE: Final = b".sidecarignore"
IGNORE_FILES: Final = frozenset({GIT_IGNORE, SIDECAR_IGNORE})
_ONLY_GIT: Final = frozenset({b".git"})
_EMPTY = rule_set(b"", fold=False)

Question = Callable[[bytes], bool | None]
Warn = Callable[[str], None]


class _Level(NamedTuple):
    """An ignore file's rules, and the folder in question relative to that file's (a slash behind, or empty)."""

    rules: RuleSet
    below: bytes

    def enter(self, name: bytes) -> "_Level":
        return _Level(self.rules, self.below + name + b"/")


class Levels(NamedTuple):
    """Rules by precedence, the deepest file first: our own, then git's."""

    sidecar: tuple[_Level, ...]
    git: tuple[_Level, ...]


class Signature(NamedTuple):
    """Enough of a file outside the root to see that it has changed; None for one that is absent."""

    path: bytes
    status: tuple[int, int, int] | None

    @classmethod
    def of(cls, path: bytes) -> "Signature":
        """Look at a file."""
        try:
            status = os.stat(path)
        except OSError:
            return cls(path, None)
        return cls(path, (status.st_ino, status.st_size, status.st_mtime_ns))

    def has_changed(self) -> bool:
        """Tell whether the file is no longer as it was."""
        return Signature.of(self.path) != self


class Ignore:
    """The rules that hold at a root.

    Attributes:
        root: Absolute.
        fold: ``core.ignorecase``.
        own: The daemon's own folders: their names, by the absolute path that they are in (a slash behind).
        is_own: The root itself is one, or is inside one.
        outside: The files beyond the walk that the rules came from, or would come from if they were there.
    """

    def __init__(self, root: bytes, *, fold: bool, warn: Warn) -> None:
        self.root = root
        self.fold = fold
        self.own: dict[bytes, set[bytes]] = {}
        self.is_own = False
        self.outside: list[Signature] = []
        self._warn = warn
        self._git_levels: tuple[_Level, ...] = ()
        self._sidecar_levels: tuple[_Level, ...] = ()

    @classmethod
    def load(cls, root: bytes, git: Git, *, warn: Warn, own: Iterable[bytes] = ()) -> "Ignore":
        """Read git's settings, its excludes, and the ignore files above the root inside its repository.

        Args:
            warn: Told what could not be read, in one sentence each.
            own: The daemon's own folders, absolute.
        """
        repository = find_repository(root)
        places = {*git.config_files(root, repository), *heads_looked_for(root, repository.top if repository else None)}
        outside = [Signature.of(path) for path in sorted(places)]  # before they are read
        settings = git.settings(root, repository)
        ignore = cls(root, fold=settings.fold, warn=warn)
        for folder in own:
            ignore._leave_out(folder)
        ignore.outside = outside
        globals_ = ignore._read_outside(settings.excludes_file)
        if repository is None:
            ignore._git_levels = (_Level(globals_, b""),)
            return ignore
        excludes = ignore._read_outside(os.path.join(repository.common, b"info", b"exclude"))
        ignore._git_levels = (_Level(excludes, b""), _Level(globals_, b""))
        below = os.path.relpath(root, repository.top)
        if below != b"." and not ignore._descend(repository.top, below.split(b"/")):
            ignore._git_levels, ignore._sidecar_levels = (_Level(globals_, b""),), ()
        return ignore

    def has_changed(self) -> bool:
        """Tell whether a file outside the root that the rules came from has changed."""
        return any(signature.has_changed() for signature in self.outside)

    def top(self, present: Collection[bytes]) -> "Folder":
        """Return the root as a folder; ``present`` are the names in it."""
        levels = self.read_levels(self.root, present, Levels(self._sidecar_levels, self._git_levels))
        return Folder(self, self.root, b"", levels)

    def _leave_out(self, folder: bytes) -> None:
        """Take in a folder of the daemon's own. A walk below the root meets no links, so its real path is the one."""
        root, path = os.path.realpath(self.root), os.path.realpath(folder)
        if os.path.join(root, b"").startswith(os.path.join(path, b"")):
            self.is_own = True
            self._warn(f"{shown_path(root)[0]} is in a folder of Sidecar's own; nothing in it is indexed.")
        elif path.startswith(os.path.join(root, b"")):
            above, name = os.path.split(os.path.join(self.root, os.path.relpath(path, root)))
            self.own.setdefault(os.path.join(above, b""), set()).add(name.lower() if self.fold else name)

    def _descend(self, top: bytes, names: list[bytes]) -> bool:
        """Take in the rules from the repository's top down to above the root; False when they ignore the root."""
        folder = Folder(self, top, b"", self.read_levels(top, IGNORE_FILES, Levels((), self._git_levels)))
        for depth, name in enumerate(names):
            self.outside += [Signature.of(os.path.join(top, folder.path + each)) for each in sorted(IGNORE_FILES)]
            if folder.ignores(name, directory=True):
                return False
            here = IGNORE_FILES if depth + 1 < len(names) else ()  # the root's own are read by the walk
            folder = folder.enter(name, here)
        self._sidecar_levels, self._git_levels = folder.levels
        return True

    def _read_outside(self, path: bytes | None) -> RuleSet:
        if path is None:
            return _EMPTY
        self.outside.append(Signature.of(path))
        return self._read(path, follow=True)

    def _read(self, path: bytes, *, follow: bool) -> RuleSet:
        try:
            content = read_small(path, bytes_max=limits.ignore_file_bytes_max, follow=follow)
            if content is None and is_file_over(path, limits.ignore_file_bytes_max, follow=follow):
                self._warn(
                    f"{shown_path(path)[0]} is larger than {limits.ignore_file_bytes_max} bytes; its rules do not hold."
                )
        except OSError as error:
            self._warn(f"{shown_path(path)[0]} can't be read ({error.strerror}); its rules do not hold.")
            content = None
        if not content:
            return _EMPTY
        rules = rule_set(content, fold=self.fold)
        if rules.is_cut:
            self._warn(
                f"{shown_path(path)[0]} has more than {limits.ignore_globs_bytes_max} bytes of patterns with *, ? or [ "
                "(those of the form *END not counted); such patterns behind them do not hold."
            )
        return rules

    def read_levels(self, where: bytes, present: Collection[bytes], above: Levels) -> Levels:
        """Return the rules that hold in the folder ``where``: those from above and its own ignore files."""
        git, sidecar = above.git, above.sidecar
        if GIT_IGNORE in present:
            git = (_Level(self._read(os.path.join(where, GIT_IGNORE), follow=False), b""), *git)
        if SIDECAR_IGNORE in present:
            sidecar = (_Level(self._read(os.path.join(where, SIDECAR_IGNORE), follow=False), b""), *sidecar)
        return Levels(sidecar, git)


class Folders:
    """Finds folders by their paths, for one look: the rules of each are read once, however many are asked for.

    Args:
        ignore: The rules at the root.
    """

    def __init__(self, ignore: Ignore) -> None:
        self.ignore = ignore
        self._found: dict[bytes, Folder | None] = {}

    def find(self, path: bytes) -> "Folder | None":
        """Return a folder by its path relative to the root (a slash behind, or empty); None when a walk skips it."""
        found = self._found
        if b"" not in found:
            found[b""] = self.ignore.top(IGNORE_FILES)
        folder = found[b""]
        at = 0
        while folder is not None and at < len(path):
            end = path.index(b"/", at)
            here = path[: end + 1]
            if here not in found:
                found[here] = self._enter(folder, path[at:end])
            folder = found[here]
            at = end + 1
        return folder

    def _enter(self, above: "Folder", name: bytes) -> "Folder | None":
        if above.ignores(name, directory=True):
            return None
        where = os.path.join(self.ignore.root, above.path + name)
        if os.path.islink(where) or is_repository(where):
            return None
        return above.enter(name, IGNORE_FILES)


class Folder:
    """One folder that is not ignored, and the rules that hold for the names in it.

    Attributes:
        path: Relative to the root, a slash behind; empty for the root.
        levels: Where its rules come from.
    """

    __slots__ = ("_base", "_directories", "_files", "_ignore", "levels", "path")

    def __init__(self, ignore: Ignore, base: bytes, path: bytes, levels: Levels) -> None:
        self._ignore = ignore
        self._base = base
        self.path = path
        self.levels = levels
        self._files: Callable[[bytes], bool] | None = None
        self._directories: Callable[[bytes], bool] | None = None

    def ignores(self, name: bytes, *, directory: bool) -> bool:
        """Tell whether a name in this folder is ignored."""
        return self.question(directory=directory)(name)

    def question(self, *, directory: bool) -> Callable[[bytes], bool]:
        """Return the function that tells it of a file's name, or of a folder's."""
        question = self._directories if directory else self._files
        if question is None:
            question = self._prepare(directory=directory)
            if directory:
                self._directories = question
            else:
                self._files = question
        return question

    def enter(self, name: bytes, present: Collection[bytes]) -> "Folder":
        """Return the folder ``name`` in this one; ``present`` are the names in it."""
        above = Levels(
            tuple(level.enter(name) for level in self.levels.sidecar),
            tuple(level.enter(name) for level in self.levels.git),
        )
        path = self.path + name + b"/"
        levels = self._ignore.read_levels(os.path.join(self._base, path), present, above)
        return Folder(self._ignore, self._base, path, levels)

    def _prepare(self, *, directory: bool) -> Callable[[bytes], bool]:
        asks = [
            level.rules.at(level.below, directories=directory)
            for level in (*self.levels.sidecar, *self.levels.git)
            if level.rules
        ]
        if self._ignore.is_own:
            return lambda _name: True
        own = self._ignore.own.get(os.path.join(self._base, self.path)) if directory and self._ignore.own else None
        never = _ONLY_GIT | own if own else _ONLY_GIT
        if not asks and not self._ignore.fold:
            return never.__contains__
        return partial(_is_ignored, asks, self._ignore.fold, never)


def _is_ignored(asks: Sequence[Question], fold: bool, never: frozenset[bytes], name: bytes) -> bool:
    if fold:
        name = name.lower()
    if name in never:
        return True
    for ask in asks:
        answer = ask(name)
        if answer is not None:
            return answer
    return False
