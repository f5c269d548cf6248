"""Options derived from `Settings`, and the one place where errors become exit codes."""

import functools
import inspect
import logging
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from rich.console import Console

from impasto.cli.printing import plain
from impasto.errors import ImpastoError, SettingsError
from impasto.machine import interrupts
from impasto.machine.files import at_home
from impasto.settings import names
from impasto.settings.applies import fields_of
from impasto.settings.fields import Settings
from impasto.settings.setting import INPUTS

if TYPE_CHECKING:
    from impasto.jobs.job import Delivery, RegionFiles

FAILED, MISUSED = 1, 2
_FEW = 8
"""More styles than these are seldom meant to be blended."""

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
        super().print(*(plain(with_dashes(each)) if isinstance(each, str) else each for each in objects), **options)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return plain(with_dashes(super().format(record)))


stderr = _Stderr(stderr=True, highlight=False, soft_wrap=True)

Output = typer.Option("--output", "-o", help="File to write.", show_default="named after the input")
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
Styles = Annotated[
    list[str], typer.Argument(help="Paintings, each with a weight if :NUMBER follows.", metavar="STYLE[:WEIGHT]")
]
Recipe = Annotated[str, typer.Option(help="A named set of settings; any of them can be given one by one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON record on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Truncated = Annotated[
    bool, typer.Option("--allow-truncated", help=Settings.__dataclass_fields__["allow_truncated"].metadata["help"])
]
"""For commands that look at pictures and have no settings."""


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
    keep_metadata: Annotated[
        str,
        typer.Option(
            help="What the result says of what the photograph says of itself: the time it was taken, its author and copyright (some); also camera, exposure "
            "and place (all).",
            metavar="all|some|none",
            show_default="some, or none with --no-metadata",
        ),
    ] = ""
    profile: Annotated[
        str,
        typer.Option(
            help="Save the colours in the photograph's own profile (keep), for programs that go on with it, or in sRGB.",
            metavar="keep|srgb",
        ),
    ] = "srgb"
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


def with_settings(*ways: str, inputs: Collection[str] = INPUTS) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for every field of `Settings` that may have an effect in one of its ways,
    with those of `INPUTS` that it takes. Those that were given arrive as its argument ``settings``.
    """
    options = [_option(declared) for declared in fields_of(*ways, inputs=inputs)]

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
            from impasto.machine import memory  # with torch, which --help does without

            if memory.ran_out(error):
                fail("There was not enough memory: choose a smaller --size, or close other programs.", FAILED)
            fail(
                f"This should not have happened ({type(error).__name__}: {error}): set IMPASTO_DEBUG=1 and report the traceback.",
                FAILED,
            )

    return wrapped


def _at_home(value: Any) -> Any:
    """An argument with ``~`` in its paths expanded."""
    if isinstance(value, list):
        return [_at_home(each) for each in value]
    return at_home(value) if isinstance(value, Path) else value


def fail(message: str, code: int) -> None:
    """Say what is wrong and leave."""
    stderr.print(f"impasto: {message}", markup=False, style=None)
    raise typer.Exit(code)


def parse_styles(arguments: list[str], quiet: bool = False) -> tuple[tuple[str, float], ...]:
    """Style pictures with their weights: ``painting.jpg:0.7``, or a JSON object of names and weights. Raises
    SettingsError.

    That several count alike is said where no weight says so.
    """
    pairs = [pair for text in arguments for pair in ([names.weighted(text)] if text[:1] != "{" else names.listed(text))]
    if len(pairs) > 1 and pairs[-1][1] is None:
        _refuse_output(pairs[-1][0])
    if len(pairs) > _FEW and not quiet:
        shown = ", ".join(path for path, _ in [*pairs[:3], pairs[-1]])
        stderr.print(
            f"impasto: {len(pairs)} styles are blended, from {shown}: if they are photographs to be painted one by one, "
            "that is `impasto batch`.",
            markup=False,
        )
    elif len(pairs) > 1 and not quiet and all(weight is None for _, weight in pairs):
        stderr.print(f"impasto: {len(pairs)} styles are blended equally: a weight may follow each, like :0.7.")
    return tuple((path, 1.0 if weight is None else weight) for path, weight in pairs)


def _refuse_output(path: str) -> None:
    """Raises SettingsError for a last painting that was meant as the file to write."""
    from impasto.pictures.codecs import FORMATS
    from impasto.tasks.record import read

    file = at_home(path)
    if file.suffix.lower() not in FORMATS:
        return
    if not names.is_there(path):
        raise SettingsError(f"There is no painting {path}: a file to write is named by -o {path}.")
    try:
        read(file)
    except ImpastoError:
        return
    raise SettingsError(
        f"{path} is a result of Impasto: a file to write is named by -o {path}, and a painting that it is meant as has a weight, {path}:1."
    )


def parse_region(text: str) -> "RegionFiles":
    """``mask.png:painting.jpg`` or ``mask.png:painting.jpg:mask-of-painting.png``, or a JSON list of such
    names. Raises SettingsError.
    """
    from impasto.jobs.job import RegionFiles

    try:
        parts = names.parted(text, (2, 3), names.is_mask)
    except SettingsError as error:
        raise SettingsError(
            f"--region takes MASK:STYLE or MASK:STYLE:MASK, like sky.png:painting.jpg, not {text!r}: {error}"
        ) from None
    if len(parts) == 3 and names.number(parts[2]) is not None and not names.is_there(parts[2]):
        raise SettingsError(f"--region takes no weight, and {text!r} ends in one: the greys of a mask say how much.")
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
