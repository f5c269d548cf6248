"""What the words of a command line name: paintings with their weights, learnt styles, and regions."""

from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli import complete
from impasto.cli.said import stderr
from impasto.errors import ImpastoError, SettingsError
from impasto.machine.files import at_home
from impasto.settings import names

if TYPE_CHECKING:
    from impasto.jobs.job import RegionFiles

_INDEX = typer.Option(
    "--style-index",
    help="In place of a painting, one of the network's learnt styles by name or number, or a mixture: rhone or rhone:0.5,7:0.5. See `impasto styles`.",
    metavar="STYLE",
    show_default="none",
    autocompletion=complete.learnt,
)
Index = Annotated[str, _INDEX]
Indices = Annotated[list[str] | None, _INDEX]
"""A learnt style; and several, where the option may be given again for another."""

_FEW = 3
"""More styles than these are seldom meant to be blended."""


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
    if "://" in path or file.suffix.lower() not in FORMATS:
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
