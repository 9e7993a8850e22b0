"""Files that commands write for their user: whole or not at all, their owner's alone, never over another by mistake."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sidecar.drafts import sync_folder
from sidecar.errors import ConflictError, UnavailableError


def named_by_time(path: Path, ending: str) -> Path:
    """Return the file that PATH names: itself, or one with the time in its name when it is a folder.

    Raises:
        UnavailableError: It names nothing that there can be.
    """
    from datetime import UTC, datetime

    from sidecar.clock import SystemClock

    try:
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long
        raise UnavailableError(f"{path} can not be written: {error.strerror}.") from error
    if not is_folder:
        return path.absolute()
    at = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    return path.absolute() / f"sidecar-{at:%Y%m%dT%H%M%SZ}.{ending}"


@contextmanager
def written_whole(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Yield a file to write to, which is at its place, and on disk, when the block has ended without an error.

    A link is followed, as by a shell's ``>``.

    Raises:
        ConflictError: A file is there and not to be replaced, or never is: no plain one, or one of Sidecar's own.
        UnavailableError: It can not be written.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.exists():
            _check_replaceable(path, replace=replace)
        descriptor, name = tempfile.mkstemp(prefix=f"{path.name[:100]}.", suffix=".partial", dir=path.parent)
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            draft.replace(path)
            sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(f"{path} can not be written: {error.strerror}.") from error


def _check_replaceable(path: Path, *, replace: bool) -> None:
    from sidecar import config

    if not path.is_file():
        raise ConflictError(f"{path} is no plain file, so nothing is written there; name another.")
    if not replace:
        raise ConflictError(f"There is a file {path} already; --replace replaces it.")
    settings = config.load()
    if any(path.is_relative_to(os.path.realpath(own)) for own in (settings.config_dir, *settings.own_dirs)):
        raise ConflictError(f"{path} lies in a folder of Sidecar's own, so it is not replaced; name another.")
