"""What a comparison looks at: named by ``hints.py``, compared by ``comparison.py``."""

from typing import NamedTuple


class Scope(NamedTuple):
    """A folder to compare.

    Attributes:
        path: Relative to the root, a slash behind, or empty.
        recursive: With everything below it; otherwise its own files, and the folders below that ``inside`` names.
        inside: Paths of folders in it (a slash behind) to compare with everything below them.
        doubts: Paths of files to read although their stat is unchanged.
        only: Paths in it to look at, with what is below them; None for all: then the folder is listed.
    """

    path: bytes
    recursive: bool
    inside: frozenset[bytes] = frozenset()
    doubts: frozenset[bytes] = frozenset()
    only: frozenset[bytes] | None = None

    def covers(self, path: bytes) -> bool:
        """Tell whether a file, or a folder (a slash behind, or empty), is looked at."""
        if path.startswith(tuple(self.inside)) or (self.recursive and path.startswith(self.path)):
            return True
        if self.only is None and self.path == path[: path.rfind(b"/") + 1]:
            return True
        named = self.doubts if self.only is None else self.only
        above = path.removesuffix(b"/")
        while above and above not in named:
            above = above.rpartition(b"/")[0]
        return bool(above)
