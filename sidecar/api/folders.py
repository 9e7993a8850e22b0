"""Paths of this machine that clients name. A folder has one, whichever link or spelling led to it.

What is watched is kept under the path without links; sessions, files and changes are found there only under the same.
"""

import os
import pathlib
from collections import OrderedDict
from typing import Annotated

from pydantic import AfterValidator

from sidecar import limits
from sidecar.clock import Clock
from sidecar.file_systems import FileSystems
from sidecar.models.base import Path


def _without_nul(path: str) -> str:
    if "\0" in path:
        raise ValueError("a path has no NUL in it")
    return path


LocalPath = Annotated[Path, AfterValidator(_without_nul)]
FolderPath = LocalPath  # of the field `workspace_path`, and as it was written: see `requests.in_real_folder`


class Folders:
    """Finds the paths of folders without links.

    Args:
        file_systems: Asked for them.
        clock: Tells the time.
    """

    def __init__(self, file_systems: FileSystems, clock: Clock) -> None:
        self._file_systems = file_systems
        self._clock = clock
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def real(self, path: str) -> str:
        """Return a folder's path without links; for ``limits.folder_known_seconds`` it is not asked for again.

        Of a folder that is gone, or of another machine, only the spelling is mended. A relative path stays as it is.

        Raises:
            UnavailableError: Its file system does not answer.
        """
        if not pathlib.PurePath(path).is_absolute():
            return path
        now = self._clock.monotonic()
        real, until = self._known.get(path, (path, 0.0))
        if now < until:
            return real
        real = await self._file_systems.ask(os.path.realpath, path)
        self._known[path] = real, now + limits.folder_known_seconds
        self._known.move_to_end(path)
        if len(self._known) > limits.folders_known_max:
            self._known.popitem(last=False)
        return real
