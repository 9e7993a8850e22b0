"""Where LMDB keeps its table of readers: in memory, so that no disk can take it from under a running process.

LMDB maps its ``lock.mdb`` and writes to it with every snapshot. Where that page can no longer be written (the disk is
full, or became read-only), the system ends the process with SIGBUS. A store is one process's own, so nobody else need
find the table: on Linux it is a file without a name, which ends with the process.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = "lock.mdb"
_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def in_memory(folder: Path) -> Iterator[None]:
    """Let an LMDB environment that is opened inside the block keep its table in memory, where the system can do that.

    Called with the store's own lock held.
    """
    if sys.platform != "linux" or not _DESCRIPTORS.is_dir():
        yield
        return
    link = folder / _NAME
    descriptor = os.memfd_create(_NAME, os.MFD_CLOEXEC)
    try:
        with suppress(OSError):  # where there are no links, LMDB makes a file
            link.unlink(missing_ok=True)
            link.symlink_to(_DESCRIPTORS / str(descriptor))
        yield
    finally:
        os.close(descriptor)  # LMDB has its own
        with suppress(OSError):
            if link.is_symlink():
                link.unlink()
