import os
from pathlib import Path

import pytest

import sidecar.cli
from sidecar import __version__, errors
from sidecar.cli import exits, run
from sidecar.cli.talk import printable, size_text
from sidecar.daemon.lifecycle import InstanceLock


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_HOME", str(tmp_path / "side"))
    return tmp_path / "side"


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["events", "-h"]])
def test_help_is_no_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == exits.DONE
    assert "Usage: sidecar" in capsys.readouterr().out


def test_the_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for code, meaning in exits.MEANINGS.items():
        assert f"{code} {meaning}" in shown


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == exits.DONE
    assert capsys.readouterr().out == f"sidecar {__version__}\n"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["files", "ls", "--no-such-option"], ["watch"], []])
def test_wrong_usage_is_told_on_standard_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == exits.USAGE
    assert "Usage: sidecar" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["status"], ["files", "ls"], ["events"], ["down"], ["watch", "add", "."]])
def test_without_a_daemon_every_client_says_so_in_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == exits.NOT_RUNNING
    output = capsys.readouterr()
    assert output.err == "sidecar: No daemon is running; `sidecar up PATH` starts one.\n"
    assert output.out == ""


@pytest.mark.parametrize("arguments", [["status"], ["files", "ls"], ["down"], ["up", ".", "--replace"]])
def test_who_holds_the_data_folder_and_does_not_answer_is_named(
    arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.stop_wait_seconds_max", 0.0)
    (home / "data").mkdir(parents=True)
    with InstanceLock(home / "data"):
        assert run(arguments) == exits.FAILED
    assert capsys.readouterr().err.startswith(f"sidecar: Process {os.getpid()} holds {home / 'data'}, and no daemon")


def test_up_names_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", str(tmp_path / "absent")]) == exits.USAGE
    assert capsys.readouterr().err == f"sidecar: There is no folder {tmp_path / 'absent'}.\n"


@pytest.mark.parametrize("command", ["up", "backup", "bundle", "watch add", "restore"])
def test_a_name_that_is_too_long_for_any_file_is_one_sentence(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "x" * 300]) in (exits.USAGE, exits.FAILED, exits.NOT_RUNNING)
    assert "Something went wrong" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    ["up", "backup", "restore", "bundle", "watch add", "watch rm", "files ls --workspace", "sessions export -o"],
)
def test_an_empty_path_is_not_the_folder_that_one_is_in(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), ""]) == exits.USAGE
    assert "An empty path names nothing" in capsys.readouterr().err


def test_up_names_a_file_in_the_place_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(["up", str(tmp_path / "file")]) == exits.USAGE
    assert capsys.readouterr().err == f"sidecar: {tmp_path / 'file'} is not a folder.\n"


def test_a_log_that_can_not_be_read_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "log" / "sidecar.log").mkdir(parents=True)
    assert run(["service", "logs"]) == exits.FAILED
    assert capsys.readouterr().err == (
        f"sidecar: The log {home / 'log' / 'sidecar.log'} can not be read: Is a directory.\n"
    )


def test_a_wrong_setting_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", "--port", "99999", "."]) == exits.USAGE
    assert "give a whole number from 0 to 65535" in capsys.readouterr().err


def fail_unforeseen(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a fault")


def test_an_unforeseen_exception_is_one_sentence_and_its_traceback_is_logged(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sidecar.cli.status.talk", fail_unforeseen)
    assert run(["status"]) == exits.INTERNAL
    error = capsys.readouterr().err
    log = home / "log" / "sidecar.log"
    assert error == f"sidecar: Something went wrong inside Sidecar (ZeroDivisionError). Its traceback is in {log}.\n"
    assert "ZeroDivisionError: a fault" in log.read_text(encoding="utf-8")


def test_a_fault_inside_the_daemon_is_told_with_the_request_that_its_log_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(*_: object, **__: object) -> None:
        raise errors.SidecarError("Something went wrong.", details={"request_id": "r-1"})

    monkeypatch.setattr("sidecar.cli.status.talk", answer)
    assert run(["status"]) == exits.INTERNAL
    assert capsys.readouterr().err == "sidecar: Something went wrong. (request r-1)\n"


def test_an_error_can_not_command_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(*_: object, **__: object) -> None:
        raise errors.NotFoundError("There is no \x1b]0;title\x07.")

    monkeypatch.setattr("sidecar.cli.status.talk", answer)
    assert run(["status"]) == exits.FAILED
    assert capsys.readouterr().err == "sidecar: There is no \\x1b]0;title\\x07.\n"


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sidecar.cli.status.talk", fail_unforeseen)
    assert run(["--debug", "status"]) == exits.INTERNAL
    assert "Traceback" in capsys.readouterr().err


def test_where_nothing_can_be_logged_the_sentence_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.touch()
    monkeypatch.setattr("sidecar.cli.status.talk", fail_unforeseen)
    assert run(["status"]) == exits.INTERNAL
    assert "could not be logged" in capsys.readouterr().err


def test_an_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sidecar.cli.status.talk", interrupt)
    assert run(["status"]) == exits.INTERRUPTED
    assert capsys.readouterr().err.strip() == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.AlreadyRunningError("x"), exits.FAILED),
        (errors.UnavailableError("x"), exits.FAILED),
        (errors.UnavailableError("x", code="not_running"), exits.NOT_RUNNING),
        (errors.NotFoundError("x"), exits.FAILED),
        (errors.InvalidError("x"), exits.USAGE),
        (errors.ForbiddenError("x"), exits.REFUSED),
        (errors.UnauthenticatedError("x"), exits.REFUSED),
        (errors.StoreFormatError("x"), exits.STORE_UNREADABLE),
        (errors.CorruptStoreError("x"), exits.STORE_UNREADABLE),
        (errors.SidecarError("x"), exits.INTERNAL),
    ],
)
def test_each_error_has_its_exit_code(error: errors.SidecarError, code: int) -> None:
    assert exits.code_of(error) == code


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == exits.DONE
    assert f"_SIDECAR_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_every_exit_code_has_a_meaning() -> None:
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert codes == set(exits.MEANINGS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain/name.py", "plain/name.py"),
        ("grüße", "grüße"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\udcff", "\\udcff"),
        ("back\\slash", "back\\slash"),
    ],
)
def test_names_can_not_command_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (2 * 10**12, "2.0 TB")])
def test_sizes_are_written_as_people_do(count: int, text: str) -> None:
    assert size_text(count) == text


def test_the_console_script_is_this_module() -> None:
    project = (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    assert 'sidecar = "sidecar.cli:main"' in project
    assert callable(sidecar.cli.main)


@pytest.mark.parametrize("kind", ["embedded", "fdb"])
def test_a_store_that_holds_something_is_said_to_be_movable_where_it_is(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise errors.ConflictError("The store is not empty.")

    monkeypatch.setattr("sidecar.cli.backup._filled", refuse)
    (tmp_path / "backup").touch()

    assert run(["restore", str(tmp_path / "backup"), "--store", f"{kind}:{tmp_path / 'place'}"]) == exits.FAILED
    told = capsys.readouterr().err
    assert "The store is not empty." in told
    assert ("`--replace` moves" in told) == (kind == "embedded")
