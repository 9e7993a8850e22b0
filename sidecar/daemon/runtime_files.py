"""Private folders, and the files that a running daemon leaves there for its clients.

All are the user's alone (0700, 0600), and each file is written whole or not at all.
"""

import logging
import os
import secrets
import stat
import sys
from pathlib import Path

from sidecar.drafts import replace_file
from sidecar.endpoint import ENDPOINT_FILE, PAIRING_KEY_FILE, PAIRING_KEY_PATTERN, Endpoint, read_private
from sidecar.errors import ForbiddenError, UnavailableError
from sidecar.limits import pairing_key_bytes

log = logging.getLogger(__name__)


def make_private_folder(folder: Path) -> None:
    """Make a folder (and those above it) that only its owner can enter, or check the one that is there.

    Access that others have is taken away. A symbolic link is fine when it and what it leads to are the user's own.

    Raises:
        UnavailableError: It can not be made or written to.
        ForbiddenError: It belongs to another user.
    """
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        owners = {folder.lstat().st_uid, folder.stat().st_uid}
        if sys.platform != "win32":
            if owners != {os.geteuid()}:
                raise ForbiddenError(
                    f"{folder} belongs to another user; run Sidecar as that user or name another folder."
                )
            if stat.S_IMODE(folder.stat().st_mode) & 0o077:
                folder.chmod(0o700)
    except FileExistsError as error:
        raise UnavailableError(f"{folder} is needed as a folder, but a file is there.") from error
    except OSError as error:
        raise UnavailableError(f"The folder {folder} can not be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UnavailableError(f"The folder {folder} can not be written to.")


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step, readable by its owner alone; it is on disk when this returns."""
    try:
        replace_file(path, content)
    except OSError as error:
        raise UnavailableError(f"{path} can not be written: {error.strerror}.") from error


def obtain_pairing_key(folder: Path) -> str:
    """Return the pairing key of a private folder; make it at the first start, or when it is no secret any more."""
    path = folder / PAIRING_KEY_FILE
    text = (read_secret(path) or "").strip()
    if PAIRING_KEY_PATTERN.fullmatch(text):
        return text
    if text:
        log.warning("%s was damaged, so it is made anew.", path)
    key = secrets.token_hex(pairing_key_bytes)
    write_private(path, key.encode() + b"\n")
    return key


def read_secret(path: Path) -> str | None:
    """Return the text of a secret file; None when there is none, or when others could have read or written it.

    A secret that others may know is worth nothing, so the caller makes another one; the log says why.
    """
    try:
        content = read_private(path)
    except ForbiddenError as error:
        log.warning("%s It is made anew.", error.message)
        return None
    if content is not None and not _is_secret(path):
        log.warning("%s could be read by others, so it is made anew.", path)
        return None
    return None if content is None else content.decode("utf-8", "replace")


def _is_secret(path: Path) -> bool:
    return sys.platform == "win32" or not path.lstat().st_mode & 0o077


def publish(folder: Path, endpoint: Endpoint) -> None:
    """Tell clients where the daemon listens."""
    write_private(folder / ENDPOINT_FILE, endpoint.to_json())


def withdraw(folder: Path, endpoint: Endpoint) -> None:
    """Remove what ``publish`` wrote, unless another daemon has replaced it. The pairing key stays."""
    path = folder / ENDPOINT_FILE
    if read_private(path) == endpoint.to_json():
        path.unlink(missing_ok=True)
