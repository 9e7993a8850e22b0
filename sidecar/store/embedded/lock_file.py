"""The lock that makes a store one process's own. It names its holder, and the system frees it when the holder dies."""

import logging
import os
import sys
from pathlib import Path

from sidecar.errors import AlreadyRunningError, UnavailableError

log = logging.getLogger(__name__)

LOCK_FILE = "owner.lock"

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_AT, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCKED_AT = 1 << 20  # Windows locks bytes, and a locked byte can not be read: ours lies far behind the pid


class LockFile:
    """A held lock.

    Raises:
        AlreadyRunningError: Another process, or another engine of this one, holds it.
        UnavailableError: The file can not be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise UnavailableError(f"The store's folder {path.parent} can not be written: {error.strerror}.") from error
        try:
            _lock(self._descriptor)
        except OSError as error:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise AlreadyRunningError(
                f"The store in {path.parent} is in use by process {holder or 'unknown'}.", details={"pid": holder}
            ) from error
        self.left_open = os.fstat(self._descriptor).st_size > 0  # its last holder did not release it: it died
        try:
            holder = f"{os.getpid():<20}\n"  # one width, so that it overwrites any other: it is never empty meanwhile
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, holder.encode())
        except OSError as error:
            os.close(self._descriptor)
            raise UnavailableError(f"The store's folder {path.parent} can not be written: {error.strerror}.") from error

    def release(self, *, clean: bool = True) -> None:
        """Give the lock back; unless it was a clean end, the next holder is told that it was none.

        The file stays: removing it would let two hold locks on two files of one name.
        """
        if clean:
            try:
                os.ftruncate(self._descriptor, 0)
            except OSError as error:  # the disk can not be written: the next start checks the store first
                log.warning("The store could not be marked as closed: %s.", error.strerror)
        os.close(self._descriptor)
