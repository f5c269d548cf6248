"""Options derived from `Settings`, and the one place where errors become exit codes."""

import functools
import inspect
import logging
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from rich.console import Console

from impasto.errors import ImpastoError, SettingsError
from impasto.settings.applies import fields_of

if TYPE_CHECKING:
    from impasto.jobs.job import Delivery, RegionFiles

FAILED, MISUSED, INTERRUPTED = 1, 2, 130

_NAMED = {"start": "from", "regions": "region", "sweeps": "sweep", "recipes": "recipe"}
"""What has another name on the command line than in Python."""


def with_dashes(text: str) -> str:
    """A text of the library, in which names stand in backticks, with the options in their place.

    >>> with_dashes("`tv_weight` must be at least 0.")
    '--tv-weight must be at least 0.'
    """
    return re.sub(r"`(\w+)`", lambda found: "--" + _NAMED.get(found[1], found[1]).replace("_", "-"), text)


class _Stderr(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(with_dashes(each) if isinstance(each, str) else each for each in objects), **options)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return with_dashes(super().format(record))


stderr = _Stderr(stderr=True, highlight=False, soft_wrap=True)

Output = typer.Option("--output", "-o", help="File to write.", show_default="named after the input")
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
Styles = Annotated[
    list[str], typer.Argument(help="Paintings, each with a weight if :NUMBER follows.", metavar="STYLE[:WEIGHT]")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON record on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


@dataclass(frozen=True)
class DeliveryOptions:
    """What becomes of a run, the same options for every command that computes a picture."""

    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .png, .tiff, .jpg, .webp or .avif.",
            show_default="named after the inputs",
        ),
    ] = None
    snapshots: Annotated[
        str, typer.Option(help="Also write the picture at these iterations: 200,300 or every:50.", show_default="none")
    ] = ""
    bits: Annotated[int | None, typer.Option(help="Bits a channel, 8 or 16.", show_default="as the input")] = None
    no_metadata: Annotated[
        bool, typer.Option("--no-metadata", help="Leave the record out of the result, and write none beside it.")
    ] = False
    checkpoint_every: Annotated[
        float | None,
        typer.Option(
            help="Seconds between checkpoints, written beside the output as OUTPUT.checkpoint: what --resume goes on from.",
            min=0,
            show_default="none",
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the output's checkpoint: the same command and pictures give the same result as if never cut off.",
        ),
    ] = False
    force: Force = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan: sizes, steps, estimated time and memory; write nothing.")
    ] = False
    json: Json = False
    quiet: Quiet = False

    def of(self) -> "Delivery":
        """What becomes of the result, as a job has it. Raises SettingsError."""
        from impasto.jobs.job import Delivery

        return Delivery(
            output=str(self.output or ""),
            snapshots=self.snapshots,
            bits=self.bits,  # type: ignore[arg-type]  # which the delivery checks
            metadata=not self.no_metadata,
            checkpoint_every=self.checkpoint_every,
        )


def with_delivery(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `DeliveryOptions`; they arrive as its argument ``delivery``."""
    options = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
        for each in fields(DeliveryOptions)
    ]
    return _with_options(command, "delivery", options, lambda given: DeliveryOptions(**given))


def with_settings(*ways: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for every field of `Settings` that may have an effect in one of its ways.

    Those that were given arrive as its argument ``settings``.
    """
    options = [_option(declared) for declared in fields_of(*ways)]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        return _with_options(
            command,
            "settings",
            options,
            lambda given: {name: value for name, value in given.items() if value not in (None, [])},
        )

    return decorate


def _with_options(
    command: Callable[..., None],
    argument: str,
    options: list[inspect.Parameter],
    gathered: Callable[[dict[str, Any]], Any],
) -> Callable[..., None]:
    """``command`` with ``options`` in place of its ``argument``, which gets what ``gathered`` makes of
    them.
    """

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        given = {each.name: arguments.pop(each.name) for each in options}
        command(**arguments, **{argument: gathered(given)})

    signature = inspect.signature(command)
    parameters = [each for name, each in signature.parameters.items() if name != argument] + options
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def with_exit_codes(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what goes wrong in ``command`` into one sentence on stderr and a documented exit code."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        handler = logging.StreamHandler()
        handler.setFormatter(_Formatter("impasto: %(message)s"))
        handler.setLevel(logging.ERROR if options.get("quiet") else logging.WARNING)
        logging.getLogger("impasto").handlers = [handler]
        try:
            command(*arguments, **options)
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            fail("Interrupted.", INTERRUPTED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes stdout
            raise typer.Exit(FAILED) from None
        except ImpastoError as error:
            fail(str(error), MISUSED if isinstance(error, SettingsError) else FAILED)
        except Exception as error:
            if os.environ.get("IMPASTO_DEBUG"):
                raise
            from impasto.machine import memory  # with torch, which --help does without

            if memory.ran_out(error):
                fail("There was not enough memory: choose a smaller --size, or close other programs.", FAILED)
            fail(
                f"This should not have happened ({type(error).__name__}: {error}): set IMPASTO_DEBUG=1 and report the traceback.",
                FAILED,
            )

    return wrapped


def fail(message: str, code: int) -> None:
    """Say what is wrong and leave."""
    stderr.print(f"impasto: {message}", markup=False, style=None)
    raise typer.Exit(code)


def parse_weighted(argument: str) -> tuple[str, float]:
    """A path and its weight: what follows the last colon is one if it is a number.

    >>> parse_weighted("painting.jpg:0.7"), parse_weighted("painting.jpg")
    (('painting.jpg', 0.7), ('painting.jpg', 1.0))
    """
    path, colon, tail = argument.rpartition(":")
    try:
        return (path, float(tail)) if colon and path else (argument, 1.0)
    except ValueError:
        return argument, 1.0


def parse_region(text: str) -> "RegionFiles":
    """``mask.png:painting.jpg`` or ``mask.png:painting.jpg:mask-of-painting.png``. Raises SettingsError."""
    from impasto.jobs.job import RegionFiles

    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise SettingsError(f"--region takes MASK:STYLE or MASK:STYLE:MASK, like sky.png:painting.jpg, not {text!r}.")
    return RegionFiles(*parts)


def _option(declared: Any) -> inspect.Parameter:
    choices = get_args(declared.type) if get_origin(declared.type) is Literal else ()
    kind = declared.type if declared.type in (int, float, bool) else str
    if declared.metadata["repeats"]:
        kind, choices = list[str], (declared.metadata["repeats"],)
    option = typer.Option(
        help=with_dashes(declared.metadata["help"]),
        metavar="|".join(choices) or None,
        rich_help_panel=declared.metadata["group"],
        show_default="from the recipe",
    )
    return inspect.Parameter(
        declared.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )
