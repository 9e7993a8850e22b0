"""Git repositories for tests, and what the index of one has to be."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

GIT = shutil.which("git") or "git"  # by its path: the environment that it gets is empty
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
UNUSUAL_NAMES = (
    b"with space.txt",
    b"-leading-dash",
    "grüße-日本語-🚲.md".encode(),
    b"quote\"and'apostrophe",
    b"back\\slash",
    b"line\nbreak",
    b"tab\there",
    b"not-utf8-\xff\xfe.bin",
    b"\\xff",
    b"#comment",
    b"!bang",
    b"star*[a]?",
    b"trailing space ",
    b"%41",
    b".hidden",
    b"a" * 255,
)


def git(root: Path, *arguments: str) -> bytes:
    """Run git in a repository, apart from the user's own configuration; return what it prints."""
    environment = {"HOME": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        [GIT, *IDENTITY, *arguments],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return done.stdout


def make_repository(root: Path, *, files: int = 300) -> None:
    """Make a repository with ignored files, nested rules, links, unusual names, and two branches that differ."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    write(root, ".gitignore", b"*.log\nbuild/\n!keep.log\n/only-top\n")
    write(root, "nested/.gitignore", b"*.tmp\n!important.tmp\n")
    for number in range(files):
        write(root, f"src/package{number % 17}/module{number}.py", b"value = %d\n" % number * (number % 50))
    for unusual in UNUSUAL_NAMES:
        write(root, b"names/" + unusual, unusual)
    for name in ("a.log", "keep.log", "build/out.bin", "src/build/out.bin", "only-top", "nested/only-top"):
        write(root, name, name.encode())
    for name in ("nested/a.tmp", "nested/important.tmp", "nested/deep/b.tmp", "empty", ".config/x"):
        write(root, name, b"" if name == "empty" else name.encode())
    write(root, "large.bin", bytes(range(256)) * 12_000)
    (root / "link-to-file").symlink_to("empty")
    (root / "link-to-folder").symlink_to("src")
    (root / "link-to-nothing").symlink_to("absent")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "First")
    git(root, "checkout", "-q", "-b", "other")
    for number in range(0, files, 3):
        write(root, f"src/package{number % 17}/module{number}.py", b"other = %d\n" % number)
    git(root, "rm", "-q", "-r", "-f", "--ignore-unmatch", "src/package4")
    write(root, "only-on-other/x.txt", b"x")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Second")
    git(root, "checkout", "-q", "main")
    write(root, "untracked.txt", b"untracked")


def write(root: Path, name: str | bytes, content: bytes) -> None:
    """Write a file and the folders above it."""
    path = Path(os.fsdecode(os.path.join(os.fsencode(root), os.fsencode(name))))  # noqa: PTH118 - names are bytes
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def expected_index(root: Path) -> dict[bytes, str]:
    """Return path and SHA-256 of every file that git would not ignore; a link counts as the text that it holds."""
    names = git(root, "ls-files", "-z", "-co", "--exclude-standard").split(b"\0")
    index = {}
    for name in sorted(set(names) - {b""}):
        path = os.path.join(os.fsencode(root), name)  # noqa: PTH118 - names are bytes
        try:
            content = os.fsencode(os.readlink(path)) if os.path.islink(path) else Path(os.fsdecode(path)).read_bytes()  # noqa: PTH114, PTH115 - bytes
        except FileNotFoundError:
            continue  # in git's index, and no longer on disk
        index[name] = hashlib.sha256(content).hexdigest()
    return index


def hold_scan(root: Path, *, files: int, size: int) -> Path:
    """Make a folder of sparse files that a scan reads for a long time; they take no room on the disk."""
    folder = root / "held"
    folder.mkdir()
    for number in range(files):
        (folder / f"{number}.bin").touch()
        os.truncate(folder / f"{number}.bin", size)
    return folder
