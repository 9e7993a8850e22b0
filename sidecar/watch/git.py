"""What a workspace has to do with git: its repository, where that keeps its excludes, and what git is set to.

Called by ``ignore.py`` and the scanner. Reads the disk; asks the ``git`` command for settings alone.
Source: git 2.39, ``setup.c`` (``is_git_directory``, ``read_gitfile_gently``), ``dir.c`` (``setup_standard_excludes``).
"""

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from sidecar import limits

_HEAD = re.compile(rb"ref:[ \t]*refs/|[0-9a-fA-F]{40}")
_SYSTEM_CONFIG = b"/etc/gitconfig"  # git may be built with another one; it is named when anything stands in it


class Repository(NamedTuple):
    """A git repository with a working tree.

    Attributes:
        top: The folder that holds ``.git``.
        directory: Its git directory.
        common: The git directory that its worktrees share, which holds ``info/exclude``.
    """

    top: bytes
    directory: bytes
    common: bytes


class GitSettings(NamedTuple):
    """What git's configuration says of ignoring.

    Attributes:
        excludes_file: The global excludes, or None for none.
        fold: ``core.ignorecase``.
    """

    excludes_file: bytes | None
    fold: bool


def read_small(path: bytes, *, bytes_max: int = limits.git_small_file_bytes_max, follow: bool = True) -> bytes | None:
    """Return a regular file's content; None when there is none, it is larger, or not a regular file.

    Raises:
        OSError: It is there and can't be read.
    """
    # O_NONBLOCK: a FIFO of that name must not hold us.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if not follow and os.path.islink(path):  # git reads no ignore file through a link (2.32 on)
            return None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > bytes_max:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(bytes_max)
    finally:
        os.close(descriptor)


def is_file_over(path: bytes, size: int, *, follow: bool) -> bool:
    """Tell whether there is a regular file larger than so many bytes."""
    try:
        status = os.stat(path, follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size > size


def is_repository(folder: bytes) -> bool:
    """Tell whether git takes ``folder`` for the top of a working tree: it holds a ``.git`` that is one."""
    return git_directory(folder) is not None


def git_directory(folder: bytes) -> bytes | None:
    """Return the git directory of a working tree's top, or None when ``folder`` is none."""
    path = os.path.join(folder, b".git")
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            named = (read_small(path) or b"").rstrip(b"\r\n")
            if not named.startswith(b"gitdir: "):
                return None
            path = os.path.join(folder, named.removeprefix(b"gitdir: "))
        return path if _is_git_directory(path) else None
    except OSError:
        return None  # what can't be looked at is no repository to git either


def count_tracked(folder: bytes) -> int | None:
    """Return how many files git tracks in the working tree whose top is ``folder``, by its index's head, or None.

    Source: gitformat-index(5): "DIRC", a version, the number of entries, each of the latter 4 bytes.
    """
    directory = git_directory(folder)
    if directory is None:
        return None
    try:
        with open(os.path.join(directory, b"index"), "rb") as file:
            head = file.read(12)
    except OSError:
        return None  # nothing was ever added
    return int.from_bytes(head[8:]) if len(head) == 12 and head.startswith(b"DIRC") else None


def find_repository(folder: bytes) -> Repository | None:
    """Return the repository whose working tree holds ``folder``, looking up on one file system as git does."""
    device = os.stat(folder).st_dev
    while True:
        found = git_directory(folder)
        if found is not None:
            return Repository(folder, found, _common(found))
        above = _above(folder, device)
        if above is None:
            return None
        folder = above


def heads_looked_for(folder: bytes, top: bytes | None) -> list[bytes]:
    """Return the files that would make another repository of the one with this top, or of none, the folder's."""
    device = os.stat(folder).st_dev
    heads: list[bytes] = []
    above: bytes | None = folder
    while above is not None and above != top:
        heads.append(os.path.join(above, b".git", b"HEAD"))
        above = _above(above, device)
    return heads


def _above(folder: bytes, device: int) -> bytes | None:
    above = os.path.dirname(folder)
    return None if above == folder or os.stat(above).st_dev != device else above


def _is_git_directory(path: bytes) -> bool:
    head = os.path.join(path, b"HEAD")
    if os.path.islink(head):
        if not os.readlink(head).startswith(b"refs/"):
            return False
    elif not _HEAD.match(read_small(head) or b""):
        return False
    common = _common(path)
    return os.access(os.path.join(common, b"objects"), os.X_OK) and os.access(os.path.join(common, b"refs"), os.X_OK)


def _common(path: bytes) -> bytes:
    named = read_small(os.path.join(path, b"commondir"))
    return path if named is None else os.path.normpath(os.path.join(path, named.rstrip(b"\r\n")))


class Git:
    """The machine's git, where it has one.

    Args:
        home: The user's home folder.
        xdg_config_home: Where the user keeps configuration, when it is not ``~/.config``.
        command: git's executable; None where it is not installed.
    """

    def __init__(self, home: Path, xdg_config_home: Path | None = None, *, command: str | None) -> None:
        self._home = home
        self._config_folder = xdg_config_home or home / ".config"
        self._command = command
        # Nothing else of ours: in a hook, GIT_DIR would make git answer for another repository than the root's.
        self._environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(self._config_folder), "PATH": os.defpath}

    def settings(self, root: bytes, repository: Repository | None) -> GitSettings:
        """Return git's settings for a folder in a repository, or in none. Without git: its defaults."""
        named = self._ask(root, "--type=path", "--get", "core.excludesFile")
        path = bytes(self._config_folder / "git" / "ignore") if named is None else named
        top = root if repository is None else repository.top  # where git stands when it reads a relative path
        return GitSettings(
            excludes_file=os.path.join(top, path) if path else None,
            fold=self._ask(root, "--type=bool", "--get", "core.ignorecase") == b"true",
        )

    def config_files(self, root: bytes, repository: Repository | None) -> set[bytes]:
        """Return the files that git has its settings from, or would have if they were there."""
        files = {_SYSTEM_CONFIG, bytes(self._home / ".gitconfig"), bytes(self._config_folder / "git" / "config")}
        top = root
        if repository is not None:
            top = repository.top
            files |= {
                os.path.join(repository.common, b"config"),
                os.path.join(repository.directory, b"config.worktree"),
            }
        listed = self._ask(root, "--list", "--show-origin", "--name-only") or b""
        origins = set(listed.split(b"\0")[::2])  # an origin and a name in turn
        named = (each.removeprefix(b"file:") for each in origins if each.startswith(b"file:"))
        return files | {os.path.join(top, path) for path in named}

    def _ask(self, root: bytes, *question: str) -> bytes | None:
        if self._command is None:
            return None
        command = [self._command, "-C", os.fsdecode(root), "config", "--null", *question]
        try:
            done = subprocess.run(  # noqa: S603 - a fixed command; the folder is one argument
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=limits.git_command_seconds_max,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None  # as where git is not installed
        return done.stdout.removesuffix(b"\0") if done.returncode == 0 else None
