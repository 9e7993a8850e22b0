"""What tests do to the machine below a daemon: small disks, folders that can not be written, a clock that moves.

All of it is real. What the system or this account can not do skips the test that needs it, and says why.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FAKETIME = ("usr/lib/*/faketime/libfaketimeMT.so.1", "usr/lib/faketime/libfaketimeMT.so.1")


def _must(*words: str) -> None:
    """Run a command of the system; skip the test when this account may not."""
    try:
        subprocess.run(words, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"there is no {words[0]} here")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"`{' '.join(words)}` is refused here: {error.stderr.strip()}")


class Mounts:
    """Small disks, and some that hang; unmounted at the end."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self._unanswered: dict[Path, int] = {}

    def mount_small(self, folder: Path, *, megabytes: int, again: bool = False) -> None:
        """Put a disk of so many MB on a folder; ``again`` makes the one that is there larger or smaller."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = f"size={megabytes}m,mode=700" + (",remount" if again else "")
        _must("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
        if not again:
            self.folders.append(folder)

    def mount_again(self, folder: Path, at: Path) -> None:
        """Put a folder at another path as well."""
        at.mkdir(parents=True, exist_ok=True)
        _must("mount", "--bind", str(folder), str(at))
        self.folders.append(at)

    def mount_hanging(self, folder: Path) -> None:
        """Put a file system on a folder that never answers: one of FUSE, whose questions nobody reads (fuse(4))."""
        try:
            device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            pytest.skip(f"/dev/fuse can't be opened here: {error.strerror}")
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        if libc.mount(b"hanging", bytes(folder), b"fuse", 0, options.encode()):
            os.close(device)
            pytest.skip(f"a FUSE file system can't be mounted here: {os.strerror(ctypes.get_errno())}")
        self.folders.append(folder)
        self._unanswered[folder] = device

    def unmount(self, folder: Path) -> None:
        """Take away what was mounted on a folder; who waits for an answer of it is told an error."""
        self.folders.remove(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)
        if folder in self._unanswered:
            os.close(self._unanswered.pop(folder))


@contextmanager
def mounts() -> Iterator[Mounts]:
    """Yield what mounts, and unmount it all whatever happens."""
    own = Mounts()
    try:
        yield own
    finally:
        for folder in list(own.folders):
            own.unmount(folder)


@contextmanager
def immutable(folder: Path) -> Iterator[None]:
    """Let nobody, root included, write to a folder, and to what is in it, while the block runs; open files too."""
    _must("chattr", "-R", "+i", str(folder))
    try:
        yield
    finally:
        subprocess.run(["chattr", "-R", "-i", folder], check=True)


class FewWatches:
    """A user namespace whose processes get only so many inotify watches, as Linux counts them by user.

    Args:
        watches_max: Of all its processes together.
    """

    _SETTING = "/proc/sys/user/max_inotify_watches"

    def __init__(self, watches_max: int) -> None:
        self._enter = ["unshare", "--user", "--map-root-user", "sh", "-c"]
        self._set = f'echo {watches_max} >{self._SETTING} && exec "$@"'
        _must(*self.command("true"))

    def command(self, *words: str) -> list[str]:
        """Return the words that run a command inside."""
        return [*self._enter, self._set, "sh", *words]

    def raise_limit(self, pid: int, watches_max: int) -> None:
        """Set another limit for the namespace that a process is in."""
        change = ["sh", "-c", f"echo {watches_max} >{self._SETTING}"]
        subprocess.run(["nsenter", "--user", "--preserve-credentials", "--target", str(pid), *change], check=True)


class MovedClock:
    """The wall clock of processes, which a test sets while they run; by libfaketime, as `date --set` would.

    Args:
        file: Holds how far the clock is off.
        library: Tells it to a process.
    """

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",  # second; to read the file with every look slows a daemon down a lot
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, offset: str) -> None:
        """Set the clock off the real time, as libfaketime reads it: ``-1h``."""
        draft = self._file.with_suffix(".new")
        draft.write_text(offset + "\n", encoding="ascii")
        draft.replace(self._file)


@contextmanager
def moved_clock(file: Path) -> Iterator[MovedClock]:
    """Yield a clock, and remove what its library leaves in memory of processes that were killed."""
    library = next((path for pattern in _FAKETIME for path in Path("/").glob(pattern)), None)
    if library is None:
        pytest.skip("libfaketime is not installed (Debian: libfaketime)")
    before = _left_in_memory()
    try:
        yield MovedClock(file, library)
    finally:
        for path in _left_in_memory() - before:
            path.unlink()


def _left_in_memory() -> set[Path]:
    return set(Path("/dev/shm").glob("*faketime_*"))  # noqa: S108 - where libfaketime keeps it
