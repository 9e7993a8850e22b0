"""A small file that is replaced in one step: written beside its place, under a name that nobody else has, then renamed.

Two processes that replace the same file do not meet: the later one's content stays, whole.
"""

import errno
import os
import sys
import tempfile
from pathlib import Path

PRIVATE = 0o600


def replace_file(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Replace a file, or make it; it is on disk when this returns, and its name where the file system syncs folders.

    Raises:
        OSError: It can not be written; what was there is as it was.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".new", dir=path.parent)  # for us alone
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if mode != PRIVATE:
            draft.chmod(mode)
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have on disk what was made, renamed or removed in a folder: syncing a file does not sync its name."""
    if sys.platform == "win32":
        return  # it has no such call
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return  # a folder that may be written to and not be listed, whose names only the system can sync
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a file system that syncs no folders: a network's, a shared one of a guest
            raise
    finally:
        os.close(descriptor)
