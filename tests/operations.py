"""Random changes of a tree, for tests of watching: whatever is done to it, in any order, the index has to follow."""

import os
import random
import shutil
from pathlib import Path
from subprocess import CalledProcessError

from tests.e2e.repositories import git

NAMES = ["a", "b", "c", "d.log", "e.py", "build", "éü", "x y", "A"]


class Operations:
    """Random changes of a tree."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)  # noqa: S311 - chosen to be repeatable
        self.done: list[str] = []

    def step(self) -> None:
        often = [self.write, self.write, self.write, self.rename, self.rename, self.delete, self.ignore, self.burst]
        rare = [self.append, self.truncate, self.delete_tree, self.replace, self.chmod, self.symlink, self.keep_mtime]
        rare += [self.copy, self.hard_link, self.swap, self.repository, self.unpack, self.set_times, self.switch_branch]
        operation = self.random.choice(often + rare)
        try:
            self.done.append(operation.__name__)
            operation()
        except (OSError, shutil.Error, CalledProcessError):
            self.done[-1] += "!"  # two choices that do not go together: that is a choice as well

    def path(self) -> Path:
        depth = self.random.randint(1, 3)
        return self.root.joinpath(*(self.random.choice(NAMES) for _ in range(depth)))

    def known(self) -> Path:
        paths = sorted(path for path in self.root.rglob("*") if ".git" not in path.parts)
        return self.random.choice(paths) if paths else self.path()

    def known_file(self) -> Path:
        paths = sorted(p for p in self.root.rglob("*") if p.is_file() and not p.is_symlink() and ".git" not in p.parts)
        return self.random.choice(paths) if paths else self.path()

    def content(self) -> bytes:
        return self.random.randbytes(self.random.choice([0, 1, 10, 10, 5000]))

    def write(self) -> None:
        path = self.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content())

    def append(self) -> None:
        with self.known_file().open("ab") as file:
            file.write(b"more")

    def truncate(self) -> None:
        os.truncate(self.known_file(), self.random.randint(0, 5))

    def keep_mtime(self) -> None:
        """Write other content of the same size and set the time back, as unpacking does."""
        path = self.known_file()
        status = path.stat()
        path.write_bytes(self.random.randbytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def delete(self) -> None:
        self.known_file().unlink()

    def delete_tree(self) -> None:
        path = self.known()
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)

    def rename(self) -> None:
        target = self.path()
        target.parent.mkdir(parents=True, exist_ok=True)
        self.known().rename(target)

    def replace(self) -> None:
        temporary = self.root / ".temporary"
        temporary.write_bytes(self.content())
        temporary.replace(self.known_file())

    def swap(self) -> None:
        one, other, between = self.known(), self.known(), self.root / ".between"
        one.rename(between)
        other.rename(one)
        between.rename(other)

    def copy(self) -> None:
        path = self.known()
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, self.path(), symlinks=True, ignore=shutil.ignore_patterns(".git"))

    def hard_link(self) -> None:
        self.path().hardlink_to(self.known_file())

    def chmod(self) -> None:
        path = self.known()
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else self.random.choice([0o644, 0o755, 0o600]))

    def symlink(self) -> None:
        self.path().symlink_to(self.random.choice(["a", "../a", "nowhere", "."]))

    def ignore(self) -> None:
        folder = self.random.choice([self.root, self.known().parent])
        lines = self.random.sample(["*.log", "build/", "!d.log", "/a", "b", "!b/c", "A/**", "!*.py"], k=3)
        name = self.random.choice([".gitignore", ".gitignore", ".gitignore", ".git/info/exclude"])
        (folder / name).write_text("\n".join(lines))

    def repository(self) -> None:
        """Make a folder a repository of its own, or one that was one an ordinary folder again."""
        path = self.known()
        if path.is_dir() and not path.is_symlink():
            if (path / ".git").exists():
                shutil.rmtree(path / ".git")
            else:
                git(path, "init", "-q")

    def unpack(self) -> None:
        """Unpack beside and rename into place, with the times that the archive holds, as package managers do."""
        place = self.root / "modules" / self.random.choice(NAMES)
        beside = self.root / "modules" / ".unpacking"
        for number in range(self.random.choice([20, 200])):
            path = beside / f"lib{number % 9}" / f"{number}.js"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.random.randbytes(20))
            os.utime(path, (499_162_500, 499_162_500))  # what every npm package's files bear
        if place.exists():
            shutil.rmtree(place)
        beside.rename(place)

    def set_times(self) -> None:
        """Let files bear times of the far past and of the future, as after a jump of the clock."""
        for _ in range(5):
            path = self.known_file()
            path.write_bytes(self.content())
            seconds = self.random.choice([0, 1, 2**31, 2**33])
            os.utime(path, (seconds, seconds))

    def switch_branch(self) -> None:
        """Commit everything to a branch, or switch to one: git writes and deletes at once."""
        branch = self.random.choice(["one", "two"])
        if not (self.root / ".git/refs/heads" / branch).exists():
            git(self.root, "checkout", "-q", "-b", branch)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", branch)
        git(self.root, "checkout", "-q", "-f", self.random.choice(["one", "two"]))

    def burst(self) -> None:
        folder = self.path()
        for number in range(self.random.choice([50, 300, 300, 2_000])):
            path = folder / f"n{number % 7}" / f"f{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"%d" % number)
