"""What is on disk, in the order of the index, one file at a time.

Called by the comparison, in a worker thread. Knows the ignore rules; knows nothing of the index. Only the folder
that is being listed, and those above it, are in memory.
"""

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from sidecar import limits
from sidecar.models.files import FileKind, shown_path
from sidecar.repositories import keys
from sidecar.watch.git import is_repository
from sidecar.watch.ignore import Folder

# The process's own, and no property of what is looked at: the comparison fails, and is tried again.
SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_HEAD_BYTES: Final = len(keys.path_head(bytes(limits.path_bytes_max)))


class Seen(NamedTuple):
    """A file on disk, by its stat.

    Attributes:
        path: Relative to the root.
        kind: ``unreadable`` where the mode says that nobody may read it; opening it tells for sure.
        links: How many names the file has.
    """

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    kind: FileKind
    links: int = 1


class Kept(NamedTuple):
    """A folder that this walk can't or need not look into: what the index holds below it stays.

    Attributes:
        path: Relative to the root, a slash behind.
    """

    path: bytes


class Walk:
    """One walk over a folder and what is below it.

    Args:
        root: Absolute.
        warn: Told what can't be looked at, in one sentence each.
        enter: Told each folder before it is listed (its path relative to the root, a slash behind), so that the caller
            can ask for its events first and nothing falls in between.
        descend: Asked for each folder below the first whether to go in; it is ``Kept`` otherwise.
    """

    def __init__(
        self,
        root: bytes,
        *,
        warn: Callable[[str], None],
        enter: Callable[[bytes], None] = lambda _path: None,
        descend: Callable[[bytes], bool] = lambda _path: True,
    ) -> None:
        self._root = root
        self._warn = warn
        self._enter = enter
        self._descend = descend

    def files(self, folder: Callable[[Collection[bytes]], Folder], path: bytes) -> Iterator[Seen | Kept]:
        """Yield the files in and below a folder in ``keys.path_order``.

        Args:
            folder: Makes the folder's rules from the names in it.
            path: The folder's, relative to the root, a slash behind, or empty.
        """
        return _in_index_order(self._walk(folder, path))

    def one(self, folder: Folder, name: bytes) -> Iterator[Seen | Kept]:
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
            yield from self._seen(path, status)

    def _walk(self, make: Callable[[Collection[bytes]], Folder], path: bytes) -> Iterator[Seen | Kept]:
        stack = [self._list(make, path)]
        while stack:
            for item in stack[-1]:
                if isinstance(item, _Below):
                    if self._descend(item.path):
                        stack.append(self._list(item.make, item.path))
                        break
                    yield Kept(item.path)
                else:
                    yield item
            else:
                stack.pop()

    def _list(self, make: Callable[[Collection[bytes]], Folder], path: bytes) -> "Iterator[Seen | Kept | _Below]":
        where = os.path.join(self._root, path)
        self._enter(path)
        try:
            with os.scandir(where) as listing:
                entries = {entry.name: entry for entry in listing}
        except (FileNotFoundError, NotADirectoryError):
            return  # it has gone since its parent was listed
        except OSError as error:
            if error.errno in SHORTAGES:
                raise
            self._warn(f"{shown_path(where)[0]} can't be listed ({error.strerror}); what was known of it stays.")
            yield Kept(path)
            return
        if path and b".git" in entries and is_repository(where):
            return  # git does not descend into repositories of their own, and neither do we
        yield from self._sorted(make(entries.keys()), entries)

    def _sorted(self, folder: Folder, entries: "dict[bytes, os.DirEntry[bytes]]") -> "Iterator[Seen | Kept | _Below]":
        path = folder.path
        # The order of whole paths is the order of names in which a folder's name ends with a slash, as in git's trees.
        names: list[bytes] = []
        for name, entry in entries.items():
            directory = entry.is_dir(follow_symlinks=False)
            if not folder.ignores(name, directory=directory):
                names.append(name + b"/" if directory else name)
        names.sort()
        for name in names:
            if name[-1] == 0x2F:  # a slash
                plain = name[:-1]
                yield _Below(path + name, partial(folder.enter, plain))
                continue
            try:
                status = entries[name].stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as error:
                yield self._kept(path, error)
                return
            yield from self._seen(path + name, status)

    def _kept(self, path: bytes, error: OSError) -> Kept:
        where = shown_path(os.path.join(self._root, path))[0]
        self._warn(f"{where} can't be looked into ({error.strerror}); what was known of it stays.")
        return Kept(path)

    def _seen(self, path: bytes, status: os.stat_result) -> Iterator[Seen]:
        kind = kind_of(status.st_mode)
        if kind is not None and self._can_be_named(path):
            yield Seen(
                path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, kind, status.st_nlink
            )

    def _can_be_named(self, path: bytes) -> bool:
        if len(path) * 4 <= limits.path_bytes_max or len(shown_path(path)[0]) <= limits.path_bytes_max:
            return True
        self._warn(
            f"A path of {len(path)} bytes in {shown_path(self._root)[0]} is too long to be shown; it is left out."
        )
        return False


class _Below(NamedTuple):
    path: bytes
    make: Callable[[Collection[bytes]], Folder]


def kind_of(mode: int) -> FileKind | None:
    """Return what a file of this mode is recorded as; None for what is not recorded (FIFO, socket, device, folder)."""
    if stat.S_ISREG(mode):
        return "file" if mode & 0o444 else "unreadable"
    return "symlink" if stat.S_ISLNK(mode) else None


def _in_index_order(found: Iterable[Seen | Kept]) -> Iterator[Seen | Kept]:
    """Put runs of long paths, whose keys hold only their beginning and a hash, in the order of these keys."""
    run: list[Seen | Kept] = []
    head = b""
    for item in found:
        if run and item.path[:_HEAD_BYTES] != head:
            yield from _sorted_run(run)
            run = []
        if len(item.path) < _HEAD_BYTES:
            yield item
        else:
            head = item.path[:_HEAD_BYTES]
            run.append(item)
    yield from _sorted_run(run)


def _sorted_run(run: list[Seen | Kept]) -> list[Seen | Kept]:
    return sorted(run, key=lambda item: (isinstance(item, Seen), keys.path_order(item.path)))
