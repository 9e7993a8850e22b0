"""What a comparison tells of itself: while it runs, and of what it leaves to be done."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sidecar import limits
from sidecar.watch.scopes import Scope


@dataclass
class Tally:
    """How far a comparison is. Written by its thread, read by the event loop.

    Attributes:
        files_seen: Found on disk.
        files_hashed: Of those, read.
        files_indexed: Written to the store.
        bytes_hashed: Bytes read.
    """

    files_seen: int = 0
    files_hashed: int = 0
    files_indexed: int = 0
    bytes_hashed: int = 0


@dataclass
class Findings:
    """What a comparison leaves to be done.

    Attributes:
        racy: Files that have to be looked at again when they are older than ``limits.racy_window_ms``.
        unstable: Files that kept changing.
        linked: Other names of files that have changed.
        seek_after: Seconds until other names of linked files can be sought in the index; None when none have to be.
        scopes: Where it looked.
        warnings: What the user should know, one sentence each, with the path that it is of.
    """

    racy: list[bytes] = field(default_factory=list)
    unstable: list[bytes] = field(default_factory=list)
    linked: list[bytes] = field(default_factory=list)
    seek_after: float | None = None
    scopes: Sequence[Scope] = ()
    warnings: dict[str, bytes] = field(default_factory=dict)

    def warn(self, sentence: str, path: bytes = b"") -> None:
        """Add a warning; past ``limits.watch_warnings_max`` the user has seen enough."""
        if len(self.warnings) < limits.watch_warnings_max:
            self.warnings[sentence] = path

    def take_over(self, later: "Findings") -> None:
        """Replace the warnings of what a later comparison has looked at by its own."""
        before, self.warnings = self.warnings, {}
        for sentence, path in before.items():
            if not any(scope.covers(path) for scope in later.scopes):
                self.warn(sentence, path)
        for sentence, path in later.warnings.items():
            self.warn(sentence, path)
