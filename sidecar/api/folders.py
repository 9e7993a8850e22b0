"""Paths of this machine that clients name. A folder has one, whichever link or spelling led to it.

What is watched is kept under the path without links; sessions, files and changes are found there only under the same.
"""

import os
import pathlib
from typing import Annotated

from pydantic import AfterValidator

from sidecar.models.base import Path


def _without_nul(path: str) -> str:
    if "\0" in path:
        raise ValueError("a path has no NUL in it")
    return path


def _real(path: str) -> str:
    return os.path.realpath(path) if pathlib.PurePath(path).is_absolute() else path


LocalPath = Annotated[Path, AfterValidator(_without_nul)]
# Of a folder that is gone, or of another machine, only the spelling is mended. A relative path stays as it is written.
FolderPath = Annotated[LocalPath, AfterValidator(_real)]
