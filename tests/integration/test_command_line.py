"""What the command line does only as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from sidecar.cli import exits

ROOT = Path(__file__).parents[2]


def test_a_reader_that_goes_away_is_no_noise(tmp_path: Path) -> None:
    program = (
        "import sys; from sidecar import cli\n"
        "cli.command_line.commands['status'].callback = lambda **_: print('x' * 2**20)\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program + "sys.exit(cli.run(['status']))"],
        env={"SIDECAR_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (exits.PIPE_CLOSED, b"")


def test_help_imports_nothing_heavy() -> None:
    program = "import sys; import sidecar.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert not {"aiohttp", "pydantic", "rich", "lmdb", "watchfiles"} & set(done.stdout.split())


def test_commands_and_options_are_completed() -> None:
    words = {"COMP_WORDS": "sidecar service in", "COMP_CWORD": "2", "_SIDECAR_COMPLETE": "bash_complete"}
    program = [sys.executable, "-c", "import sidecar.cli; sidecar.cli.main()"]
    done = subprocess.run(program, env=words, capture_output=True, text=True, check=False)
    assert done.stdout == "plain,install\n"
