"""``sidecar settings``: what tools keep for a user, any JSON under a category and a key.

Not the program's own settings: those are ``sidecar config``'s.
"""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from sidecar.cli.help import Group
from sidecar.cli.records import Kind, completed, show_all
from sidecar.cli.talk import as_json_option, printable, talk, write_json
from sidecar.errors import InvalidError

if TYPE_CHECKING:
    from sidecar.client import JsonObject

_PATH = "/api/v5/settings"
_SETTING = Kind("setting", _PATH, "key")
_category_argument = click.argument(
    "category", shell_complete=completed(_SETTING, lambda item: (item["category"], "category"))
)
_key_argument = click.argument(
    "key", shell_complete=completed(_SETTING, lambda item: (item["key"], f"of {item['category']}"))
)


@click.group(cls=Group)
def settings() -> None:
    """Keep settings of your tools: editor, theme, llm and others.

    `sidecar config` is for Sidecar's own.
    """


@settings.command("list", examples=["sidecar settings list", "sidecar settings list --category editor --json"])
@click.option("--category", help="Only settings of this category.")
@as_json_option
def list_(*, category: str | None, as_json: bool) -> None:
    """List your settings: category, key, value as JSON."""
    show_all(_PATH, _line, as_json=as_json, only=lambda item: category in (None, item["category"]))


@settings.command(examples=["sidecar settings get editor font_size"])
@_category_argument
@_key_argument
@as_json_option
def get(category: str, key: str, *, as_json: bool) -> None:
    """Print the value of a setting, as JSON.

    With --json the whole record.
    """
    found = talk(lambda daemon: daemon.request("GET", _place(category, key)))
    write_json(found if as_json else found["value"])


@settings.command(
    "set",
    context_settings={"ignore_unknown_options": True},  # -5 is a value
    examples=[
        "sidecar settings set editor font_size 14",
        "sidecar settings set theme name dark",
        'sidecar settings set llm models \'["small", "large"]\'',
    ],
)
@_category_argument
@_key_argument
@click.argument("value")
@as_json_option
def set_(category: str, key: str, value: str, *, as_json: bool) -> None:
    """Store VALUE under CATEGORY and KEY.

    As JSON if it is JSON, else as text.
    """
    body = {"value": _value(value)}
    kept = talk(lambda daemon: daemon.request("PUT", _place(category, key), body=body))
    write_json(kept) if as_json else click.echo(_line(kept))


@settings.command(examples=["sidecar settings delete editor font_size"])
@_category_argument
@_key_argument
def delete(category: str, key: str) -> None:
    """Delete a setting."""
    talk(lambda daemon: daemon.request("DELETE", _place(category, key)))
    click.echo(f"Deleted {printable(category)} {printable(key)}.")


def _place(category: str, key: str) -> str:
    """Return the path of a setting in the API."""
    for each in (category, key):
        if each in ("", ".", ".."):
            raise InvalidError(f"A setting has a category and a key; {each!r} can be neither.")
        if not each.isascii() or not each.isprintable():
            raise InvalidError(f"{each!a} has to be printable ASCII, as categories and keys are.")
    return f"{_PATH}/{quote(category, safe='')}/{quote(key, safe='')}"


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _line(setting: "dict[str, Any] | JsonObject") -> str:
    value = json.dumps(setting["value"], ensure_ascii=False)
    return printable(f"{setting['category']} {setting['key']} = {value}")
