"""The names of files that have several: an event tells of the name that was written through, not of the others.

Used by ``comparison.py``. A walk sees how many names a file has, not which; those of a file that had one when it was
walked are found in the index, by its inode. That is one look at all stamps (a second for a million), however many files
are asked for, and at most a small part of the time: package managers link thousands of files to names outside the tree.
"""

from collections.abc import Iterable

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.repositories.file_entries import Entries, inode_bytes


class Links:
    """What is known of such files, and whose names have to be sought.

    Bounded: what is past it is sought again when it changes, or found by the next full comparison.
    """

    def __init__(self, *, names_max: int = limits.linked_names_max) -> None:
        self._names_max = names_max
        self._count = 0
        self._names: dict[int, set[bytes]] = {}
        self._found: set[int] = set()  # of these the index was asked: whatever they have in the tree is known
        self._sought: dict[bytes, bytes] = {}  # by the inode, as the index spells it: the checksum
        self._seek_at = 0.0

    def note(self, inode: int, path: bytes) -> None:
        """Remember one name of a file that has several."""
        if self._count < self._names_max:
            names = self._names.setdefault(inode, set())
            self._count += path not in names
            names.add(path)

    def drop(self, inode: int, path: bytes) -> None:
        """Forget a name that has gone."""
        names = self._names.get(inode)
        if names and path in names:
            names.remove(path)
            self._count -= 1

    def note_single(self, inode: int) -> None:
        """Forget a file: what has its inode now has one name."""
        if inode in self._names:
            self._count -= len(self._names.pop(inode))
            self._found.discard(inode)

    def others(self, inode: int, path: bytes) -> list[bytes]:
        """Return the other names of a file, as far as they are known; some may be of the past."""
        return [name for name in self._names.get(inode, ()) if name != path]

    def clear(self) -> None:
        """Begin anew, before a walk that sees every name."""
        self._names.clear()
        self._found.clear()
        self._sought.clear()
        self._count = 0

    def seek(self, entry: FileEntry, links: int, *, is_new: bool) -> None:
        """Have the other names of a file sought, unless they are known.

        Args:
            entry: One of its names, as it is.
            links: How many it has.
            is_new: Whether that name has just come; what was written through it before it was known may be in any of
                the others.
        """
        known = entry.inode in self._found or len(self._names.get(entry.inode, ())) >= links
        if entry.inode and (is_new or not known) and len(self._sought) < self._names_max:
            self._sought[inode_bytes(entry.inode)] = entry.checksum

    def is_due(self, now: float) -> bool:
        """Tell whether names are sought, and the index may be asked for them at this time."""
        return bool(self._sought) and now >= self._seek_at

    def seconds_left(self, now: float) -> float | None:
        """Return after what time the index may be asked; None when nothing is sought."""
        return max(0.0, self._seek_at - now) if self._sought else None

    def find(self, index: Iterable[Entries]) -> list[bytes]:
        """Look through the whole index, and return the names of what is sought that it holds with another content."""
        sought, self._sought = self._sought, {}
        stale: list[bytes] = []
        for entries in index:
            for at in entries.of_inodes(sought):
                entry = entries.entry(at)
                if not entry.is_deleted:
                    self.note(entry.inode, entry.path)
                    if entry.checksum != sought[inode_bytes(entry.inode)]:
                        stale.append(entry.path)
        self._found.update(inode for inode in map(int.from_bytes, sought) if inode in self._names)
        return stale

    def rest(self, now: float, seconds: float) -> None:
        """Let the next look through the index wait, the longer the more the last one took."""
        self._seek_at = now + max(limits.links_sought_seconds, limits.links_sought_pauses * seconds)
