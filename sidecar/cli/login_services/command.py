"""The program that a login service starts, its settings, and the templates that it is written from."""

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, Self

import sidecar
from sidecar import limits
from sidecar.drafts import replace_file
from sidecar.errors import UnavailableError


class Command(NamedTuple):
    """How to start this program again.

    Attributes:
        words: Absolute, and without a shell.
        environment: The variables that its settings come from.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]

    @classmethod
    def of_this_process(cls, environment: Mapping[str, str]) -> Self:
        """Return the command that started this process: an interpreter with our module, or with a single file.

        -P: no module is taken from the folder that it starts in, which is the user's home.
        """
        archive = _single_file()
        words = ("-P", "-m", "sidecar") if archive is None else (str(archive),)
        return cls((sys.executable, *words), environment)


def unpacked_in() -> Path | None:
    """Return the folder that the single file, if it is what runs, unpacks itself in; every version has one there."""
    return None if _single_file() is None else Path(sidecar.__file__).parents[3]


def _single_file() -> Path | None:
    archive = Path(sys.argv[0])
    is_launcher = archive.suffix == ".exe"  # of Windows: a program with an archive behind it
    return archive.resolve() if not is_launcher and zipfile.is_zipfile(archive) else None


def template(name: str) -> str:
    """Return a file of ``packaging/``: it is inside an installed package, and beside it in a checkout."""
    packaged = files("sidecar").joinpath("packaging", *name.split("/"))
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "packaging" / name).read_text(encoding="utf-8")


def tell(*words: str) -> subprocess.CompletedProcess[str] | None:
    """Run a command of the platform's service manager to its end; None when there is none that can be run."""
    try:
        return subprocess.run(  # noqa: S603 - fixed words of ours
            words,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=limits.service_manager_seconds_max,
        )
    except OSError:
        return None
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"`{' '.join(words)}` did not end within {error.timeout:.0f} s.") from error


def must_tell(*words: str) -> None:
    """Run a command of the service manager that has to succeed."""
    done = tell(*words)
    if done is None or done.returncode != 0:
        reason = "it can not be run" if done is None else (done.stderr or done.stdout).strip()
        raise UnavailableError(f"`{' '.join(words)}` failed: {reason}.")


def write_whole(file: Path, content: bytes) -> None:
    """Write a file in one step, and the folders above it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, content, mode=0o644)  # the service manager may run as another user
    except OSError as error:
        raise UnavailableError(f"{file} can not be written: {error.strerror}.") from error


def removed(file: Path) -> list[Path]:
    """Remove a file and return it, if it is there."""
    try:
        file.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UnavailableError(f"{file} can not be removed: {error.strerror}.") from error
    return [file]


def read_if_there(file: Path) -> bytes | None:
    """Return a file's content, None when it is not there."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnavailableError(f"{file} can not be read: {error.strerror}.") from error
