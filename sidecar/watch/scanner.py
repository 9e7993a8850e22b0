"""What is on disk, in the order of the index, one run of files at a time.

Called by the comparison, in a worker thread. Knows the ignore rules; knows nothing of the index. Only the folder
that is being listed, and those above it, are in memory.
"""

import errno
import heapq
import os
import stat
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import chain
from typing import Final, NamedTuple

from sidecar import limits
from sidecar.models.files import FileKind, shown_path
from sidecar.repositories import keys
from sidecar.repositories.file_entries import stamps
from sidecar.watch.git import is_repository
from sidecar.watch.ignore import Folder

# The process's own, and no property of what is looked at: the comparison fails, and is tried again.
SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_HEAD_BYTES: Final = len(keys.path_head(bytes(limits.path_bytes_max)))
_ENCODING: Final = (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())  # `os.fsencode` asks each time
# Through the folder's descriptor: a stat need not look up the whole path again, which costs a quarter of a walk.
_BY_DESCRIPTOR: Final = os.scandir in os.supports_fd
_FOLDER_FLAGS: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_SHOWN_BYTES_MAX: Final = limits.path_bytes_max // 4  # a byte that is not UTF-8 is shown as four characters


class Seen(NamedTuple):
    """A file on disk, by its stat.

    Attributes:
        path: Relative to the root.
        kind: ``unreadable`` where the mode says that nobody may read it; opening it tells for sure.
        size: Bytes.
        links: How many names the file has.
        stamp: See ``file_entries.stamp``.
    """

    path: bytes
    kind: FileKind
    size: int
    links: int
    stamp: bytes


class Kept(NamedTuple):
    """A folder that this walk can't or need not look into: what the index holds below it stays.

    Attributes:
        path: Relative to the root, a slash behind.
    """

    path: bytes


class Run:
    """Files of one folder that stand one behind the other in ``keys.path_order``, by their stat.

    Attributes:
        paths: Relative to the root.
        statuses: Of the same files.
        kinds: The same.
        stamps: The same.
    """

    __slots__ = ("kinds", "paths", "stamps", "statuses")

    def __init__(self, paths: list[bytes], statuses: list[os.stat_result], kinds: list[FileKind]) -> None:
        self.paths = paths
        self.statuses = statuses
        self.kinds = kinds
        self.stamps = stamps(statuses, kinds)

    def __len__(self) -> int:
        return len(self.paths)

    def seen(self, at: int) -> Seen:
        """Return one of the files."""
        status = self.statuses[at]
        return Seen(self.paths[at], self.kinds[at], status.st_size, status.st_nlink, self.stamps[at])

    def one(self, at: int) -> "Run":
        """Return one of the files as a run of its own."""
        return Run([self.paths[at]], [self.statuses[at]], [self.kinds[at]])


