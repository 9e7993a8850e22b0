"""Where the program's log goes: one file in the log folder, which is rotated and so bounded.

Set up once by whoever starts a process (the CLI); every module just uses ``logging.getLogger(__name__)``.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from sidecar.daemon.runtime_files import make_private_folder
from sidecar.limits import log_file_bytes_max, log_files_max


class _Formatter(logging.Formatter):
    """Times in UTC, to the millisecond, as RFC 3339 writes them."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


@contextmanager
def logging_to(file: Path, level: str, *, debug: bool = False) -> Iterator[None]:
    """Send the program's log to a file while the block runs.

    Args:
        file: Its folder is made, private to the user.
        level: The least severity that is written: debug, info, warning or error.
        debug: Write everything, to standard error too.
    """
    make_private_folder(file.parent)
    handlers: list[logging.Handler] = [
        RotatingFileHandler(
            file, maxBytes=log_file_bytes_max, backupCount=log_files_max - 1, encoding="utf-8", delay=True
        )
    ]
    if debug:
        handlers.append(logging.StreamHandler(sys.stderr))
    root = logging.getLogger()
    level_before = root.level
    for handler in handlers:
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s [%(process)d] %(message)s"))
        root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else level.upper())
    try:
        yield
    finally:
        root.setLevel(level_before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
