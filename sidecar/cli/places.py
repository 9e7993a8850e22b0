"""How commands are given files and folders."""

import os
from typing import Any

import click


class Place(click.Path):
    """A path as click takes it, but for the empty one, which click takes for the folder that one is in.

    In a script it is a variable that has not been set.
    """

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own
        """Return the path that a command is given."""
        if value == "":
            self.fail("An empty path names nothing; give . for the folder that you are in.", param, ctx)
        return super().convert(value, param, ctx)
