"""What commands write to: pipes that end early, full disks, terminals with and without colours, completing shells."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from sidecar.cli import exits
from sidecar.client import connect
from tests.e2e.daemons import DaemonProcess
from tests.e2e.terminals import on_a_terminal

pytestmark = pytest.mark.usefixtures("watching")


@pytest.fixture
def workspace(workspace: Path) -> Path:
    for number in range(1_500):  # more than a pipe holds
        (workspace / f"one-of-many-{number}.txt").write_text(str(number), encoding="utf-8")
    return workspace


async def shown(daemon: DaemonProcess, *arguments: str, **variables: str) -> str:
    """Run a command with a terminal as its output, and return what it shows."""
    with on_a_terminal(daemon, *arguments, **variables) as terminal:
        assert await terminal.ended() == exits.DONE, terminal.heard
    return terminal.heard.decode()


async def test_a_reader_that_has_seen_enough_ends_a_command_quietly(daemon: DaemonProcess) -> None:
    for words in ("files ls", "files ls --json", "events --json", "sessions export"):
        with subprocess.Popen(
            daemon.command(*words.split()),
            env=daemon.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            errors = process.stderr.read()
            code = process.wait()
        assert errors == b"", words
        assert code in (exits.PIPE_CLOSED, exits.DONE), "done, where all of it fitted into the pipe"


async def test_a_full_disk_behind_standard_output_is_one_sentence(daemon: DaemonProcess) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = subprocess.run(
        daemon.command("files", "ls"), env=daemon.environment, stdout=full, stderr=subprocess.PIPE, check=False
    )
    os.close(full)
    assert done.returncode == exits.FAILED
    assert done.stderr == b"sidecar: Standard output can not be written: No space left on device.\n"


async def test_a_stream_that_is_closed_is_no_fault(daemon: DaemonProcess) -> None:
    cases = (
        ("login a@b", "0<&-", exits.USAGE, 1),
        ("status", "1>&-", exits.DONE, 0),
        ("status", "2>&-", exits.DONE, 0),
    )
    for words, closed, code, sentences in cases:
        line = f"{shlex.join(daemon.command(*words.split()))} {closed}"
        done = subprocess.run(["sh", "-c", line], env=daemon.environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (code, sentences), done.stderr


async def test_an_output_that_lacks_a_letter_shows_its_escape(daemon: DaemonProcess) -> None:
    daemon.run("settings", "set", "editor", "word", "grüße")
    done = daemon.run("settings", "list", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stdout) == (exits.DONE, 'editor word = "gr\\xfc\\xdfe"\n')


async def test_colours_are_for_terminals_whose_user_wants_them(daemon: DaemonProcess) -> None:
    assert "\x1b[32mwatching" in await shown(daemon, "status")
    assert "\x1b" not in await shown(daemon, "status", NO_COLOR="1")
    assert "\x1b" not in await shown(daemon, "status", TERM="dumb")
    assert "\x1b" not in daemon.run("status").stdout
    assert "\x1b" not in await shown(daemon, "status", "--json")
    assert "There are none." in await shown(daemon, "sessions", "list")
    assert daemon.run("sessions", "list").stderr == ""


async def test_shells_complete_ids_folders_and_addresses(daemon: DaemonProcess) -> None:
    async with connect(daemon.runtime_dirs) as client:
        body = {"name": "Fix the parser", "workspace_path": str(daemon.workspace)}
        session = (await client.request("POST", "/api/v5/sessions", body=body))["id"]
        snapshot = (await client.request("POST", f"/api/v5/sessions/{session}/snapshots", body={}))["id"]
        for key in ("font_size", "family"):
            await client.request("PUT", f"/api/v5/settings/editor/{key}", body={"value": 1})

    def completed(words: str, **variables: str) -> list[str]:
        count = str(len(words.split(" ")) - 1)
        done = daemon.run(_SIDECAR_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count, **variables)
        assert done.stderr == ""
        return [line.partition(",")[2] for line in done.stdout.splitlines() if line]

    assert completed("sidecar sessions show ") == [session]
    assert completed(f"sidecar sessions export {session[:3]}") == [session]
    assert completed("sidecar sessions show ff") == []
    assert completed(f"sidecar sessions diff {session} ") == [snapshot]
    assert completed(f"sidecar sessions restore {session} 0") == [snapshot]
    assert completed("sidecar settings get ") == ["editor"]
    assert completed("sidecar settings delete editor f") == ["family", "font_size"]
    assert completed("sidecar config set log_l") == ["log_level"]
    assert completed("sidecar watch rm ") == [str(daemon.workspace)]
    assert len(completed("sidecar users role ")) == 1
    assert completed("sidecar watch rm ", SIDECAR_HOME=str(daemon.home / "nobody")) == []
    assert completed("sidecar events --topic mess") == ["messages"]


async def test_bash_completes_odd_folders_as_one_word(daemon: DaemonProcess, tmp_path: Path) -> None:
    names = ["two  words", "it's $HOME, `x` and *", "back\\slash", "two\nlines"]
    for name in names:
        (tmp_path / "odd" / name).mkdir(parents=True)
        daemon.json("watch", "add", str(tmp_path / "odd" / name))
    ids = {each["path"]: each["id"] for each in daemon.json("watch", "list")}
    program = tmp_path / "bin" / "sidecar"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join(daemon.command())} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    begun = str(tmp_path / "odd") + "/"
    script = daemon.run("completion", "bash").stdout + (
        f"\nPATH={shlex.quote(str(program.parent))}:$PATH COMP_CWORD=3\n"
        f"for word in {shlex.join([begun, chr(34) + begun])}; do\n"
        'COMP_WORDS=(sidecar watch rm "$word") COMPREPLY=(); _sidecar_completion sidecar\n'
        "printf '%s\\n' \"${COMPREPLY[@]}\"; done\n"
    )
    done = subprocess.run(
        ["bash", "-c", script], env=daemon.environment, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr == ""
    words, in_quotes = done.stdout.splitlines()[:3], done.stdout.splitlines()[3:]
    assert sorted(each for line in words for each in shlex.split(line)) == sorted(begun + each for each in names[:3])
    assert sorted(in_quotes) == sorted(begun + each for each in names[:3]), "bash closes the quotation mark"

    assert daemon.run("watch", "rm", "f" * 8).returncode == exits.FAILED
    assert daemon.json("watch", "rm", ids[begun + names[3]][:30])[0]["path"] == begun + names[3]
