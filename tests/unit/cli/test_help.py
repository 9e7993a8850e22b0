"""What the help says of each command: short enough for its list, and with examples that work."""

import shlex
from collections.abc import Iterator

import click
import pytest

from sidecar.cli import SECTIONS, command_line, events, exits, run
from sidecar.cli.help import Command, Group
from sidecar.feed.log import TOPICS

ACTIONS = {"up", "down", "logout", "completion", "export", "delete", "remove", "install", "uninstall"}


def every_command(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield before + name, command
        if isinstance(command, click.Group):
            yield from every_command(command, f"{before}{name} ")


COMMANDS = dict(every_command(command_line))
LEAVES = {name: command for name, command in COMMANDS.items() if not isinstance(command, click.Group)}


def test_every_command_stands_in_one_section() -> None:
    shown = [command for commands in SECTIONS.values() for command in commands]
    assert len(shown) == len(set(shown)) == len(command_line.commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_in_one_line_of_a_narrow_terminal(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = (COMMANDS[name].help or "").partition("\n\n")[0]
    assert first.count(".") - first.count("config.toml") == 1, "one sentence"
    assert run([*name.split()[:-1], "--help"]) == exits.DONE
    own = name.rsplit(maxsplit=1)[-1]
    [line] = [each for each in capsys.readouterr().out.splitlines() if each.split()[:1] == [own]]
    assert line.endswith(".")
    assert not line.endswith("..."), "not cut off"


@pytest.mark.parametrize("name", LEAVES)
def test_what_lists_or_shows_can_write_json(name: str) -> None:
    options = {option for parameter in LEAVES[name].params for option in parameter.opts}
    assert "--json" in options or name.rsplit(maxsplit=1)[-1] in ACTIONS


@pytest.mark.parametrize("example", [line for command in LEAVES.values() for line in getattr(command, "examples", ())])
def test_an_example_is_a_command_with_options_that_exist(example: str) -> None:
    words = [word for word in shlex.split(example.partition("|")[0].partition("<")[0].partition(">")[0]) if word]
    assert words.pop(0) == "sidecar"
    command: click.Command = command_line
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    context = click.Context(command, info_name="example")
    given = [word for word in words if not word.startswith("/")]
    parser = command.make_parser(context)
    parser.parse_args(args=list(given))  # raises when an option is unknown
    assert isinstance(command, Command)


def test_commands_of_groups_can_have_examples() -> None:
    groups = [command for command in COMMANDS.values() if isinstance(command, Group)]
    assert len(groups) > 5
    assert all(isinstance(each, Command) for group in groups for each in group.commands.values())


def test_the_topics_of_events_are_the_daemons() -> None:
    assert set(events.TOPICS) == TOPICS
