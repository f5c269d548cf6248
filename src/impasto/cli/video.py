"""The commands for moving pictures: video, score-video."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.app import app
from impasto.cli.named import Index, parse_region, parse_styles
from impasto.cli.options import Force, Json, Quiet, Recipe, Truncated, with_exit_codes, with_settings
from impasto.cli.printing import dump, lines, say
from impasto.errors import SettingsError
from impasto.settings import names


@app.command()
@with_exit_codes
@with_settings("video", "optimised-video", shown={"method": "fast"})
def video(
    clip: Annotated[Path, typer.Argument(help="The clip, or a folder of numbered pictures.", metavar="CLIP")],
    *,
    settings: dict[str, Any],
    style: Annotated[
        list[str] | None,
        typer.Argument(
            help="Paintings, or style codes, each with a weight if :NUMBER follows.", metavar="STYLE[:WEIGHT]"
        ),
    ] = None,
    style_index: Index = "",
    style_at: Annotated[
        list[str] | None,
        typer.Option(
            help="A painting, or style code, and the second of the film from which it is the style; from one to the next the style changes evenly. Again for another.",
            metavar="SECONDS:STYLE",
        ),
    ] = None,
    strength_at: Annotated[
        list[str] | None,
        typer.Option(
            help="A strength, and the second of the film from which it counts, in place of --strength; from one to the next it changes evenly. Again for another.",
            metavar="SECONDS:NUMBER",
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help="What is white in the mask, a film or a folder as long as the clip, or a picture, follows this painting. What regions leave follows STYLE, or stays "
            "as it is without one. Again for another.",
            metavar="MASK:STYLE[:MASK]",
        ),
    ] = None,
    recipe: Recipe = "default",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="What to write: .mp4, .mkv, .webm, .mov, .gif, .webp or .apng, or without a suffix a folder of PNG files, also with a slash at its end.",
            show_default="named after the inputs",
        ),
    ] = None,
    start: Annotated[float, typer.Option(help="Begin at this second of the clip.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="End at this second of the clip.", show_default="its end")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Frames a second, of a folder of pictures.", show_default="25")
    ] = None,
    codec: Annotated[
        str,
        typer.Option(
            help="h264, h265, vp9, av1, prores or ffv1, as far as the output holds it.", show_default="by the output"
        ),
    ] = "",
    crf: Annotated[
        int | None,
        typer.Option(
            help="How well the codec keeps what was painted: 0 is best, more is smaller.", show_default="by the codec"
        ),
    ] = None,
    bits: Annotated[int | None, typer.Option(help="Bits a channel, 8 or 10.", show_default="as the clip")] = None,
    sheet: Annotated[
        bool,
        typer.Option("--sheet", help="Also write OUTPUT.sheet.png: frames before and after, spread over the film."),
    ] = False,
    no_metadata: Annotated[
        bool, typer.Option("--no-metadata", help="Leave the record out of the film, and write none beside it.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the parts that a run of the same film has left.")
    ] = False,
    claim: Annotated[
        bool,
        typer.Option(
            "--claim",
            help="Make the film together with others that do, on any machines: each takes shots that nobody has in hand.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            help="So many processes of this machine make it together, each with one thread.",
            min=1,
            show_default="one, with all threads",
        ),
    ] = None,
    force: Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan: frames, sizes, form, estimated time; write nothing.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Paint a clip in the style of a painting."""
    from impasto.video.job import VideoDelivery, VideoJob

    delivery = VideoDelivery(str(output or ""), codec, crf, bits, not no_metadata, sheet)
    job = VideoJob(
        str(clip),
        styles=parse_styles(style or [], quiet),
        style_index=style_index,
        style_at=tuple(parse_moment(text) for text in style_at or []),
        strength_at=tuple(parse_strength(text) for text in strength_at or []),
        regions=tuple(parse_region(text) for text in region or []),
        start=start,
        end=end,
        rate=rate,
        recipe=recipe,
        settings=settings,
        delivery=delivery,
    )
    sharers = (workers or 1) if claim or workers else 0
    carry_out(job, resume=resume, force=force, dry_run=dry_run, json=json, quiet=quiet, sharers=sharers)


def carry_out(job: Any, *, resume: bool, force: bool, dry_run: bool, json: bool, quiet: bool, sharers: int = 0) -> None:
    """Make a film, also as one of so many processes that share it, or say what would be made."""
    from impasto.cli.execute import execute
    from impasto.machine import memory
    from impasto.video.helpers import helped
    from impasto.video.sharing import SharedWork
    from impasto.video.work import VideoWork, plan

    memory.shared_by(max(1, sharers))  # before the film is fitted into it
    try:
        if dry_run:
            report = plan(job, sharers)
            say(dump(report) if json else lines(report))
            return
        work = (SharedWork if sharers else VideoWork)(job, resume=resume, force=force)
        with helped(job, max(0, sharers - 1), force=force):
            record, code = execute(work, quiet=quiet)
    finally:
        memory.shared_by(1)
    say(dump(record) if json else work.output)
    raise typer.Exit(code)


def parse_moment(text: str) -> tuple[float, str]:
    """``12.5:painting.jpg``. Raises SettingsError."""
    start, colon, path = text.partition(":")
    found = names.number(start)
    if found is None or not colon or not path:
        raise SettingsError(f"`style_at` takes SECONDS:STYLE, like 12.5:painting.jpg, not {text!r}.")
    return found, path


def parse_strength(text: str) -> tuple[float, float]:
    """``12.5:0.3``. Raises SettingsError."""
    start, _, strength = text.partition(":")
    found = names.number(start), names.number(strength)
    if found[0] is None or found[1] is None:
        raise SettingsError(f"`strength_at` takes SECONDS:NUMBER, like 12.5:0.3, not {text!r}.")
    return found[0], found[1]


@app.command("score-video")
@with_exit_codes
def score_video(
    clip: Annotated[Path, typer.Argument(help="The clip.", metavar="CLIP")],
    film: Annotated[Path, typer.Argument(help="What was painted of it.", metavar="FILM")],
    *,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Another film of the clip, as --steady off paints it: the scores are also given over its.",
            show_default="none",
        ),
    ] = None,
    style: Annotated[
        Path | None, typer.Option(help="The painting: how near the frames are to it is told, too.", show_default="none")
    ] = None,
    allow_truncated: Truncated = False,
    json: Json = False,
) -> None:
    """Tell how steady a film is: what flickers along the clip's own motion, what drifts, what was blurred."""
    from impasto.pictures import codecs
    from impasto.video.score import score_video as scored

    with codecs.truncation(allow_truncated):
        scores = scored(clip, film, against, style)
    say(dump(scores) if json else lines(scores))
