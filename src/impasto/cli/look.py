"""The commands that look at pictures: styles, score, edges, info."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.app import app
from impasto.cli.options import Force, Json, Output, Quiet, Truncated, with_exit_codes
from impasto.cli.printing import dump, lines, say
from impasto.cli.said import stderr
from impasto.errors import RecordError, SettingsError
from impasto.machine import files
from impasto.settings.fields import LEARNT, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from impasto.pictures.picture import Size


@app.command()
@with_exit_codes
def styles(
    content: Annotated[Path, typer.Argument(help="The photograph.", metavar="CONTENT")],
    *,
    output: Output = "",
    size: Annotated[int, typer.Option(help="Long side of each picture.", min=16, max=2048)] = 384,
    network: Annotated[str, typer.Option(help="A network with learnt styles, or the file of one.")] = LEARNT,
    allow_truncated: Truncated = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Show a photograph in all learnt styles of a network, with the numbers and names that --style-index
    takes.
    """
    from impasto.judge.gallery import learnt_styles

    path = files.placed(output, files.named(content.stem, "-styles.png"))
    _save_sheet(
        path, lambda: learnt_styles(content, size, network), content, force=force, truncated=allow_truncated, json=json
    )


@app.command()
@with_exit_codes
def score(
    content: Annotated[Path, typer.Argument(help="The photograph.", metavar="CONTENT")],
    style: Annotated[Path, typer.Argument(help="The painting.", metavar="STYLE")],
    result: Annotated[Path, typer.Argument(help="What became of them.", metavar="RESULT")],
    *,
    allow_truncated: Truncated = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell how near a result is to the style and to the content, also on features that were not optimised.

    Less is nearer; of edges and coverage, more.

    style: relative difference of means and covariances, by layer; held_out: on layers that no recipe looks
    at; embedding: distance of the style predictor's codes, 1 for the photograph, and left out where the
    network arbitrary painted, which was given the code; strokes: how far places are from the nearest of the
    painting's, 1 for the photograph; coverage: the share of the painting that is near to some place.

    content: relative squared difference of features; held_out: the same on maps that no recipe looks at;
    edges: correlation of the Sobel edges with the photograph's.

    surface: tv and tv_squares, total variation per pixel; roughness: the finest grain over the painting's;
    clipped: share of values that are 0 or 1.
    """
    from impasto.judge.scores import score as scored
    from impasto.pictures import codecs

    with codecs.truncation(allow_truncated):
        photo, made = codecs.load(content), codecs.load(result)
        _check_shape(photo.size, made.size, result)
        scores = scored(photo, style, made)
    if _was_given_the_code(result):
        del scores["style"]["embedding"]
    if not (json or quiet):
        stderr.print("Less is nearer; of edges and coverage, more. What they are: `impasto score --help`.")
    say(dump(scores) if json else lines(scores))


@app.command()
@with_exit_codes
def edges(
    pictures: Annotated[list[Path], typer.Argument(help="One or more pictures.", metavar="PICTURE")],
    *,
    output: Output = "",
    size: Annotated[
        int, typer.Option(help="Long side of each picture, but not above the smallest one's.", min=16, max=4096)
    ] = 512,
    allow_truncated: Truncated = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Show the Sobel edges of pictures and their total variation, row by row."""
    from impasto.judge.gallery import edge_sheet

    stems = [each.stem for each in pictures]
    named = [(each.stem if stems.count(each.stem) == 1 else str(each), each) for each in pictures]
    path = files.placed(output, files.named(pictures[0].stem, "-edges.png"))
    _save_sheet(path, lambda: edge_sheet(named, size), *pictures, force=force, truncated=allow_truncated, json=json)


@app.command()
@with_exit_codes
def info(
    result: Annotated[Path, typer.Argument(help="A picture made by Impasto, or the JSON beside it.", metavar="RESULT")],
    job: Annotated[
        bool, typer.Option("--job", help="Print the job that makes the same picture again, for `impasto run`.")
    ] = False,
    json: Json = False,
) -> None:
    """Print how a result was made: the settings that had an effect, seed, versions, losses. With --json all
    settings.
    """
    from impasto.jobs import deliver
    from impasto.tasks import record as records
    from impasto.video import told

    film = told.is_film(result)
    if job:
        made = told.job_of(result) if film else deliver.job_of(result)
        say(dump(made.dictionary()))
        return
    record = told.read(result) if film else records.read(result)
    say(dump(record) if json else lines(_heeded(record)))


def _heeded(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the settings that had no effect; whole where this version cannot tell."""
    from impasto.settings.applies import idle
    from impasto.settings.setting import INPUTS
    from impasto.video.job import TASK, WAYS

    with contextlib.suppress(SettingsError, KeyError, TypeError, AttributeError):
        task, settings = record["impasto"], record["settings"]
        chosen = Settings().changed(**settings)
        way = chosen.method if task == "stylize" else WAYS[chosen.method] if task == TASK else task
        inputs = INPUTS if record.get("job", {}).get("regions") else ()
        return record | {"settings": {name: settings[name] for name in settings if not idle(name, chosen, way, inputs)}}
    return record


def _was_given_the_code(result: Path) -> bool:
    """Whether the network `arbitrary` has painted it, from the very code that ``embedding`` compares."""
    from impasto.tasks import record

    with contextlib.suppress(RecordError, KeyError, TypeError):
        settings = record.read(result)["settings"]
        return bool(settings["method"] == "fast" and settings["network"] == "arbitrary")
    return False


def _check_shape(photo: "Size", made: "Size", result: Path) -> None:
    """Raises SettingsError for a result of another shape than the photograph's, unless its record has it."""
    from impasto.pictures.picture import long_side
    from impasto.tasks import record

    expected = long_side(photo, max(made))
    if max(abs(one - other) for one, other in zip(made, expected, strict=True)) > 1:
        with contextlib.suppress(RecordError, KeyError, TypeError):
            if isinstance(record.read(result)["settings"]["size"], list):
                return
        raise SettingsError(
            f"{result} is {made[1]}×{made[0]} pixels, and the photograph, {photo[1]}×{photo[0]}, has another shape: "
            "give the photograph that it was made of, cropped alike."
        )


def _save_sheet(
    path: Path, draw: "Callable[[], Image]", *pictures: Path, force: bool, truncated: bool, json: bool
) -> None:
    """Draw a sheet of ``pictures``, also of ``truncated`` ones, and write it, once it is known that it can be
    written.
    """
    from impasto.cli.execute import deliver
    from impasto.pictures import codecs

    files.check_writable(path, force)
    codecs.check_format(path, (1, 1))
    files.refuse_inputs([path], pictures)
    with codecs.truncation(truncated):
        sheet = codecs.load(draw())
    files.create_folder(path.parent)
    deliver(path, lambda to, over: codecs.save(sheet, to, force=over), force=force, json=json)
