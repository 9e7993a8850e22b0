import os
import plistlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sidecar.cli.login_services.command import Command
from sidecar.cli.login_services.launchd import LaunchAgent
from sidecar.cli.login_services.port import Installed
from sidecar.cli.login_services.systemd import UserUnit
from sidecar.cli.login_services.windows import LogonTask
from sidecar.errors import InvalidError, UnavailableError

PLAIN = Command((sys.executable, "-P", "-m", "sidecar"), {})
ODD = Command(
    ('/opt/my $HOME/50%/py"th\\on', "/a/$b", "-m", "sidecar"),
    {"SIDECAR_HOME": '/odd "home" 5%\\x', "SIDECAR_PORT": "1"},
)


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(autouse=True)
def no_manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide this account's own service manager: only files are touched here."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def test_installing_writes_the_unit_and_its_link_and_uninstalling_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "config"
    unit = UserUnit(PLAIN, home)
    assert unit.report().installed is Installed.NO
    assert not unit.install(), "no manager was told"
    assert tree(home) == [
        "systemd",
        "systemd/user",
        "systemd/user/default.target.wants",
        "systemd/user/default.target.wants/sidecar.service",
        "systemd/user/sidecar.service",
    ]
    assert unit.link.resolve() == unit.file.resolve()
    assert unit.report() == (Installed.CURRENT, unit.file, None)
    first = unit.file.read_bytes()
    unit.install()
    assert unit.file.read_bytes() == first
    assert unit.uninstall() == [unit.link, unit.file]
    assert tree(home) == []
    assert unit.uninstall() == []


def test_uninstalling_leaves_what_is_not_ours(tmp_path: Path) -> None:
    other = tmp_path / "systemd" / "user" / "other.service"
    other.parent.mkdir(parents=True)
    other.touch()
    unit = UserUnit(PLAIN, tmp_path)
    unit.install()
    unit.uninstall()
    assert tree(tmp_path) == ["systemd", "systemd/user", "systemd/user/other.service"]


def test_a_unit_that_can_not_be_read_or_removed_is_said_to_be(tmp_path: Path) -> None:
    unit = UserUnit(PLAIN, tmp_path)
    (unit.file / "in").mkdir(parents=True)
    for look in (unit.report, unit.uninstall, unit.install):
        with pytest.raises(UnavailableError, match=r"sidecar\.service can not be (read|removed|written): "):
            look()


def test_a_unit_of_a_moved_environment_is_outdated_and_installing_repairs_it(tmp_path: Path) -> None:
    UserUnit(Command(("/moved/away/bin/python", "-P", "-m", "sidecar"), {}), tmp_path).install()
    unit = UserUnit(PLAIN, tmp_path)
    assert unit.report().installed is Installed.OUTDATED
    unit.install()
    assert unit.report().installed is Installed.CURRENT
    unit.link.unlink()
    assert unit.report().installed is Installed.OUTDATED, "it would not start at login"


