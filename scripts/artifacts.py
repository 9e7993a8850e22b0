"""What a release consists of: how each file is made from a commit, and whether it runs on its own.

Called by scripts/release. The wheel and the source archive are hatchling's; the single file (``.pyz``) is shiv's: the
wheel and what constraints.txt pins, for the Python and the kind of machine that make it, unpacked where it first runs.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNNING_END = "# --- building ---"
UNPACKED_IN = "~/.cache/sidecar"
# Left out of the single file: they name the machine and the tools that made it, and nothing reads them.
_OF_THIS_MACHINE = ("bin", *(f"*.dist-info/{name}" for name in ("direct_url.json", "RECORD", "REQUESTED", "WHEEL")))


def build() -> dict[str, bytes]:
    """Return the files of one build of the present commit, by their names."""
    archive = _git("archive", "HEAD")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _git("log", "-1", "--format=%ct").decode().strip()}  # noqa: TID251 - a build needs PATH and the like
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        with tarfile.open(fileobj=BytesIO(archive)) as packed:
            packed.extractall(tree, filter="data")
        _run([sys.executable, "-P", "-m", "hatchling", "build"], tree, environment)
        dist = tree / "dist"
        [wheel] = dist.glob("*.whl")
        _make_single_file(tree, wheel, dist / f"{'-'.join(wheel.name.split('-')[:2])}-{_kind()}.pyz", environment)
        return {file.name: file.read_bytes() for file in sorted(dist.iterdir()) if file.is_file()}


def check(folder: Path, name: str) -> str:
    """Let a built file run from an empty environment; return what it was asked, and raise when it fails.

    The daemon is started, asked, and stopped, on a home that is empty.
    """
    with tempfile.TemporaryDirectory() as place:
        home = Path(place, "home")
        home.mkdir()
        environment = {"HOME": str(home), "SIDECAR_PORT": "0", "PATH": os.defpath}
        program = _installed(folder / name, Path(place, "venv"))
        up = [*program, "up", str(home)]
        with subprocess.Popen(up, env=environment, stdout=subprocess.PIPE, text=True) as daemon:
            try:
                assert daemon.stdout is not None  # noqa: S101 - a pipe was asked for
                said = next((line for line in daemon.stdout if "Watching" in line), "")
                status = subprocess.run(
                    [*program, "status", "--json"], env=environment, check=True, capture_output=True, text=True
                )
                subprocess.run([*program, "down"], env=environment, check=True, stdout=subprocess.DEVNULL)
                daemon.wait()
            finally:
                daemon.kill()
        if not said or daemon.returncode:
            raise RuntimeError(f"{name} does not run: exit code {daemon.returncode}")
        return f"{name}: version {json.loads(status.stdout)['version']} was started and stopped"


def _installed(file: Path, place: Path) -> list[str]:
    """Return the words that start a built file; a package is installed, with its pins, in a fresh environment first."""
    if file.suffix == ".pyz":
        return [sys.executable, str(file)]
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(place)
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-P", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    pins = place / "pins.txt"
    pins.write_text(_pins(ROOT), encoding="utf-8")
    subprocess.run([*pip, "--use-pep517", "--require-hashes", "-r", str(pins)], check=True, stdout=sys.stderr)
    subprocess.run([*pip, str(file)], check=True, stdout=sys.stderr)
    return [str(programs / "sidecar")]


def _make_single_file(tree: Path, wheel: Path, target: Path, environment: dict[str, str]) -> None:
    packages = tree.parent / "packages"
    pins = tree.parent / "pins.txt"
    pins.write_text(_pins(tree), encoding="utf-8")
    pip = [sys.executable, "-P", "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    _run([*pip, "--use-pep517", "--require-hashes", "--target", str(packages), "-r", str(pins)], tree, environment)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(packages)  # noqa: S202 - our own, made a moment ago
    for pattern in _OF_THIS_MACHINE:
        for path in packages.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in packages.rglob("*"):  # the builder's umask is its own
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    preamble = tree.parent / "preamble.py"
    text = (tree / "packaging" / "zipapp" / "preamble.py").read_text(encoding="utf-8")
    preamble.write_text(text.replace("@KIND@", _kind()), encoding="utf-8")
    preamble.chmod(0o755)
    options = ["--site-packages", str(packages), "--preamble", str(preamble), "--root", UNPACKED_IN, "--compressed"]
    python = f"/usr/bin/env python3.{sys.version_info.minor}"
    shiv = [sys.executable, "-P", "-m", "shiv.cli"]
    _run([*shiv, "-e", "sidecar.cli:main", "-p", python, "-o", str(target), *options], tree, environment)


def _kind() -> str:
    """Return for which Python and machine compiled packages are; packaging/zipapp/preamble.py spells it the same."""
    machine = os.uname().machine if hasattr(os, "uname") else "windows"
    return f"{sys.implementation.cache_tag}-{sys.platform}-{machine}"


def _pins(tree: Path) -> str:
    return (tree / "constraints.txt").read_text(encoding="utf-8").partition(RUNNING_END)[0]


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def _git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True).stdout
