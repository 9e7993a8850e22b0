"""``sidecar completion``: the lines that make a shell complete our commands and options."""

import click

from sidecar.cli.help import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands and names.

    Put it where the shell reads it at its start, for example: sidecar completion bash >> ~/.bashrc
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows the shells of the choice above
    click.echo(kind(context.find_root().command, {}, "sidecar", "_SIDECAR_COMPLETE").source())
