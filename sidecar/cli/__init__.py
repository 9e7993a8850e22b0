"""The command line: ``up`` runs the daemon, every other command is a client of it like any other.

Command modules import at their top only what is light; the client, the settings and the daemon are imported by the
command that needs them, when it runs, so that ``sidecar --help`` answers at once.
"""

import errno
import sys
from collections.abc import Sequence

import click

from sidecar import __version__
from sidecar.cli import (
    backup,
    bundle,
    completion,
    config,
    conversations,
    doctor,
    down,
    events,
    exits,
    files,
    login,
    service,
    sessions,
    settings,
    status,
    tokens,
    up,
    users,
    watch,
)
from sidecar.cli.help import Sections
from sidecar.cli.talk import forget_standard_output, prepare_streams, printable
from sidecar.cli.unforeseen import report_unforeseen
from sidecar.errors import SidecarError

SECTIONS = {
    "Daemon": (up.up, down.down, status.status, service.service),
    "Files": (watch.watch, files.files, events.events),
    "Work": (sessions.sessions, conversations.conversations, settings.settings),
    "People": (login.login, login.logout, login.whoami, users.users, tokens.tokens),
    "Upkeep": (backup.backup, backup.restore, doctor.doctor, bundle.bundle, config.config, completion.completion),
}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})  # of a write; an open names its file


class _Program(Sections):
    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a reader that goes away ends it quietly."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            forget_standard_output()
            ctx.exit(exits.PIPE_CLOSED)


@click.group(
    cls=_Program,
    sections=SECTIONS,
    exit_codes=exits.MEANINGS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="sidecar", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Log everything, to standard error too, and show tracebacks.")
@click.pass_context
def command_line(context: click.Context, *, debug: bool) -> None:
    """Keep what you were doing: a small daemon that watches your workspaces and serves them to your tools."""
    context.obj = debug


def main() -> None:
    """Run the command line of this process and exit with its code."""
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; what goes wrong is one sentence on standard error."""
    try:
        code = command_line.main(args=list(arguments), prog_name="sidecar", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        if sys.stderr.isatty():
            click.echo(err=True)  # the shell's prompt does not stand behind ours, or behind ^C
        return exits.INTERRUPTED
    except BrokenPipeError:
        forget_standard_output()
        return exits.PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever it is, a person gets one sentence
        return _tell(error, debug="--debug" in arguments)
    return code if isinstance(code, int) else exits.DONE


def _tell(error: Exception, *, debug: bool) -> int:
    """Say on standard error what went wrong, and return the exit code for it."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
        forget_standard_output()
        click.echo(f"sidecar: Standard output can not be written: {error.strerror}.", err=True)
        return exits.FAILED
    if isinstance(error, SidecarError) and (error.code != SidecarError.code or "request_id" in error.details):
        request = f" (request {error.details['request_id']})" if error.code == SidecarError.code else ""
        click.echo(f"sidecar: {printable(error.message + request)}", err=True)
        return exits.code_of(error)
    report_unforeseen(error, debug=debug)
    return exits.INTERNAL
