"""The program itself, to which every command is added."""

from typing import Annotated

import typer

from impasto._version import __version__
from impasto.settings import recipes

app = typer.Typer(
    name="impasto",
    help="Neural style transfer: a photograph and a painting in, a picture out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 all went well, 1 it failed, 2 it was asked wrongly, 130 it was interrupted (the optimiser's picture so far is kept). "
    f"Recipes: {', '.join(recipes.RECIPES)}.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
