"""What ``scripts/release`` builds: the same bytes each time, whole, and each file runs without the checkout."""

import hashlib
import importlib.util
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from sidecar import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a release; that two builds are the same bytes is the script's own check.

    Without ``--unchecked`` it also installs and runs each file; here the single file runs, the wheel is installed by
    ``test_new_user``, and the source archive makes that wheel.
    """
    folder = tmp_path_factory.mktemp("release")
    command = [sys.executable, str(ROOT / "scripts" / "release"), str(folder), "--unchecked"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for file in folder.iterdir():
        assert f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" in done.stdout
    return folder


def test_a_release_is_a_wheel_a_source_archive_and_a_single_file(release: Path) -> None:
    assert sorted(file.name.rpartition(".")[2] for file in release.iterdir()) == ["gz", "pyz", "whl"]


def test_the_single_file_runs_from_an_empty_environment(release: Path) -> None:
    [program] = release.glob("*.pyz")
    spec = importlib.util.spec_from_file_location("artifacts", ROOT / "scripts" / "artifacts.py")
    assert spec is not None
    assert spec.loader is not None
    artifacts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(artifacts)
    assert artifacts.check(release, program.name) == f"{program.name}: version {__version__} was started and stopped"


def test_the_source_archive_makes_the_same_wheel(release: Path, tmp_path: Path) -> None:
    [source], [wheel] = release.glob("*.tar.gz"), release.glob("*.whl")
    with tarfile.open(source) as packed:
        packed.extractall(tmp_path, filter="data")
    [tree] = tmp_path.iterdir()
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=tree, check=True)
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(tmp_path / wheel.name) as theirs:
        assert {name: ours.read(name) for name in ours.namelist()} == {
            name: theirs.read(name) for name in theirs.namelist()
        }


def test_the_wheel_holds_the_templates_of_login_services(release: Path) -> None:
    [wheel] = release.glob("*.whl")
    packaged = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("sidecar/packaging/")}
    assert packaged == {"sidecar.service", "sidecar.plist", "sidecar.xml"}


def test_the_single_file_installs_itself_as_the_login_service(release: Path, tmp_path: Path) -> None:
    [program] = release.glob("*.pyz")
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path / "no-session")}
    installed = subprocess.run(
        [sys.executable, program, "service", "install"], env=environment, capture_output=True, text=True, check=True
    )
    assert installed.stderr == ""
    unit = (tmp_path / ".config/systemd/user/sidecar.service").read_text(encoding="utf-8")
    assert f'ExecStart="{sys.executable}" "{program}" up --service\n' in unit
    removed = subprocess.run(
        [sys.executable, program, "service", "uninstall"], env=environment, capture_output=True, text=True, check=True
    )
    assert f"  {tmp_path / '.cache' / 'sidecar'}\n" in removed.stdout, "where it was unpacked"


def test_the_single_file_says_which_python_it_was_made_for(release: Path, tmp_path: Path) -> None:
    [program] = release.glob("*.pyz")
    program_text = (
        "import runpy, sys\n"
        "sys.implementation.cache_tag = 'cpython-399'\n"
        f"sys.argv = [{str(program)!r}, '--version']\n"
        f"runpy.run_path({str(program)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program_text], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("sidecar: This file was made for cpython-3"), done.stderr
    assert "this Python is cpython-399" in done.stderr
