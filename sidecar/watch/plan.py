"""The decisions of a comparison: what to read, what is gone, what has moved. Pure; called by ``comparison.py``.

One algorithm for the first scan, a restart, events and repair: a merge of what is on disk with what the index holds,
both in ``keys.path_order``. It keeps one item of each side, and a bounded number of candidates for moves.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.repositories import keys
from sidecar.watch.scanner import Kept, Seen

_HEAD_BYTES = len(keys.path_head(bytes(limits.path_bytes_max)))
_WHOLE_BYTES = limits.key_file_path_bytes_max


class Look(NamedTuple):
    """The file has to be read: it is not in the index (None), is deleted there, or is no longer what it says."""

    seen: Seen
    entry: FileEntry | None


class Gone(NamedTuple):
    """The index holds a file that is no longer on disk."""

    entry: FileEntry


class Put(NamedTuple):
    """What to write of a file.

    Attributes:
        entry: With an empty id, a new file.
        origin: Where the file of that id has moved from.
    """

    entry: FileEntry
    origin: FileEntry | None = None


class IndexCursor(Protocol):
    """The index of a folder, one entry after the other in ``keys.path_order``."""

    def next(self) -> FileEntry | None:
        """Return the next entry, or None at the end."""

    def skip(self, prefix: bytes) -> FileEntry | None:
        """Return the next entry whose path does not begin with ``prefix``, or None at the end."""


Doubt = Callable[[Seen], bool]


def merge(disk: Iterable[Seen | Kept], index: IndexCursor, doubt: Doubt) -> Iterator[Look | Gone]:
    """Yield the steps that make the index of a folder equal to the disk.

    Args:
        disk: In ``keys.path_order``.
        index: Of the same folder.
        doubt: Whether a file has to be read although its stat is the one in the index.
    """
    entry = index.next()
    kept: list[bytes] = []  # folders whose entries do not stand together in the index (see `_in_index_order`)
    for item in disk:
        order = item.path[:_HEAD_BYTES] if isinstance(item, Kept) else _order(item.path)
        while entry is not None and _order(entry.path) < order:
            yield from _gone(entry, kept)
            entry = index.next()
        if isinstance(item, Kept):
            if len(item.path) > _HEAD_BYTES:
                kept.append(item.path)
            elif entry is not None and entry.path.startswith(item.path):
                entry = index.skip(item.path)
        elif entry is None or entry.path != item.path:
            yield Look(item, None)
        else:
            if not is_same(item, entry) or doubt(item):
                yield Look(item, entry)
            entry = index.next()
    while entry is not None:
        yield from _gone(entry, kept)
        entry = index.next()


def is_same(seen: Seen, entry: FileEntry) -> bool:
    """Tell whether a file's stat is the one that the index has of it."""
    return (
        seen.mtime_ns == entry.mtime_ns
        and seen.ctime_ns == entry.ctime_ns
        and seen.size == entry.size
        and seen.inode == entry.inode
        and seen.kind == entry.kind
        and not entry.is_deleted
    )


def _order(path: bytes) -> bytes:
    return path if len(path) <= _WHOLE_BYTES else keys.path_order(path)


def _gone(entry: FileEntry, kept: list[bytes]) -> Iterator[Gone]:
    if not entry.is_deleted and not any(entry.path.startswith(path) for path in kept):
        yield Gone(entry)


_Key = tuple[int, bytes]


class Moves:
    """Pairs files that have gone with files that have come: same inode, same content, so the same file at another path.

    Within one comparison either may come first, so both are held back, at most ``held_max`` of each; the oldest is let
    go as a plain deletion or creation when there are more. What has gone in an earlier comparison is remembered too.
    """

    def __init__(self, *, held_max: int = limits.moves_held_max) -> None:
        self._held_max = held_max
        self._come: dict[_Key, FileEntry] = {}
        self._gone: dict[_Key, FileEntry] = {}
        self._past: dict[_Key, FileEntry] = {}

    def come(self, entry: FileEntry, *, hold: bool) -> Iterator[Put | Gone]:
        """Take a file at a path that the index does not have.

        Args:
            hold: Whether its origin may still turn up as gone.
        """
        key = _key(entry)
        origin = (self._gone.pop(key, None) or self._past.pop(key, None)) if key else None
        if origin is not None:
            yield Put(entry._replace(id=origin.id), origin)
        elif not hold or key is None or key in self._come:
            yield Put(entry)
        else:
            self._come[key] = entry
            if len(self._come) > self._held_max:
                yield Put(self._come.pop(next(iter(self._come))))

    def gone(self, entry: FileEntry) -> Iterator[Put | Gone]:
        """Take a file that the index has and the disk has not."""
        key = _key(entry)
        come = self._come.pop(key, None) if key else None
        if come is not None:
            yield Put(come._replace(id=entry.id), entry)
        elif key is None or key in self._gone:
            yield Gone(entry)
        else:
            self._gone[key] = entry
            if len(self._gone) > self._held_max:
                yield self._let_go(next(iter(self._gone)))

    def finish(self) -> Iterator[Put | Gone]:
        """Let go of everything that is held: nothing more comes in this comparison."""
        for key in list(self._gone):
            yield self._let_go(key)
        come, self._come = self._come, {}
        for entry in come.values():
            yield Put(entry)

    def forget(self) -> None:
        """Drop what is held without a word: the comparison was given up, the next one will find it again."""
        self._come.clear()
        self._gone.clear()

    def _let_go(self, key: _Key) -> Gone:
        entry = self._gone.pop(key)
        self._past[key] = entry
        if len(self._past) > self._held_max:
            del self._past[next(iter(self._past))]
        return Gone(entry)


def _key(entry: FileEntry) -> _Key | None:
    return (entry.inode, entry.checksum) if entry.inode and entry.checksum else None


class Links:
    """The names of files that have several: an event tells of the name that was written through, not of the others.

    Bounded: past it the others are found by the next full comparison.
    """

    def __init__(self, *, names_max: int = limits.linked_names_max) -> None:
        self._names_max = names_max
        self._count = 0
        self._names: dict[int, set[bytes]] = {}

    def note(self, inode: int, path: bytes) -> None:
        """Remember one name of a file."""
        if self._count < self._names_max:
            names = self._names.setdefault(inode, set())
            self._count += path not in names
            names.add(path)

    def others(self, inode: int, path: bytes) -> list[bytes]:
        """Return the other names of a file, as far as they are known; some may be of the past."""
        return [name for name in self._names.get(inode, ()) if name != path]

    def clear(self) -> None:
        """Begin anew, before a walk that sees every name."""
        self._names.clear()
        self._count = 0
