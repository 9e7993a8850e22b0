"""Folders that clients name: each has one path, whichever link or spelling led to it.

What is watched is kept under the path without links; sessions, files and changes are found there only under the same.
"""

import os
import pathlib
from typing import Annotated

from pydantic import AfterValidator

from sidecar.models.base import Path


def _real(path: str) -> str:
    if "\0" in path:
        raise ValueError("a path has no NUL in it")
    return os.path.realpath(path) if pathlib.PurePath(path).is_absolute() else path


# Of a folder that is gone, or of another machine, only the spelling is mended. A relative path stays as it is written.
FolderPath = Annotated[Path, AfterValidator(_real)]
