"""Where events say that something may have changed, gathered until somebody looks, and the folders to compare for it.

An event is only a hint: what it says of the change is not believed, only where it points. Pure but for the questions
that ``scopes`` asks the disk.
"""

import os
import stat
from collections.abc import Iterable, Mapping

from sidecar import limits
from sidecar.repositories import keys
from sidecar.watch.ignore import IGNORE_FILES, Folder, Folders
from sidecar.watch.scopes import Scope

EVERYTHING = (Scope(b"", recursive=True),)
_OF_A_REPOSITORY = frozenset({b"HEAD", b"commondir", b"objects", b"refs"})  # what git looks for in a `.git`


class Hints:
    """What has been touched since the last look.

    Attributes:
        everything: Compare the whole tree: too much came at once, or nobody knows what was lost.
        rules: A file outside the tree that rules come from was touched.
        names: Other names of linked files are to be sought.
    """

    def __init__(self) -> None:
        self._names: dict[bytes, set[bytes]] = {}
        self._count = 0
        self.everything = False
        self.rules = False
        self.names = False

    def __bool__(self) -> bool:
        return self.everything or self.rules or self.names or bool(self._names)

    def touch(self, folder: bytes, name: bytes) -> None:
        """Note that something called ``name`` was touched in a folder (relative, a slash behind, or empty)."""
        if name == b".git" and not folder:
            self.rules = True  # the root may have become a repository, or may be none any more
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = set()
        self._count += name not in names
        names.add(name)
        if len(self._names) > limits.dirty_directories_max or self._count > limits.dirty_names_max:
            self.touch_everything()

    def touch_path(self, path: bytes) -> None:
        """Note that a file or folder was touched, by its path relative to the root."""
        folder, slash, name = path.rpartition(b"/")
        self.touch(folder + slash, name)

    def touch_everything(self) -> None:
        """Give up on single folders."""
        self.everything = True
        self._names.clear()
        self._count = 0

    def take(self) -> "Hints":
        """Return what is gathered and begin anew."""
        taken = Hints()
        taken._names, self._names = self._names, taken._names
        taken.everything, taken.rules = self.everything, self.rules
        self._count, self.everything, self.rules, self.names = 0, False, False, False
        return taken

    def scopes(self, folders: Folders) -> list[Scope]:
        """Return the folders to compare; folders that are inside another are left out."""
        if self.everything:
            return list(EVERYTHING)
        present = _from_above(self._names, folders)
        return without_covered(scope for folder, names in present.items() for scope in _scopes(folders, folder, names))


def _from_above(touched: Mapping[bytes, set[bytes]], folders: Folders) -> dict[bytes, set[bytes]]:
    """Name folders that are no longer there from the nearest one that is: a tree that was deleted is one question."""
    there: dict[bytes, bool] = {}
    present: dict[bytes, set[bytes]] = {}
    for folder, names in touched.items():
        missing = _first_missing(folders.ignore.root, folder, there)
        if missing is None or folders.find(folder) is None:
            present.setdefault(folder, set()).update(names)
        else:
            above, slash, name = missing[:-1].rpartition(b"/")
            present.setdefault(above + slash, set()).add(name)
    return present


def _first_missing(root: bytes, path: bytes, there: dict[bytes, bool]) -> bytes | None:
    """Return the first folder on the way down to ``path``, itself included, that is not there; None when all are.

    Args:
        there: What is known already; filled.
    """
    at = path.find(b"/") + 1
    while at:
        folder = path[:at]
        if folder not in there:
            there[folder] = _is_folder(os.path.join(root, folder[:-1]))
        if not there[folder]:
            return folder
        at = path.find(b"/", at) + 1
    return None


def _scopes(folders: Folders, path: bytes, names: set[bytes]) -> Iterable[Scope]:
    if b".git" in names:
        yield from _whole(path)
    elif path.endswith(b"/.git/") and names & _OF_A_REPOSITORY:
        yield from _whole(path.removesuffix(b".git/"))
    folder = folders.find(path)
    if folder is None:
        return
    if names & IGNORE_FILES:
        yield Scope(path, recursive=True, doubts=frozenset(path + name for name in names))
        return
    inside: set[bytes] = set()
    doubts: set[bytes] = set()
    for name in names:
        if _is_folder(os.path.join(folders.ignore.root, path, name)):
            if not folder.ignores(name, directory=True):
                inside.add(path + name + b"/")
        elif not _is_ignored(folder, name):
            doubts.add(path + name)
    if inside or doubts:
        touched = frozenset({*doubts, *(each[:-1] for each in inside)})
        yield Scope(
            path,
            recursive=False,
            inside=frozenset(inside),
            doubts=frozenset(doubts),
            only=touched if _can_be_named(touched) else None,
        )


def _whole(path: bytes) -> Iterable[Scope]:
    """Yield the scope of a folder below the root that may have become a repository of its own, or be none any more."""
    if path:
        above, slash, _ = path[:-1].rpartition(b"/")
        yield Scope(above + slash, recursive=False, inside=frozenset({path}))


def _can_be_named(paths: frozenset[bytes]) -> bool:
    """Tell whether these are few enough to look at one by one, and short enough to be found in the index by name."""
    return len(paths) <= limits.named_paths_max and all(keys.path_head(path + b"/") == path + b"/" for path in paths)


def _is_folder(where: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(where).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it can't be looked at: what is known below it stays, and the walk says why


def _is_ignored(folder: Folder, name: bytes) -> bool:
    # Gone, it may have been a file or a folder.
    return folder.ignores(name, directory=False) and folder.ignores(name, directory=True)


def without_covered(scopes: Iterable[Scope]) -> list[Scope]:
    """Return the scopes that no other one covers, with the doubts of those it does; by path.

    A scope's ``inside`` folders cover what is below them as well.
    """
    merged: dict[bytes, Scope] = {}
    for scope in sorted(scopes, key=lambda each: each.path):
        cover = _cover(merged, scope.path)
        if cover is None:
            merged[scope.path] = scope
        elif cover.path == scope.path or cover.recursive or _is_inside(cover, scope.path):
            merged[cover.path] = Scope(
                cover.path,
                recursive=cover.recursive or (scope.recursive and scope.path == cover.path),
                inside=cover.inside | (scope.inside if scope.path == cover.path else frozenset()),
                doubts=cover.doubts | scope.doubts,
                only=_only(cover, scope),
            )
    return list(merged.values())


def _only(cover: Scope, scope: Scope) -> frozenset[bytes] | None:
    if cover.path != scope.path or cover.only is None:
        return cover.only
    return None if scope.only is None else cover.only | scope.only


def _cover(merged: dict[bytes, Scope], path: bytes) -> Scope | None:
    """Return the scope that already looks at a folder: its own, or one above that goes all the way down."""
    if path in merged:
        return merged[path]
    above = path
    while above:
        head, slash, _ = above[:-1].rpartition(b"/")
        above = head + slash
        scope = merged.get(above)
        if scope is not None and (scope.recursive or _is_inside(scope, path)):
            return scope
    return None


def _is_inside(scope: Scope, path: bytes) -> bool:
    return bool(scope.inside) and path.startswith(tuple(scope.inside))
