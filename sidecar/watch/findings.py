"""What a comparison tells of itself: while it runs, and of what it leaves to be done."""

from dataclasses import dataclass, field

from sidecar import limits


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
        warnings: What the user should know, one sentence each.
    """

    racy: list[bytes] = field(default_factory=list)
    unstable: list[bytes] = field(default_factory=list)
    linked: list[bytes] = field(default_factory=list)
    seek_after: float | None = None
    warnings: list[str] = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Add a warning; past ``limits.watch_warnings_max`` the user has seen enough."""
        if sentence not in self.warnings and len(self.warnings) < limits.watch_warnings_max:
            self.warnings.append(sentence)