@pytest.mark.parametrize("folder", ["plain", "v$env ${HOME} 5%%u"])
@pytest.mark.parametrize("environment", [PLAIN.environment, ODD.environment])
def test_the_unit_passes_systemds_own_check(
    tmp_path: Path, folder: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    python = tmp_path / folder / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    unit = UserUnit(Command((str(python), *PLAIN.words[1:]), environment), tmp_path / "config")
    unit.file.parent.mkdir(parents=True)
    unit.file.write_text(unit.text(), encoding="utf-8")
    try:
        done = subprocess.run(
            ["systemd-analyze", "--user", "verify", unit.file],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not here")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_names_in_the_unit_are_escaped_as_systemd_reads_them(tmp_path: Path) -> None:
    text = UserUnit(ODD, tmp_path).text()
    assert 'ExecStart="/opt/my $HOME/50%%/py\\"th\\\\on" "/a/$$b" "-m" "sidecar" up --service\n' in text
    assert 'Environment="SIDECAR_HOME=/odd \\"home\\" 5%%\\\\x"\nEnvironment="SIDECAR_PORT=1"\n' in text
    assert "@" not in text.replace("@system-service", "")


def test_the_agent_of_macos_starts_the_program_at_login(tmp_path: Path) -> None:
    agent = LaunchAgent(ODD, tmp_path)
    assert not agent.install()
    loaded = plistlib.loads(agent.file.read_bytes())
    assert loaded["ProgramArguments"] == [*ODD.words, "up", "--service"]
    assert loaded["EnvironmentVariables"] == ODD.environment
    assert loaded["RunAtLoad"] is True
    assert loaded["KeepAlive"] == {"SuccessfulExit": False}
    assert agent.report().installed is Installed.CURRENT
    assert LaunchAgent(PLAIN, tmp_path).report().installed is Installed.OUTDATED
    assert agent.uninstall() == [agent.file]
    assert tree(tmp_path) == []
    assert agent.uninstall() == []


def test_an_agent_is_loaded_anew_when_the_one_before_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As launchd does, ``bootout`` answers at once, and for as long as the agent ends it refuses another."""
    programs = tmp_path / "programs"
    programs.mkdir()
    left = tmp_path / "left"
    left.write_text("xxx", encoding="utf-8")
    played = f"""#!/bin/bash
        case $1 in
            print) left=$(<{left}); printf %s "${{left#x}}" >{left}; [ -n "$left" ] ;;
            bootstrap) [ ! -s {left} ] && echo "$2 $3" >{tmp_path}/loaded ;;
        esac
    """
    (programs / "launchctl").write_text(played, encoding="utf-8")
    (programs / "launchctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    agent = LaunchAgent(PLAIN, tmp_path)
    agent.start()
    assert (tmp_path / "loaded").read_text(encoding="utf-8") == f"gui/{os.getuid()} {agent.file}\n"


@pytest.mark.parametrize("odd", ["100%", "%HOME%", 'a"b'])
def test_a_task_of_windows_that_would_mean_something_else_is_refused(tmp_path: Path, odd: str) -> None:
    for command in (Command((odd, *PLAIN.words[1:]), {}), Command(PLAIN.words, {"SIDECAR_HOME": odd})):
        with pytest.raises(InvalidError, match="no % and no quotation mark"):
            LogonTask(command, tmp_path).content()


@pytest.mark.parametrize(
    "command", [PLAIN, Command(("C:\\My Python\\python.exe", "-m", "sidecar"), {"SIDECAR_PORT": "1"})]
)
def test_the_task_of_windows_starts_the_program_at_logon(tmp_path: Path, command: Command) -> None:
    task = ET.fromstring(LogonTask(command, tmp_path).content())  # noqa: S314 - written by ourselves
    names = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    run = " ".join(task.findtext(f"t:Actions/t:Exec/t:{part}", "", names) for part in ("Command", "Arguments"))
    assert run.endswith("-m sidecar up --service")
    assert run.startswith("cmd.exe /d /c set" if command.environment else command.words[0])
    assert all(f'set "{name}={value}"' in run for name, value in command.environment.items())
    assert task.find("t:Triggers/t:LogonTrigger", names) is not None


def test_a_single_file_program_is_started_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile  # noqa: PLC0415 - of this test alone

    with zipfile.ZipFile(tmp_path / "sidecar.pyz", "w") as archive:
        archive.writestr("__main__.py", "")
    monkeypatch.setattr("sys.argv", [str(tmp_path / "sidecar.pyz"), "service", "install"])
    assert Command.of_this_process({}).words == (sys.executable, str(tmp_path / "sidecar.pyz"))
    monkeypatch.setattr("sys.argv", ["/usr/bin/sidecar"])
    assert Command.of_this_process({}).words == (sys.executable, "-P", "-m", "sidecar")
