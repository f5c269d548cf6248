"""The program itself, to which every command is added."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from impasto._version import __version__
from impasto.cli import process
from impasto.cli.options import FAILED
from impasto.cli.said import stderr
from impasto.cli.usage import Command, Commands
from impasto.machine import interrupts
from impasto.settings import recipes

F = TypeVar("F", bound=Callable[..., Any])


class Program(typer.Typer):
    """Commands, shown and refused as `usage` does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            cls=Commands,
            context_settings={"help_option_names": ["-h", "--help"]},
            no_args_is_help=True,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            **options,
        )

    def command(self, name: str | None = None, **options: Any) -> Callable[[F], F]:
        return super().command(name, **{"cls": Command} | options)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Run as a program, in a process of its own: the entry point."""
        process.prepare()
        try:
            return super().__call__(*arguments, **options)
        except SystemExit as leaving:
            if (failure := process.failure()) is not None and not leaving.code:
                stderr.print(f"impasto: Standard output cannot be written ({failure.strerror}).", markup=False)
                raise SystemExit(FAILED) from None
            raise
        except KeyboardInterrupt:  # before any command had begun
            raise SystemExit(interrupts.code()) from None


app = Program(
    name="impasto",
    help="Neural style transfer: a photograph and a painting in, a picture out.",
    epilog="Exit codes: 0 all went well, 1 it failed, 2 it was asked wrongly, 130, 143 or 129 it was asked to stop by Ctrl-C, SIGTERM or SIGHUP (the optimiser's picture so far is kept). "
    f"Recipes: {', '.join(recipes.RECIPES)}.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
