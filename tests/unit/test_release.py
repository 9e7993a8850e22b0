"""What `scripts/release` builds: the same bytes each time, whole, and able to run without the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_release_is_reproducible_and_its_wheel_runs_by_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "release", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    [_] = tmp_path.glob("*.tar.gz")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    packaged = {path.name for path in (tmp_path / "installed" / "sidecar" / "packaging").rglob("*.*")}
    assert packaged == {"sidecar.service", "sidecar.plist", "sidecar.xml"}
    program = (
        "import sidecar\nfrom sidecar.cli import run\nfrom sidecar.cli.login_services.command import template\n"
        f"assert sidecar.__file__.startswith({str(tmp_path)!r}), sidecar.__file__\n"
        "assert template('systemd/sidecar.service').count('@COMMAND@') == 1\n"
        "raise SystemExit(run(['--version']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
