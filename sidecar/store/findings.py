"""What an inspection of a store found; known to whoever asks for one."""

from typing import NamedTuple


class Findings(NamedTuple):
    """What a walk found.

    Args:
        rows: How many rows could be read.
        whole: Whether that is all of them.
        gap: The keys between which rows could not be read; None when whole.
        loose: The rows were found page by page, because the tree can not be followed: deleted and older ones may be
            among them.
    """

    rows: int
    whole: bool
    gap: tuple[bytes, bytes] | None
    loose: bool = False