class Walk:
    """One walk over a folder and what is below it.

    Args:
        root: Absolute.
        warn: Told what can't be looked at, in one sentence each, and its path.
        enter: Told each folder before it is listed (its path relative to the root, a slash behind), so that the caller
            can ask for its events first and nothing falls in between.
        descend: Asked for each folder below the first whether to go in; it is ``Kept`` otherwise.
        give_way: Called with each file; see ``turns``.
    """

    def __init__(
        self,
        root: bytes,
        *,
        warn: Callable[[str, bytes], object],
        enter: Callable[[bytes], None] = lambda _path: None,
        descend: Callable[[bytes], bool] = lambda _path: True,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._root = root
        self._warn = warn
        self._enter = enter
        self._descend = descend
        self._give_way = give_way

    def files(self, folder: Callable[[Collection[bytes]], Folder], path: bytes) -> Iterator[Run | Kept]:
        """Yield the files in and below a folder in ``keys.path_order``.

        Args:
            folder: Makes the folder's rules from the names in it.
            path: The folder's, relative to the root, a slash behind, or empty.
        """
        return _in_index_order(self._walk(folder, path))

    def one(self, folder: Folder, name: bytes) -> Iterator[Run | Kept]:
        """Yield the file of one name in a folder, or what is below the folder of that name, in ``keys.path_order``."""
        path = folder.path + name
        try:
            status = os.lstat(os.path.join(self._root, path))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            yield self._kept(folder.path, error)
            return
        directory = stat.S_ISDIR(status.st_mode)
        if folder.ignores(name, directory=directory):
            return
        if directory:
            yield from self.files(partial(folder.enter, name), path + b"/")
        else:
            yield from self._run([(path, status)])

    def _walk(self, make: Callable[[Collection[bytes]], Folder], path: bytes) -> Iterator[Run | Kept]:
        stack = [self._list(make, path)]
        while stack:
            if not stack[-1]:
                stack.pop()
                continue
            item = stack[-1].popleft()
            if not isinstance(item, _Below):
                yield item
            elif self._descend(item.path):
                stack.append(self._list(item.make, item.path))
            else:
                yield Kept(item.path)

    def _list(self, make: Callable[[Collection[bytes]], Folder], path: bytes) -> "deque[Run | Kept | _Below]":
        where = os.path.join(self._root, path)
        self._enter(path)
        try:
            with _listed(where[:-1] if path else where, follow=not path) as entries:
                if path and b".git" in entries and self._is_repository(path):
                    return deque()  # git does not descend into repositories of their own, and neither do we
                return self._sorted(make(entries.keys()), entries)
        except (FileNotFoundError, NotADirectoryError):
            return deque()  # it has gone since its parent was listed
        except OSError as error:
            if error.errno in SHORTAGES:
                raise
            if error.errno == errno.ELOOP and path:
                return deque()  # it is a link now; some systems say so
            self._warn(f"{shown_path(where)[0]} can't be listed ({error.strerror}); what was known of it stays.", path)
            return deque((Kept(path),))

    def _is_repository(self, path: bytes) -> bool:
        where = os.path.join(self._root, path)
        if is_repository(where):
            return True
        self._enter(path + b".git/")  # it may be about to become one, and its own events tell when
        return is_repository(where)

    def _sorted(self, folder: Folder, entries: "dict[bytes, os.DirEntry[str]]") -> "deque[Run | Kept | _Below]":
        path = folder.path
        found: deque[Run | Kept | _Below] = deque()
        together: list[tuple[bytes, os.stat_result]] = []
        for name in _names(folder, entries):
            is_folder = name[-1] == 0x2F  # a slash
            if is_folder or len(together) == limits.run_files_max:
                found += self._run(together)
                together = []
            if is_folder:
                found.append(_Below(path + name, partial(folder.enter, name[:-1])))
                continue
            self._give_way()
            try:
                together.append((path + name, entries.pop(name).stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue
            except OSError as error:
                return deque((self._kept(path, error),))
        found += self._run(together)
        return found

    def _run(self, files: Iterable[tuple[bytes, os.stat_result]]) -> Sequence[Run]:
        """Return those of the files that are recorded as one run, or nothing."""
        paths: list[bytes] = []
        statuses: list[os.stat_result] = []
        kinds: list[FileKind] = []
        for path, status in files:
            kind = kind_of(status.st_mode)
            if kind is not None and (len(path) <= _SHOWN_BYTES_MAX or self._can_be_shown(path)):
                paths.append(path)
                statuses.append(status)
                kinds.append(kind)
        return (Run(paths, statuses, kinds),) if paths else ()

    def _kept(self, path: bytes, error: OSError) -> Kept:
        where = shown_path(os.path.join(self._root, path))[0]
        self._warn(f"{where} can't be looked into ({error.strerror}); what was known of it stays.", path)
        return Kept(path)

    def _can_be_shown(self, path: bytes) -> bool:
        if len(shown_path(path)[0]) <= limits.path_bytes_max:
            return True
        self._warn(
            f"A path of {len(path)} bytes in {shown_path(self._root)[0]} is too long to be shown; it is left out.", path
        )
        return False


class _Below(NamedTuple):
    path: bytes
    make: Callable[[Collection[bytes]], Folder]


@contextmanager
def _listed(where: bytes, *, follow: bool) -> "Iterator[dict[bytes, os.DirEntry[str]]]":
    """List a folder; its entries can be asked for their stats inside the block. A link is listed only to ``follow``.

    Args:
        where: Without a slash behind, which would follow a link in any case.
    """
    flags = _FOLDER_FLAGS if follow else _FOLDER_FLAGS | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(where, flags) if _BY_DESCRIPTOR else None
    try:
        with os.scandir(os.fsdecode(where) if descriptor is None else descriptor) as listing:
            yield {entry.name.encode(*_ENCODING): entry for entry in listing}
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _names(folder: Folder, entries: "dict[bytes, os.DirEntry[str]]") -> list[bytes]:
    """Return the names that are not ignored, those of folders with a slash behind, sorted.

    So sorted, the paths below them are in order too, as in git's trees.
    """
    ignores, ignores_folder = folder.question(directory=False), folder.question(directory=True)
    names: list[bytes] = []
    for name, entry in entries.items():
        if entry.is_dir(follow_symlinks=False):
            if not ignores_folder(name):
                names.append(name + b"/")
        elif not ignores(name):
            names.append(name)
    return _in_order(names)


def _in_order(names: list[bytes]) -> list[bytes]:
    """Sort names; many of them in pieces, because nothing else can run while Python sorts."""
    at_once = limits.names_sorted_at_once_max
    if len(names) <= at_once:
        return sorted(names)
    return list(heapq.merge(*(sorted(names[at : at + at_once]) for at in range(0, len(names), at_once))))


@lru_cache(limits.file_modes_cached_max)
def kind_of(mode: int) -> FileKind | None:
    """Return what a file of this mode is recorded as; None for what is not recorded (FIFO, socket, device, folder)."""
    if stat.S_ISREG(mode):
        return "file" if mode & 0o444 else "unreadable"
    return "symlink" if stat.S_ISLNK(mode) else None


def _in_index_order(found: Iterable[Run | Kept]) -> Iterator[Run | Kept]:
    """Put files with long paths, whose keys hold only their beginning and a hash, in the order of these keys."""
    together: list[Run | Kept] = []
    head = b""
    for item in chain.from_iterable(map(_apart, found)):
        path = _path_of(item)
        if together and path[:_HEAD_BYTES] != head:
            yield from _sorted_by_key(together)
            together = []
        if len(path) < _HEAD_BYTES:
            yield item
        else:
            head = path[:_HEAD_BYTES]
            together.append(item)
    yield from _sorted_by_key(together)


def _apart(item: Run | Kept) -> Iterable[Run | Kept]:
    """Return a run as it is, or each of its files by itself when a path is long."""
    if isinstance(item, Kept) or max(map(len, item.paths)) < _HEAD_BYTES:
        return (item,)
    return [item.one(at) for at in range(len(item))]


def _path_of(item: Run | Kept) -> bytes:
    return item.path if isinstance(item, Kept) else item.paths[0]


def _sorted_by_key(items: list[Run | Kept]) -> list[Run | Kept]:
    return sorted(items, key=lambda item: (isinstance(item, Run), keys.path_order(_path_of(item))))
