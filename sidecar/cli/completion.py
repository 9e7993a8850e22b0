"""``sidecar completion``: the lines that make a shell complete our commands and options."""

import click

from sidecar.cli.help import Command

# What click's lines do not do for a word with a blank, a backslash, a star or a comma in it: a folder may have any.
_MENDED = {
    "bash": {
        "read type value": "read -r type value",
        "COMPREPLY+=($value)": """[[ ${COMP_WORDS[COMP_CWORD]} == [\\"\\']* ]] || printf -v value %q "$value"
            COMPREPLY+=("$value")""",
        "    local response\n": "    local response type value completion\n",
        "for completion in $response; do": "while read -r completion; do",
        "    done\n\n    return 0": '    done <<< "$response"\n\n    return 0',
    },
    "fish": {'string split ","': 'string split --max 1 ","'},
}


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
    source = kind(context.find_root().command, {}, "sidecar", "_SIDECAR_COMPLETE").source()
    for lines, better in _MENDED.get(shell, {}).items():
        source = source.replace(lines, better)
    click.echo(source)
