"""The decisions of a comparison: what to read, what is gone, what has moved. Pure; called by ``comparison.py``.

One algorithm for the first scan, a restart, events and repair: a merge of what is on disk with what the index holds,
both in ``keys.path_order``. It keeps one item of each side, and a bounded number of candidates for moves.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.repositories import keys
from sidecar.watch.scanner import Kept, Run, Seen

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
        origin: What the index has of the file of that id, which has moved.
    """

    entry: FileEntry
    origin: FileEntry | None = None


class IndexCursor(Protocol):
    """The index of a folder, one entry after the other in ``keys.path_order``.

    Attributes:
        path: Of the entry that it stands at; None at the end.
    """

    path: bytes | None

    def entry(self) -> FileEntry:
        """Return the entry."""

    def stamp(self) -> bytes:
        """Return the entry's ``file_entries.stamp``."""

    def step(self) -> None:
        """Go on to the next entry."""

    def step_over(self, run: Run) -> bool:
        """Go on behind a run of files, if just these come next, each with the stamp that it has in the index."""

    def skip(self, prefix: bytes) -> None:
        """Go on to the first entry whose path does not begin with ``prefix``."""


class Doubt(NamedTuple):
    """Which files have to be read although their stamp is the one in the index.

    Attributes:
        since_ns: Those with an mtime from then on; None for none.
        paths: These.
    """

    since_ns: int | None = None
    paths: frozenset[bytes] = frozenset()

    def concerns(self, run: Run, at: int) -> bool:
        """Tell whether one of a run of files is doubted."""
        if self.since_ns is not None and run.statuses[at].st_mtime_ns >= self.since_ns:
            return True
        return run.paths[at] in self.paths

    def concerns_any(self, run: Run) -> bool:
        """Tell whether any of them is."""
        if self.paths and not self.paths.isdisjoint(run.paths):
            return True
        since_ns = self.since_ns
        return since_ns is not None and any([status.st_mtime_ns >= since_ns for status in run.statuses])  # noqa: C419 - a list is quicker than a generator, and a restart asks for every file


def merge(disk: Iterable[Run | Kept], index: IndexCursor, doubt: Doubt) -> Iterator[Look | Gone]:
    """Yield the steps that make the index of a folder equal to the disk.

    Args:
        disk: In ``keys.path_order``.
        index: Of the same folder, at its beginning.
        doubt: What has to be read in any case.
    """
    kept: list[bytes] = []  # folders whose entries do not stand together in the index (see `_in_index_order`)
    for item in disk:
        if isinstance(item, Run):
            if index.path is None or doubt.concerns_any(item) or not index.step_over(item):
                yield from _differences(item, index, doubt, kept)
            continue
        yield from _gone_before(item.path[:_HEAD_BYTES], index, kept)
        if len(item.path) > _HEAD_BYTES:
            kept.append(item.path)
        else:
            index.skip(item.path)
    yield from _gone_before(None, index, kept)


def _differences(run: Run, index: IndexCursor, doubt: Doubt, kept: list[bytes]) -> Iterator[Look | Gone]:
    for at, path in enumerate(run.paths):
        if index.path is not None and index.path != path:
            yield from _gone_before(_order(path), index, kept)
        if index.path != path:
            yield Look(run.seen(at), None)
            continue
        if index.stamp() != run.stamps[at] or doubt.concerns(run, at):
            yield Look(run.seen(at), index.entry())
        index.step()


def _gone_before(order: bytes | None, index: IndexCursor, kept: list[bytes]) -> Iterator[Gone]:
    """Take the index's entries up to a place in the order, or all, that were not met on disk."""
    while (path := index.path) is not None and (order is None or _order(path) < order):
        if not any(path.startswith(folder) for folder in kept):
            entry = index.entry()
            if not entry.is_deleted:
                yield Gone(entry)
        index.step()


def _order(path: bytes) -> bytes:
    return path if len(path) <= _WHOLE_BYTES else keys.path_order(path)


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

    def come(self, entry: FileEntry, *, hold: bool) -> Sequence[Put | Gone]:
        """Take a file at a path that the index does not have.

        Args:
            hold: Whether its origin may still turn up as gone.
        """
        key = _key(entry)
        origin = self._origin(key) if key else None
        if origin is not None:
            return (Put(entry._replace(id=origin.id), origin),)
        if not hold or key is None or key in self._come:
            return (Put(entry),)
        self._come[key] = entry
        return (Put(self._come.pop(next(iter(self._come)))),) if len(self._come) > self._held_max else ()

    def gone(self, entry: FileEntry) -> Sequence[Put | Gone]:
        """Take a file that the index has and the disk has not."""
        key = _key(entry)
        come = self._come.pop(key, None) if key else None
        if come is not None:
            return (Put(come._replace(id=entry.id), entry),)
        if key is None or key in self._gone:
            return (Gone(entry),)
        self._gone[key] = entry
        return (self._let_go(next(iter(self._gone))),) if len(self._gone) > self._held_max else ()

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

    def _origin(self, key: _Key) -> FileEntry | None:
        origin = self._gone.pop(key, None)
        if origin is None and key in self._past:
            origin = self._past.pop(key)._replace(is_deleted=True)
        return origin

    def _let_go(self, key: _Key) -> Gone:
        entry = self._gone.pop(key)
        self._past[key] = entry
        if len(self._past) > self._held_max:
            del self._past[next(iter(self._past))]
        return Gone(entry)


def _key(entry: FileEntry) -> _Key | None:
    return (entry.inode, entry.checksum) if entry.inode and entry.checksum else None
