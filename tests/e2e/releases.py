"""Other versions of this program, built from this checkout: what an upgrade comes from and a downgrade goes back to."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def wheel_of(version: str, folder: Path, *, schema: int | None = None) -> Path:
    """Build a wheel that is this checkout's but for its version, and for that of what its stores keep."""
    tree = folder / f"tree-{version}"
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True).stdout
    for name in filter(None, listed.split(b"\0")):
        source = ROOT / os.fsdecode(name)
        if source.exists():
            target = tree / os.fsdecode(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    _replace(tree / "pyproject.toml", r'^version = ".*"$', f'version = "{version}"')
    _replace(tree / "sidecar" / "__init__.py", r'^__version__ = ".*"$', f'__version__ = "{version}"')
    if schema is not None:
        _replace(tree / "sidecar" / "repositories" / "migrations.py", r"^SCHEMA = \d+$", f"SCHEMA = {schema}")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=tree, check=True)
    shutil.rmtree(tree)
    [wheel] = folder.glob(f"sidecar-{version}-*.whl")
    return wheel


def unpacked(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel; on PYTHONPATH it comes before the checkout."""
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def _replace(file: Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, f"{pattern} in {file}"
    file.write_text(changed, encoding="utf-8")
