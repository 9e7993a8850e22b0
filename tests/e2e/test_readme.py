"""The commands of README.md are run, and print what it says that they print."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from sidecar.cli import exits
from sidecar.cli.login_services.command import Command
from tests.e2e.daemons import DaemonProcess, clean_environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks() -> dict[str, str]:
    """Return what each console block's command prints, by the command's first two words."""
    found = re.findall(r"```console\n\$ ([^\n]+)\n(.*?)```", README, flags=re.DOTALL)
    return {" ".join(command.split()[:2]).removesuffix(" ~/projects/demo"): output for command, output in found}


def shape(output: str, folder: str) -> str:
    """Return output with its numbers and its folder made alike."""
    return re.sub(r"\d[\d.,]*( [kMG]?B\b)?", "N", output.replace(folder, "FOLDER"))


async def test_scripts_run_and_status_print_what_the_readme_shows(daemon: DaemonProcess) -> None:
    daemon.start(command=[str(ROOT / "scripts" / "run"), str(daemon.workspace)])
    await daemon.wait_for("Watching ")
    expected = shape(blocks()["scripts/run"], "/home/you/projects/demo")
    assert shape(daemon.output, str(daemon.workspace)) == expected

    expected = shape(blocks()["sidecar status"], "/home/you/projects/demo")
    printed = daemon.run("status").stdout
    for ours, usual in (("data", ".local/share/sidecar"), ("log", ".local/state/sidecar/log")):
        printed = printed.replace(str(daemon.home / "side" / ours), f"/home/you/{usual}")
    assert shape(printed, str(daemon.workspace)) == expected

    daemon.signal(signal.SIGINT)
    assert await daemon.wait() == exits.DONE


def test_scripts_run_and_the_login_service_take_no_module_from_the_folder_that_they_start_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "of whoever wrote it"
    folder.mkdir()
    for name in ("venv", "pip", "secrets", "click", "sidecar"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of this folder ran')", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["sidecar"])
    for words in ([str(ROOT / "scripts" / "run")], [*Command.of_this_process({}).words, "up"]):
        done = subprocess.run(
            [*words, "--help"], cwd=folder, env=clean_environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "watch the folder PATH" in done.stdout


def test_scripts_run_is_not_misled_by_where_the_shell_looks_for_folders(tmp_path: Path) -> None:
    environment = {**clean_environment(tmp_path), "CDPATH": "."}  # then `cd` prints where it goes
    done = subprocess.run(
        ["scripts/run", "--help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_scripts_test_runs_the_suite_from_any_folder(tmp_path: Path) -> None:
    assert "scripts/test" in blocks()
    done = subprocess.run(
        [ROOT / "scripts" / "test", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tests/e2e/test_readme.py::" in done.stdout
