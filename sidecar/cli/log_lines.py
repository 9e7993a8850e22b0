"""The newest lines of the daemon's log, for the commands that show or pack them."""

from collections import deque
from pathlib import Path

from sidecar import limits
from sidecar.errors import UnavailableError


def last_lines(file: Path, count: int) -> list[str]:
    """Return the last lines of the log, over its rotated files; none when there is no log.

    Raises:
        UnavailableError: It can not be read.
    """
    found: deque[str] = deque(maxlen=count)
    for number in range(limits.log_files_max - 1, -1, -1):
        each = file.with_name(f"{file.name}.{number}") if number else file
        try:
            found.extend(each.read_text(encoding="utf-8", errors="replace").splitlines())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UnavailableError(f"The log {each} can not be read: {error.strerror}.") from error
    return list(found)
