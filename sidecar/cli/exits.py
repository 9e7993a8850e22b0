"""Exit codes: the one table from errors to what a script sees."""

from sidecar.errors import (
    CorruptStoreError,
    ForbiddenError,
    InvalidError,
    SidecarError,
    StoreFormatError,
    UnauthenticatedError,
)

DONE = 0
FAILED = 1
USAGE = 2
NOT_RUNNING = 3
REFUSED = 4
STORE_UNREADABLE = 5
INTERNAL = 70
INTERRUPTED = 130
PIPE_CLOSED = 141

MEANINGS = {
    DONE: "done",
    FAILED: "failed as told",
    USAGE: "wrong usage or setting",
    NOT_RUNNING: "no daemon runs",
    REFUSED: "refused",
    STORE_UNREADABLE: "the store is damaged or too new",
    INTERNAL: "a fault of Sidecar's",
    INTERRUPTED: "interrupted",
    PIPE_CLOSED: "the reader of a pipe went away",
}

# A code decides before a class; the first class that an error is an instance of; anything else that is expected is 1.
_BY_CODE = {"not_running": NOT_RUNNING, "internal": INTERNAL}
_BY_CLASS: tuple[tuple[type[SidecarError], int], ...] = (
    (InvalidError, USAGE),
    (UnauthenticatedError, REFUSED),
    (ForbiddenError, REFUSED),
    (CorruptStoreError, STORE_UNREADABLE),
    (StoreFormatError, STORE_UNREADABLE),
)


def code_of(error: SidecarError) -> int:
    """Return the exit code that stands for an error."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), FAILED)
