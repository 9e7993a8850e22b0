"""Makes `.venv` in the checkout, pinned by constraints.txt, or finds that it is already right.

Called by scripts/run (`running`) and scripts/test (`development`) with whatever Python the machine has; uses the
standard library alone. A stamp is written last, so an installation that was interrupted is made anew.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SECTION_END = "# --- development ---"


def pins(section: str) -> str:
    """Return the part of constraints.txt that a section needs."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return text.partition(SECTION_END)[0] if section == "running" else text


def stamp_text(section: str) -> str:
    """Return a digest of what the environment was made from: pins, project, interpreter, place."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = json.dumps([project["build-system"], project["project"], project["tool"]["hatch"]])
    parts = [pins(section), installed, sys.version, sys.base_prefix, str(ROOT)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_ready(section: str) -> bool:
    """Return whether the section was installed whole, and for this checkout as it is now."""
    stamp = VENV / f"sidecar-{section}.stamp"
    return venv_python().exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == stamp_text(section)


def venv_python() -> Path:
    """Return the environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(section: str) -> None:
    """Install a section's pins, then the checkout itself, and stamp the environment."""
    if not is_ready("running"):
        shutil.rmtree(VENV, ignore_errors=True)
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(VENV)
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(pins(section), encoding="utf-8")
        # foundationdb comes as source with a setup.py, which newer pips build only this way and older ones warn about.
        pip("--use-pep517", "--require-hashes", "-r", str(requirements))
    pip("--no-deps", "--no-build-isolation", "-e", str(ROOT))
    for done in {"running", section}:
        (VENV / f"sidecar-{done}.stamp").write_text(stamp_text(done), encoding="utf-8")


def pip(*arguments: str) -> None:
    """Run the environment's `pip install`; its own output goes to standard error."""
    command = [str(venv_python()), "-P", "-m", "pip", "install", "--quiet", "--no-user", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], check=True, stdout=sys.stderr)


@contextmanager
def alone() -> Iterator[None]:
    """Hold a lock of the operating system, so that two starts at once do not install over each other."""
    if os.name == "nt":
        yield
        return
    import fcntl  # noqa: PLC0415 - Windows has none

    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def main(section: str) -> int:
    """Make the environment ready for a section; return the exit code."""
    if is_ready(section):
        return 0
    with alone():
        if is_ready(section):
            return 0
        print("Making .venv from constraints.txt (once; about half a minute) ...", file=sys.stderr)
        try:
            install(section)
        except subprocess.CalledProcessError:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            print(
                f"pip could not install what constraints.txt pins (its reason stands above). This is Python {version}; "
                "the pins are made for 3.11, so try PYTHON=python3.11.",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
