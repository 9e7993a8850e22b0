"""Private folders, and the files that a running daemon leaves there for its clients.

All are the user's alone (0700, 0600), and each file is written whole or not at all.
"""

import logging
import os
import secrets
import stat
import sys
from collections.abc import Sequence
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


class Notice:
    """What a running daemon publishes, in every folder where a client may look.

    A client that was started elsewhere (by cron, by ``su``) does not know the session's runtime folder, and that goes
    with the session: so it is in another one too, and published again where it has gone.

    Args:
        folders: Where clients look, in their order; the pairing key is in the first.
        pairing_key: The same in all.
    """

    def __init__(self, folders: Sequence[Path], pairing_key: str) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._pairing_key = pairing_key
        self._endpoint: Endpoint | None = None

    def publish(self, endpoint: Endpoint) -> None:
        """Publish it; raises when that can not be done in the first folder."""
        self._endpoint = endpoint
        first, *others = self._folders
        self._put(first, endpoint)
        self._put_where_possible(others, endpoint)

    def renew(self) -> str:
        """Publish it again where it is not any more; return why it is nowhere, nothing when it is somewhere."""
        if self._endpoint is None:
            return ""
        gone = [folder for folder in self._folders if not _is_complete(folder)]
        troubles = self._put_where_possible(gone, self._endpoint)
        return troubles[0] if len(troubles) == len(self._folders) else ""

    def withdraw(self) -> None:
        """Remove it for good."""
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is None:
            return
        for folder in self._folders:
            try:
                withdraw(folder, endpoint)
            except (ForbiddenError, OSError) as error:
                log.warning("%s could not be removed: %s", folder / ENDPOINT_FILE, error)

    def _put_where_possible(self, folders: Sequence[Path], endpoint: Endpoint) -> list[str]:
        troubles = []
        for folder in folders:
            try:
                self._put(folder, endpoint)
            except (ForbiddenError, UnavailableError) as error:
                log.debug("No client finds the daemon by %s: %s", folder, error.message)
                troubles.append(error.message)
        return troubles

    def _put(self, folder: Path, endpoint: Endpoint) -> None:
        make_private_folder(folder)
        if (read_secret(folder / PAIRING_KEY_FILE) or "").strip() != self._pairing_key:
            write_private(folder / PAIRING_KEY_FILE, self._pairing_key.encode() + b"\n")
        publish(folder, endpoint)


def _is_complete(folder: Path) -> bool:
    return all(os.path.exists(folder / name) for name in (ENDPOINT_FILE, PAIRING_KEY_FILE))  # noqa: PTH110 - false whatever keeps it from looking
