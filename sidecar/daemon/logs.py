"""Where the program's log goes: one file in the log folder, which is rotated and so bounded.

Each line is one JSON object: time, level, logger, process, the request it was written for, the message, what the caller
gave as ``extra``, and a traceback. Set up once by whoever starts a process (the CLI); every module just uses
``logging.getLogger(__name__)``.
"""

import json
import logging
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from sidecar.daemon.runtime_files import make_private_folder
from sidecar.ids import current_request
from sidecar.limits import log_file_bytes_max, log_files_max

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", "taskName"}


def set_level(level: str) -> None:
    """Change the least severity that is written from now on: debug, info, warning or error."""
    logging.getLogger().setLevel(level.upper())


def lines_lost() -> int:
    """Return how many lines could not be written and have not been told of yet."""
    return sum(handler.lost for handler in logging.getLogger().handlers if isinstance(handler, LogFile))


@contextmanager
def logging_to(file: Path, level: str, *, debug: bool = False) -> Iterator[None]:
    """Send the program's log to a file while the block runs.

    Args:
        file: Its folder is made, private to the user.
        level: The least severity that is written: debug, info, warning or error.
        debug: Write everything, to standard error too.
    """
    make_private_folder(file.parent)
    to_file = LogFile(file)
    to_file.setFormatter(JsonLines())
    handlers: list[logging.Handler] = [to_file]
    if debug:
        to_terminal = logging.StreamHandler(sys.stderr)
        to_terminal.setFormatter(_ForPeople("%(asctime)s %(levelname)s %(name)s %(message)s"))
        handlers.append(to_terminal)
    root = logging.getLogger()
    level_before = root.level
    for handler in handlers:
        root.addHandler(handler)
    set_level("debug" if debug else level)
    try:
        yield
    finally:
        root.setLevel(level_before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


class JsonLines(logging.Formatter):
    """One JSON object a line; times in UTC, to the millisecond, as RFC 3339 writes them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, object] = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
        }
        if request_id := current_request.get():
            line["request_id"] = request_id
        line["message"] = record.getMessage()
        line.update((name, value) for name, value in vars(record).items() if name not in _OWN_FIELDS)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class LogFile(RotatingFileHandler):
    """The rotated file. What can not be written (a full disk) is counted, and told when writing works again."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, maxBytes=log_file_bytes_max, backupCount=log_files_max - 1, encoding="utf-8", delay=True)
        self.lost = 0

    def _open(self) -> TextIOWrapper:
        """Open the file, which is nobody else's to read; a half line in it, of a disk that was full, ends here."""
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may have been removed
        begins_with = "\n" if _ends_within_a_line(self.baseFilename) else ""
        opened = open(  # noqa: SIM115 - logging closes it
            self.baseFilename, self.mode, encoding=self.encoding, opener=lambda path, flags: os.open(path, flags, 0o600)
        )
        assert isinstance(opened, TextIOWrapper)  # noqa: S101 - a text mode
        opened.write(begins_with)
        return opened

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, and before it how many were lost, if any were."""
        if self.stream is not None and not self._is_in_its_place(self.stream):
            self._drop(self.stream)
        lost, self.lost = self.lost, 0
        if lost:
            super().emit(_told_of_loss(lost))
            if self.lost:  # it still can not be written
                self.lost += lost
                return
        super().emit(record)

    def _is_in_its_place(self, stream: IO[str]) -> bool:
        """Tell whether the open file is the one that has its name, and was not removed or replaced."""
        try:
            return os.path.samestat(os.stat(self.baseFilename), os.fstat(stream.fileno()))  # noqa: PTH116 - its name is a text
        except OSError:
            return False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Count a line that was not written; a fault of the line itself is told as logging does."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self.lost += 1
        if self.stream is not None:
            self._drop(self.stream)

    def _drop(self, stream: IO[str]) -> None:
        """Have the file opened anew for the next record, without what is left in the stream's buffer."""
        self.stream = None
        try:
            stream.close()
        except OSError:
            self.lost = max(self.lost, 1)  # closing flushes, and fails for the same reason


class _ForPeople(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


def _ends_within_a_line(name: str) -> bool:
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - the handler's name is a text
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False


def _utc(seconds: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03d}Z"


def _told_of_loss(lost: int) -> logging.LogRecord:
    message = f"{lost} lines before this one could not be written."
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, message, (), None)
