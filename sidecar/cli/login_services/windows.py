"""The logon task of Windows: registered from an XML file that we keep, to compare with later."""

import getpass
import subprocess
from pathlib import Path, PureWindowsPath
from xml.sax.saxutils import escape

from sidecar.cli.login_services.command import Command, must_tell, removed, tell, template, write_whole
from sidecar.cli.login_services.port import Report
from sidecar.errors import InvalidError

NAME = "Sidecar"
_RUNNING = "4"  # TASK_STATE_RUNNING


class LogonTask:
    """Our task in the user's scheduler.

    Args:
        command: What it starts.
        folder: Where its definition is kept.
    """

    def __init__(self, command: Command, folder: Path) -> None:
        self._command = command
        self.file = folder / "logon-task.xml"

    def content(self) -> bytes:
        """Return the task's definition; a task has no environment, so variables are set by a shell before it.

        Raises:
            InvalidError: There is a character in it that the scheduler or the shell would take for its own.
        """
        for each in (*self._command.words, *(f"{name}={value}" for name, value in self._command.environment.items())):
            if any(taken in each for taken in '%"'):
                raise InvalidError(f"A logon task can hold no % and no quotation mark, as there is in {each!r}.")
        program, *words = (_without_console(self._command.words[0]), *self._command.words[1:], "up", "--service")
        if self._command.environment:
            sets = " && ".join(f'set "{name}={value}"' for name, value in sorted(self._command.environment.items()))
            started = subprocess.list2cmdline([program, *words])
            program, words = "cmd.exe", ["/d", "/c", f"{sets} && {started}"]
            arguments = " ".join(words)
        else:
            arguments = subprocess.list2cmdline(words)
        text = template("windows/sidecar.xml").replace("@USER@", escape(getpass.getuser()))
        text = text.replace("@PROGRAM@", escape(program)).replace("@ARGUMENTS@", escape(arguments))
        return text.encode("utf-16")

    def install(self) -> bool:
        """Register the task, replacing an earlier one."""
        write_whole(self.file, self.content())
        must_tell("schtasks", "/Create", "/TN", NAME, "/XML", str(self.file), "/F")
        return True

    def start(self) -> None:
        """Run the task now, anew when it runs."""
        tell("schtasks", "/End", "/TN", NAME)
        must_tell("schtasks", "/Run", "/TN", NAME)

    def uninstall(self) -> list[Path]:
        """End the task, remove it and its definition."""
        tell("schtasks", "/End", "/TN", NAME)
        tell("schtasks", "/Delete", "/TN", NAME, "/F")
        return removed(self.file)

    def report(self) -> Report:
        """Compare what is there with what would be written now, and ask the scheduler."""
        # What schtasks says of it is in the user's language; a number is not.
        question = f"[int](Get-ScheduledTask -TaskName {NAME} -ErrorAction Stop).State"
        answer = tell("powershell", "-NoProfile", "-NonInteractive", "-Command", question)
        running = None if answer is None else answer.returncode == 0 and answer.stdout.strip() == _RUNNING
        return Report.of(self.file, self.content(), running=running)


def _without_console(program: str) -> str:
    """Return the interpreter that opens no window, when it lies beside the one that runs."""
    path = PureWindowsPath(program)
    quiet = path.with_name("pythonw.exe")
    return str(quiet) if path.name.lower() == "python.exe" and Path(str(quiet)).exists() else program
