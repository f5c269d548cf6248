"""What the command line says of itself for other programs to read: completion files and the man page, for
packagers, and for those who install by hand.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from impasto._version import __version__
from impasto.cli import complete
from impasto.cli.app import app
from impasto.cli.options import with_exit_codes
from impasto.cli.printing import say
from impasto.errors import SettingsError

SHELLS = ("bash", "zsh", "fish", "powershell")
"""Those for which there are completion files."""


@app.command()
@with_exit_codes
def completion(
    shell: Annotated[
        str, typer.Argument(help=f"{', '.join(SHELLS)}.", metavar="SHELL", autocompletion=complete.words(SHELLS))
    ],
) -> None:
    """Print the completion file of a shell, to be put where it looks for them."""
    if shell not in SHELLS:
        raise SettingsError(f"There are completion files for {', '.join(SHELLS)}, and none for {shell!r}.")
    say(get_completion_script(prog_name="impasto", complete_var="_IMPASTO_COMPLETE", shell=shell))


@app.command()
@with_exit_codes
def man() -> None:
    """Print the man page: all commands and options. `impasto man | man -l -` shows it."""
    say("\n".join(page(typer.main.get_command(app))))


def page(program: Any) -> Iterator[str]:
    """The lines of the man page of a program, in roff."""
    yield f'.TH IMPASTO 1 "" "Impasto {__version__}" "User Commands"'
    yield from (".SH NAME", f"impasto \\- {_plain(program.help)}")
    yield from (".SH SYNOPSIS", ".B impasto", _plain("COMMAND [OPTION]... [ARGUMENT]..."), ".SH COMMANDS")
    yield from _commands(program, None)
    yield from (".SH EXIT STATUS", _plain(program.epilog))


def _commands(command: Any, parent: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=command.name or "impasto", parent=parent)
    if own := getattr(command, "commands", None):
        for each in own.values():
            yield from _commands(each, context)
        return
    yield f".SS {_plain(' '.join([context.command_path, *command.collect_usage_pieces(context)]))}"
    yield _plain(command.help)
    for param in command.get_params(context):
        if row := param.get_help_record(context):
            yield from (".TP", f".B {_plain(row[0])}", _plain(row[1]))


def _plain(text: str) -> str:
    r"""A text in which roff sees no orders.

    >>> print(_plain(".5 is --half\n of it"))
    \&.5 is \-\-half of it
    """
    text = re.sub(r"\s+", " ", text).strip().replace("\\", r"\e").replace("-", r"\-")
    return r"\&" + text if text.startswith((".", "'")) else text
