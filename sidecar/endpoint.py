"""Where a running daemon is found: the two small files that it publishes and its clients read.

``daemon.runtime_files`` writes them, ``client`` and the CLI read them. A client trusts a file only when it belongs to
its own user and nobody else could have written it; whether the daemon that it names still runs, ``hello`` tells.
"""

import json
import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from sidecar.errors import ForbiddenError, InvalidError, SidecarError
from sidecar.limits import endpoint_file_bytes_max

ENDPOINT_FILE = "endpoint.json"
PAIRING_KEY_FILE = "pairing.key"
PAIRING_KEY_PATTERN = re.compile(r"[0-9a-f]{64}")  # 256 bits


class Endpoint(NamedTuple):
    """What ``endpoint.json`` holds.

    Attributes:
        url: Where the daemon listens, for example ``http://127.0.0.1:7370``.
        pid: The daemon's process.
        version: The daemon's version.
        epoch: Names the store that it serves; cursors belong to one epoch.
        data_dir: The folder whose lock it holds; None of a version that did not tell.
    """

    url: str
    pid: int
    version: str
    epoch: str
    data_dir: str | None = None

    def to_json(self) -> bytes:
        """Return the file's content."""
        return json.dumps(self._asdict(), indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a file's content; raises ValueError when it is none."""
        document = json.loads(content)
        if not isinstance(document, dict) or not all(isinstance(document.get(f), k) for f, k in _FIELDS.items()):
            raise ValueError("not an endpoint")
        if document["pid"] < 1:  # a signal would go to many processes
            raise ValueError("not a process")
        data_dir = document.get("data_dir")
        known = {field: document[field] for field in _FIELDS}
        return cls(**known, data_dir=data_dir if isinstance(data_dir, str) else None)


_FIELDS: dict[str, type] = {"url": str, "pid": int, "version": str, "epoch": str}


class Published(NamedTuple):
    """An endpoint with the key that proves it, and the folder where both were found."""

    endpoint: Endpoint
    pairing_key: str
    folder: Path


def read_private(path: Path) -> bytes | None:
    """Return the content of a small file that only its owner may write, or None when it is not there.

    Raises:
        ForbiddenError: It belongs to somebody else, or others could write it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ForbiddenError(f"{path} can not be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ForbiddenError(f"{path} is not a plain file; remove it and start the daemon again.")
        if sys.platform != "win32" and (status.st_uid != os.geteuid() or status.st_mode & 0o022):
            raise ForbiddenError(f"{path} can be written by another user; remove it and start the daemon again.")
        return file.read(endpoint_file_bytes_max)


def find(folders: Sequence[Path]) -> list[Published]:
    """Return what daemons have published in any of the folders, in their order; one that crashed is still in it.

    Raises:
        InvalidError: A file is there and is none of ours, and no other folder holds anything.
        ForbiddenError: The same, of a file that could have been written by another user.
    """
    found = []
    trouble: SidecarError | None = None
    for folder in dict.fromkeys(folders):
        try:
            published = _read(folder)
        except (InvalidError, ForbiddenError) as error:
            trouble = trouble or error
        else:
            found += [published] if published else []
    if trouble and not found:
        raise trouble
    return found


def _read(folder: Path) -> Published | None:
    content, key = read_private(folder / ENDPOINT_FILE), read_private(folder / PAIRING_KEY_FILE)
    if content is None or key is None:
        return None
    try:
        endpoint, pairing_key = Endpoint.from_json(content), key.decode("ascii").strip()
    except ValueError as error:
        raise InvalidError(f"{folder / ENDPOINT_FILE} is not an endpoint of Sidecar; remove it.") from error
    if not PAIRING_KEY_PATTERN.fullmatch(pairing_key):
        raise InvalidError(f"{folder / PAIRING_KEY_FILE} is not a pairing key; start the daemon again.")
    return Published(endpoint, pairing_key, folder)
