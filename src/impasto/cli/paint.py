"""The commands that make pictures: stylize, texture, reconstruct, run, demo. Torch is imported once they
compute.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.app import app
from impasto.cli.named import Index, parse_region, parse_styles
from impasto.cli.options import (
    DeliveryOptions,
    Force,
    Json,
    Quiet,
    Recipe,
    Styles,
    Truncated,
    with_delivery,
    with_exit_codes,
    with_settings,
)
from impasto.cli.printing import dump, lines, say
from impasto.errors import RecordError, SettingsError, briefly
from impasto.settings.paths import is_network
from impasto.settings.setting import STYLIZE

if TYPE_CHECKING:
    from impasto.jobs.job import Job
    from impasto.video.job import VideoJob


@app.command()
@with_exit_codes
@with_delivery
@with_settings(*STYLIZE)
def stylize(
    content: Annotated[Path, typer.Argument(help="The photograph.", metavar="CONTENT")],
    *,
    settings: dict[str, Any],
    delivery: DeliveryOptions,
    style: Annotated[
        list[str] | None,
        typer.Argument(
            help="Paintings, or style codes for the fast method, each with a weight if :NUMBER follows.",
            metavar="STYLE[:WEIGHT]",
        ),
    ] = None,
    recipe: Recipe = "default",
    style_index: Index = "",
    style_file: Annotated[
        Path | None,
        typer.Option(
            help="In place of a painting, a style that `impasto train` or `impasto style-code` has saved.",
            show_default="none",
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help="What is white in the mask, or the faces or people, follows this painting (of it, what is white in the second mask). What regions leave follows "
            "STYLE, or stays the photograph without one. Again for another.",
            metavar="MASK:STYLE[:MASK]",
        ),
    ] = None,
) -> None:
    """Render a photograph in the style of a painting."""
    from impasto.jobs.job import Job

    given = bool(style or region) + bool(style_index) + bool(style_file)
    if not given and is_network(own := settings.get("network", "")):
        style_file, given = Path(own), 1  # whose only style it is, or which names those that it has
    if given != 1:
        raise SettingsError("Give one or more style pictures, or --region, or --style-index or --style-file alone.")
    if style_index or style_file:
        settings = {"method": "fast"} | settings
    styles = ((str(style_file), 1.0),) if style_file else parse_styles(style or [], delivery.quiet)
    job = Job(
        "stylize",
        str(content),
        styles=styles,
        style_index=style_index,
        regions=tuple(parse_region(text) for text in region or []),
        recipe=recipe,
        settings=settings,
        delivery=delivery.of(),
    )
    _carry_out(job, delivery)


@app.command()
@with_exit_codes
@with_settings("texture", recipe="texture")
@with_delivery
def texture(style: Styles, settings: dict[str, Any], delivery: DeliveryOptions, recipe: Recipe = "texture") -> None:
    """Make a new texture with a painting's style, of any size."""
    from impasto.jobs.job import Job

    styles = parse_styles(style, delivery.quiet)
    job = Job("texture", styles=styles, recipe=recipe, settings=settings, delivery=delivery.of())
    _carry_out(job, delivery)


@app.command()
@with_exit_codes
@with_settings("reconstruct", recipe="reconstruct")
@with_delivery
def reconstruct(
    content: Annotated[Path, typer.Argument(help="The picture.", metavar="CONTENT")],
    settings: dict[str, Any],
    delivery: DeliveryOptions,
    layer: Annotated[str, typer.Option(help="The layer whose features are to be met.")] = "relu4_2",
    recipe: Recipe = "reconstruct",
) -> None:
    """Find the picture that one layer of the network remembers."""
    from impasto.jobs.job import Job

    job = Job("reconstruct", str(content), layer=layer, recipe=recipe, settings=settings, delivery=delivery.of())
    _carry_out(job, delivery)


@app.command()
@with_exit_codes
def run(
    job: Annotated[
        Path, typer.Argument(help="A job as JSON, as `info RESULT --job` prints it; - reads it from standard input.")
    ],
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", help="File to write.", metavar="FILE", show_default="the job's own")
    ] = "",
    allow_truncated: Truncated = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the output's checkpoint.")] = False,
    force: Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan: sizes, steps, estimated time and memory; write nothing.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Carry out a job that was written down."""
    from impasto.cli.video import carry_out as carry_out_film
    from impasto.jobs.job import Job
    from impasto.machine import formats

    try:
        text = sys.stdin.buffer.read(formats.MOST_TEXT + 1) if job == Path("-") else formats.received(job)
    except OSError as error:
        raise RecordError(f"The job {job} cannot be read ({briefly(error)}): give the path of a JSON file.") from error
    asked = _read(text)
    if output:
        asked = asked.to(output)
    if allow_truncated:
        asked = replace(asked, settings=dict(asked.settings) | {"allow_truncated": True})
    if isinstance(asked, Job):
        _carry_out(asked, DeliveryOptions(resume=resume, force=force, dry_run=dry_run, json=json, quiet=quiet))
    else:
        carry_out_film(asked, resume=resume, force=force, dry_run=dry_run, json=json, quiet=quiet)


def _read(text: bytes) -> "Job | VideoJob":
    """The job of a JSON text, for a picture or for a film. Raises RecordError and SettingsError."""
    from impasto.jobs.job import Job
    from impasto.machine import formats
    from impasto.video.job import job_of

    try:
        data = formats.parsed(text)
    except ValueError:
        return Job.read(text)  # which says what is wrong
    return job_of(data)


@app.command()
@with_exit_codes
def demo(
    *,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to leave the pictures in.")] = Path(
        "output/demo"
    ),
    size: Annotated[int, typer.Option(help="Long side in pixels.")] = 512,
    iterations: Annotated[
        int | None, typer.Option(help="Iterations over all scales.", show_default="the recipe's")
    ] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Stylise a demo photograph: content, style, snapshots, result, before/after sheet and record in one
    folder.
    """
    from impasto.cli.execute import execute
    from impasto.demo import prepare, write_sheet
    from impasto.jobs.deliver import Work

    job = prepare(folder, force, size=size, iterations=iterations)
    record, code = execute(Work(job, force=force), quiet=quiet)
    write_sheet(folder / "sheet.png", [Path(job.content), Path(job.styles[0][0]), job.output], force)
    say(dump(record) if json else folder)
    raise typer.Exit(code)


def _carry_out(job: "Job", options: DeliveryOptions) -> None:
    """Carry out a job, or say what it would do."""
    from impasto.cli.execute import execute
    from impasto.jobs.deliver import Work, forecast

    if options.dry_run:
        told = forecast(job)
        say(dump(told) if options.json else lines(told))
        return
    work = Work(job, resume=options.resume, force=options.force)
    record, code = execute(work, quiet=options.quiet)
    say(dump(record) if options.json else work.output)
    raise typer.Exit(code)
