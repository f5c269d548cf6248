"""Options that commands share, those of `Settings` among them, and how errors become exit codes."""

import functools
import inspect
import logging
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from impasto import extras
from impasto.cli import complete
from impasto.cli.said import Formatter, fail, speaks_of, with_dashes
from impasto.errors import ImpastoError, SettingsError
from impasto.machine import interrupts
from impasto.machine.files import at_home
from impasto.settings.applies import fields_of
from impasto.settings.fields import Settings
from impasto.settings.parse import written
from impasto.settings.recipes import RECIPES
from impasto.settings.setting import INPUTS

if TYPE_CHECKING:
    from impasto.jobs.job import Delivery

FAILED, MISUSED = 1, 2
_RESULT = "Result"
"""The group of what becomes of a result."""

_NUMBERS = (int, float)

Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        help="File to write, or a folder, with a slash at its end.",
        metavar="FILE",
        show_default="named after the input",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
Styles = Annotated[
    list[str], typer.Argument(help="Paintings, each with a weight if :NUMBER follows.", metavar="STYLE[:WEIGHT]")
]
Recipe = Annotated[
    str,
    typer.Option(
        help="A named set of settings, whose values hold where none is given.", autocompletion=complete.recipe
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON record on stdout.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors; what is asked for stays on stdout.")
]
Truncated = Annotated[
    bool, typer.Option("--allow-truncated", help=Settings.__dataclass_fields__["allow_truncated"].metadata["help"])
]
"""For commands that look at pictures and have no settings."""


@dataclass(frozen=True)
class DeliveryOptions:
    """What becomes of a run, the same options for every command that computes a picture."""

    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .png, .tiff, .jpg, .webp or .avif; or a folder, with a slash at its end.",
            metavar="FILE",
            show_default="named after the inputs",
        ),
    ] = ""
    snapshots: Annotated[
        str,
        typer.Option(
            help="Also write the picture at these iterations: 20,40 or every:20.",
            show_default="none",
            rich_help_panel=_RESULT,
        ),
    ] = ""
    bits: Annotated[
        int | None,
        typer.Option(help="Bits a channel, 8 or 16.", show_default="as the input", rich_help_panel=_RESULT),
    ] = None
    no_metadata: Annotated[
        bool,
        typer.Option(
            "--no-metadata",
            help="Leave the record out of the result, and write none beside it.",
            rich_help_panel=_RESULT,
        ),
    ] = False
    keep_metadata: Annotated[
        str,
        typer.Option(
            help="What the result says of what the photograph says of itself: the time it was taken, its author and copyright (some); also camera, exposure "
            "and place (all).",
            show_default="some, or none with --no-metadata",
            rich_help_panel=_RESULT,
            **complete.one_of("all", "some", "none"),
        ),
    ] = ""
    profile: Annotated[
        str,
        typer.Option(
            help="Save the colours in the photograph's own profile (keep), for programs that go on with it, or in sRGB.",
            rich_help_panel=_RESULT,
            **complete.one_of("keep", "srgb"),
        ),
    ] = "srgb"
    checkpoint_every: Annotated[
        float | None,
        typer.Option(
            help="Seconds between checkpoints, written beside the output as OUTPUT.checkpoint: what --resume goes on from.",
            min=0,
            show_default="none",
            rich_help_panel=_RESULT,
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the output's checkpoint: the same command and pictures give the same result as if never cut off.",
            rich_help_panel=_RESULT,
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
            output=self.output,
            snapshots=self.snapshots,
            bits=self.bits,  # type: ignore[arg-type]  # which the delivery checks
            metadata=not self.no_metadata,
            keep_metadata=self.keep_metadata,  # type: ignore[arg-type]
            profile=self.profile,  # type: ignore[arg-type]
            checkpoint_every=self.checkpoint_every,
        )


def with_delivery(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `DeliveryOptions`; they arrive as its argument ``delivery``."""
    options = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
        for each in fields(DeliveryOptions)
    ]
    return _with_options(command, "delivery", options, lambda given: DeliveryOptions(**given))


def with_settings(
    *ways: str, recipe: str = "default", inputs: Collection[str] = INPUTS, shown: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for every field of `Settings` that may have an effect in one of its ways,
    with those of `INPUTS` that it takes. Those that were given arrive as its argument ``settings``; for the
    others help shows what the command's own ``recipe`` has, unless ``shown`` says otherwise.
    """
    usual = vars(RECIPES[recipe]) | dict(shown or {})
    options = [_option(declared, usual[declared.name]) for declared in fields_of(*ways, inputs=inputs)]

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
    """Turn what goes wrong in ``command`` into one sentence on stderr and a documented exit code, and give it
    the option ``--quiet`` if it has none.
    """

    signature = inspect.signature(command)
    own_quiet = "quiet" in signature.parameters

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        speaks_of(signature.parameters)
        quiet = options["quiet"] if own_quiet else options.pop("quiet", False)
        handler = logging.StreamHandler()
        handler.setFormatter(Formatter("impasto: %(message)s"))
        handler.setLevel(logging.ERROR if quiet else logging.WARNING)
        logging.getLogger("impasto").handlers = [handler]
        try:
            with interrupts.listening():
                command(*arguments, **{name: _at_home(value) for name, value in options.items()})
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            fail("Interrupted.", interrupts.code())
        except ImpastoError as error:
            fail(str(error), MISUSED if isinstance(error, SettingsError) else FAILED)
        except Exception as error:
            if os.environ.get("IMPASTO_DEBUG"):
                raise
            if isinstance(error, ImportError):
                fail(extras.told(error), FAILED)
            from impasto.machine import memory  # with torch, which --help does without

            if memory.ran_out(error):
                fail("There was not enough memory: choose a smaller --size, or close other programs.", FAILED)
            fail(
                f"This should not have happened ({type(error).__name__}: {error}): set IMPASTO_DEBUG=1 and report the traceback.",
                FAILED,
            )

    if not own_quiet:  # warnings are told by every command
        quiet = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
        wrapped.__signature__ = signature.replace(parameters=[*signature.parameters.values(), quiet])  # type: ignore[attr-defined]
        wrapped.__annotations__ = command.__annotations__ | {"quiet": Quiet}
    return wrapped


def _at_home(value: Any) -> Any:
    """An argument with ``~`` in its paths expanded."""
    if isinstance(value, list):
        return [_at_home(each) for each in value]
    return at_home(value) if isinstance(value, Path) else value


def _option(declared: Any, default: Any) -> inspect.Parameter:
    kind = bool if declared.type is bool else list[str] if declared.metadata["repeats"] else str
    how: dict[str, Any] = {
        "metavar": declared.metadata["repeats"] or ("NUMBER" if declared.type in _NUMBERS else "VALUE")
    }
    if get_origin(declared.type) is Literal:
        how = complete.one_of(*get_args(declared.type))
    elif declared.name == "network":
        how["autocompletion"] = complete.network
    option = typer.Option(
        help=with_dashes(declared.metadata["help"])
        + ("" if kind is bool else f"  [default: {written(declared.name, default) or 'none'}]"),
        rich_help_panel=declared.metadata["group"],
        show_default=False,
        **how,
    )
    return inspect.Parameter(
        declared.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )
