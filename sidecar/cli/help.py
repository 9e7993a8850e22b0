"""How help reads: commands in sections, examples below a command, exit codes below all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import click


class Command(click.Command):
    """A command whose help ends with examples.

    Args:
        examples: Whole command lines, each of which works.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **attributes: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **attributes)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line that is not wrapped: it is there to be copied."""
        del ctx
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


class Sections(Group):
    """The program: its commands by section, and what its exit codes mean.

    Args:
        sections: Commands by the heading that they stand under, in the order in which they are shown.
        exit_codes: What each means.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        sections: Mapping[str, Sequence[click.Command]],
        exit_codes: Mapping[int, str],
        **attributes: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(*args, **attributes)
        self._sections = sections
        self._exit_codes = exit_codes
        for commands in sections.values():
            for command in commands:
                self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands in the order in which they are shown."""
        del ctx
        return [str(command.name) for commands in self._sections.values() for command in commands]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section, its commands under one another in one column for all sections."""
        longest = max(map(len, self.list_commands(ctx)))
        width = formatter.width - longest - 6
        for heading, commands in self._sections.items():
            with formatter.section(heading):
                rows = [(str(each.name).ljust(longest), each.get_short_help_str(width)) for each in commands]
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the exit codes mean."""
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in self._exit_codes.items()])
