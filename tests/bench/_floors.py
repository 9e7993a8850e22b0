"""What watching is measured beside: the least that any index has to do, git and watchman. Used by ``watch.py``."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from sidecar.watch.git import Git
from sidecar.watch.ignore import Ignore
from sidecar.watch.scanner import Run, Walk


class Environment(NamedTuple):
    """Where git's configuration is: nowhere, so that every machine measures the same."""

    home: Path = Path("/nonexistent")
    xdg_config_home: Path | None = None


def row(name: str, value: str) -> None:
    """Print one line of the table."""
    print(f"{name:<48} {value}", flush=True)


def walked(root: Path) -> list[bytes]:
    """Return the paths of the files that the index of a folder holds."""
    ignore = Ignore.load(os.fsencode(root), Git(Environment().home, command="git"), warn=lambda _sentence: None)
    walk = Walk(os.fsencode(root), warn=lambda _sentence, _path: None)
    runs = [item for item in walk.files(ignore.top, b"") if isinstance(item, Run)]
    seen = [run.seen(at) for run in runs for at in range(len(run))]
    return [each.path for each in seen if each.kind == "file"]


def floor_first(root: Path, files: list[bytes]) -> float:
    """Return the seconds that walking, reading and hashing in two threads take, with nothing stored."""
    began = time.perf_counter()
    _scan(root, files)
    top = os.fsencode(root)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(_hash_all, [(top, files[::2]), (top, files[1::2])]))
    return time.perf_counter() - began


def _hash_all(work: tuple[bytes, list[bytes]]) -> None:
    top, files = work
    for path in files:
        descriptor = os.open(top + b"/" + path, os.O_RDONLY)
        digest = hashlib.sha256()
        while block := os.read(descriptor, 1_048_576):
            digest.update(block)
        os.close(descriptor)
        digest.digest()


def floor_restart(root: Path, files: list[bytes]) -> float:
    """Return the seconds that listing the folders and the stats of the files take."""
    began = time.perf_counter()
    _scan(root, files)
    return time.perf_counter() - began


def _scan(root: Path, files: list[bytes]) -> None:
    wanted = set(files)
    folders = {b""} | {path.rpartition(b"/")[0] + b"/" for path in files if b"/" in path}
    for folder in folders:
        with os.scandir(os.path.join(os.fsencode(root), folder)) as listing:  # noqa: PTH118 - bytes
            for entry in listing:
                if folder + entry.name in wanted:
                    entry.stat(follow_symlinks=False)


def git_status(root: Path) -> None:
    """Time git, where the folder is a repository."""
    if (root / ".git").exists() and shutil.which("git"):
        for _ in range(2):
            began = time.perf_counter()
            subprocess.run(["git", "-C", root, "status", "--porcelain"], capture_output=True, check=True)
            seconds = time.perf_counter() - began
        row("git status", f"{seconds:.2f} s")


def watchman(root: Path) -> None:
    """Time the crawl of watchman, of a server of our own; where it is installed."""
    command = shutil.which("watchman")
    if command is None:
        return
    with tempfile.TemporaryDirectory(prefix="sidecar-bench-") as made:
        own = [f"--sockname={made}/socket", f"--logfile={made}/log", f"--pidfile={made}/pid"]
        server = subprocess.Popen([command, "--foreground", "--no-save-state", *own], stderr=subprocess.DEVNULL)
        while not (Path(made) / "socket").exists() and server.poll() is None:
            time.sleep(0.01)
        began = time.perf_counter()
        for asked in (["watch-project", str(root)], ["query", str(root), {"fields": ["name"], "expression": "true"}]):
            talk = [command, "--json-command", "--no-spawn", own[0]]
            subprocess.run(talk, input=json.dumps(asked).encode(), capture_output=True, check=True)
        row("watchman's crawl", f"{time.perf_counter() - began:.2f} s")
        server.terminate()
        server.wait()
