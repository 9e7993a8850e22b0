"""What happens to an exception that nobody foresaw: its traceback goes to the log, a sentence to the person."""

import logging
import traceback

import click

from sidecar.cli.talk import printable
from sidecar.errors import SidecarError

log = logging.getLogger(__name__)


def report_unforeseen(error: Exception, *, debug: bool) -> None:
    """Log an exception with its traceback and tell the person where it is; show it when they debug."""
    if debug:
        traceback.print_exception(error)
    click.echo(f"sidecar: Something went wrong inside Sidecar ({type(error).__name__}). {_logged(error)}", err=True)


def _logged(error: Exception) -> str:
    """Write the traceback to the log file, and say where it is to be found."""
    from sidecar import config
    from sidecar.daemon.logs import logging_to

    try:
        file = config.load().log_file
        with logging_to(file, "error"):
            log.error("Unforeseen exception.", exc_info=error)
    except (SidecarError, OSError) as trouble:
        return f"It could not be logged ({printable(str(trouble))}); `sidecar --debug ...` shows it."
    return f"Its traceback is in {printable(str(file))}."
