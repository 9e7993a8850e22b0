"""What the commands about records share: lists read to their end, ids by their beginning, completion, confirmation."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from sidecar import limits
from sidecar.cli.talk import printable, talk, write_line
from sidecar.errors import InvalidError, NotFoundError, SidecarError

if TYPE_CHECKING:
    from sidecar.client import Client

_ID_CHARS = len("01890a5d-ac96-774b-bcce-b302099a8057")
_ID_BEGINNING = re.compile(r"[0-9a-f-]+")

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask first.")


class Kind(NamedTuple):
    """A kind of record, as commands name it.

    Attributes:
        noun: In the singular.
        path: Of its list in the API.
        title: The field that people know a record by.
    """

    noun: str
    path: str
    title: str

    def __str__(self) -> str:
        return self.noun


SESSION = Kind("session", "/api/v5/sessions", "name")
CONVERSATION = Kind("conversation", "/api/v5/conversations", "title")
USER = Kind("user", "/api/v5/users", "email")
WORKSPACE = Kind("watched folder", "/api/v5/workspaces", "path")


def show_all(
    path: str,
    line: Callable[[dict[str, Any]], str],
    *,
    as_json: bool,
    asked: Mapping[str, str] | None = None,
    only: Callable[[dict[str, Any]], bool] = lambda _item: True,
) -> int:
    """Write every item of a list as it comes, a line for people or JSON, and return how many there were.

    On a terminal, a list without an item says so.

    Args:
        asked: What the daemon is asked for.
        only: Chooses among what it answers.
    """

    async def show(daemon: "Client") -> int:
        count = 0
        async for item in daemon.pages(path, asked):
            if not only(item):
                continue
            count += 1
            write_line(json.dumps(item) if as_json else line(item))
        return count

    count = talk(show)
    if count == 0 and sys.stdout.isatty():
        click.echo("There are none.", err=True)
    return count


def is_beginning(given: str) -> bool:
    """Tell whether something can be the beginning of an id, or a whole one."""
    return _ID_BEGINNING.fullmatch(given) is not None and len(given) <= _ID_CHARS


async def full_id(daemon: "Client", kind: Kind, given: str) -> str:
    """Return the id that ``given`` is, or is the beginning of.

    Raises:
        InvalidError: It is no beginning of an id, or of several.
        NotFoundError: It is the beginning of none.
    """
    if not is_beginning(given):
        raise InvalidError(
            f"'{printable(given)}' is no id of a {kind}; `list` shows them, and the beginning is enough."
        )
    if len(given) == _ID_CHARS:
        return given
    found = [item["id"] async for item in daemon.pages(kind.path, _most) if item["id"].startswith(given)]
    return chosen(found, kind, given)


def chosen(found: list[str], kind: Kind, given: str) -> str:
    """Return the one that was found; raises what tells that it was none, or that they were several."""
    if not found:
        raise NotFoundError(f"There is no {kind} {printable(given)}.")
    if len(found) > 1:
        first = ", ".join(found[: limits.ambiguous_ids_shown])
        more = ", ..." if len(found) > limits.ambiguous_ids_shown else ""
        raise InvalidError(f"Several are meant by the {kind} {printable(given)}: {first}{more}; give more of it.")
    return found[0]


_most = {"limit": str(limits.page_items_max)}


def record_argument(
    name: str,
    kind: Kind,
    **attributes: Any,  # noqa: ANN401 - click's own
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return an argument that names a record; shells complete its id."""
    return click.argument(
        name, shell_complete=completed(kind, lambda item: (item["id"], item[kind.title] or "")), **attributes
    )


def completed(
    kind: Kind | Callable[[dict[str, Any]], Kind | None], shown: Callable[[dict[str, Any]], tuple[str, str]]
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return what completes a word by the first page of a list; without a daemon, nothing.

    Args:
        kind: Whose list; or what tells it from the parameters that are given already, None when they do not.
        shown: Returns the word for an item, and what tells a person which one it is.
    """

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del parameter
        meant = kind if isinstance(kind, Kind) else kind(context.params)
        if meant is None:
            return []
        try:
            answer = talk(lambda daemon: daemon.request("GET", meant.path, params=_most), tell_version=False)
        except SidecarError:
            return []  # a shell that completes shows no errors
        words = dict(map(shown, answer["items"]))
        # One that is not printable would take several of the lines that a shell reads
        fitting = (word for word in words if word.startswith(incomplete) and word.isprintable())
        return [CompletionItem(word, help=printable(words[word])) for word in fitting]

    return complete


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; raises unless the answer is yes, or where nobody can be asked and ``--yes`` is not given."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidError(f"{question} Nobody can be asked here: give --yes.")
    click.confirm(question, abort=True, err=True)
