"""The file that keeps the login which ``sidecar login`` has opened, for the commands that come after it.

Readable by its owner alone, as the pairing key is. Who can read it is that user until the login ends.
"""

import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sidecar.client import UserTokens
from sidecar.daemon.runtime_files import make_private_folder, write_private
from sidecar.endpoint import read_private
from sidecar.errors import ForbiddenError, InvalidError, UnavailableError

if TYPE_CHECKING:
    from sidecar.config import Settings

LOGIN_FILE = "login.json"


class LoginFile:
    """A ``client.KeptLogin`` in a file.

    Args:
        path: Of the file; its folder is made when something is kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """Return the file of an account."""
        return cls(settings.state_dir / LOGIN_FILE)

    def load(self) -> UserTokens | None:
        """Return what is kept; None when nobody has logged in.

        Raises:
            ForbiddenError: Others could have read or written it.
            InvalidError: It is none of ours.
        """
        if self._is_open_to_others():
            raise ForbiddenError(f"{self.path} is open to others; `sidecar logout` removes it and ends the login.")
        content = read_private(self.path)
        return None if content is None else self._parsed(content)

    def save(self, tokens: UserTokens) -> None:
        """Keep a login in the place of the one before."""
        make_private_folder(self.path.parent)
        write_private(self.path, json.dumps(tokens._asdict()).encode() + b"\n")

    def take(self) -> UserTokens | None:
        """Remove the file and return what was kept in it, also when others could have read or written it."""
        try:
            if self._is_open_to_others():
                self.path.chmod(0o600)
            content = read_private(self.path)
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(f"{self.path} can not be removed: {error.strerror}.") from error
        try:
            return None if content is None else self._parsed(content)
        except InvalidError:
            return None

    def _is_open_to_others(self) -> bool:
        """Tell whether others could have read or written it; of any other trouble ``read_private`` tells."""
        try:
            status = self.path.lstat()
        except OSError:
            return False
        if sys.platform == "win32" or not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return False
        return stat.S_IMODE(status.st_mode) & 0o077 != 0

    def _parsed(self, content: bytes) -> UserTokens:
        try:
            fields = json.loads(content)
            return UserTokens(*(str(fields[name]) for name in UserTokens._fields))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidError(f"{self.path} is not a kept login; `sidecar logout` removes it.") from error
