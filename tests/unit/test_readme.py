"""What README.md says of settings, folders, commands and files is compared with the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from sidecar.cli import command_line
from sidecar.config import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its head."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_setting_is_in_the_table_with_its_default_and_meaning() -> None:
    told = {name.strip("`"): row for row in table("Settings") for name in row[0].split()}
    assert set(told) == set(Settings.model_fields) - {"home", "config_dir"}
    for name in ("port", "host", "log_level"):
        field = Settings.model_fields[name]
        assert told[name][1:] == [f"`{field.default}`", field.description]
    for name in (each for each in told if each.startswith("fdb_")):
        assert told[name][1:] == ["none", Settings.model_fields[name].description]
    assert told["store"][2] == Settings.model_fields["store"].description


@pytest.mark.parametrize(("column", "platform"), [(1, Unix), (2, MacOS)])
def test_the_folders_are_where_the_platform_keeps_them(
    column: int, platform: type[Unix | MacOS], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/you")
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    folders = platform("sidecar", appauthor=False)
    there = [folders.user_data_dir, folders.user_state_dir, folders.user_log_dir, folders.user_config_dir]
    assert [row[column].strip("`").replace("~", "/home/you") for row in table("Where your data is")] == there


def commands(words: str) -> tuple[click.Command, str]:
    """Return the command that a line names, and its full name."""
    name, *more = words.split()
    command: click.Command = command_line.commands[name]
    if isinstance(command, click.Group):
        name, command = f"{name} {more[0]}", command.commands[more[0]]
    return command, name


def every_command(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, f"{before}{name} ")
        else:
            yield before + name


def test_every_command_is_named_and_every_name_exists_with_its_options() -> None:
    named = set(re.findall(r"`?(?:\$ |`)sidecar ([a-z][^`\n]*)", README))
    assert {commands(words)[1] for words in named} | {"up"} == set(every_command(command_line))
    for words in named:
        known = {option for parameter in commands(words)[0].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z]+", words)) <= known


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target
