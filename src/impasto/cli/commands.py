"""The commands. Each is a few lines around the library; torch is imported only by those that compute."""

import sys
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto._version import __version__
from impasto.cli.options import (
    FAILED,
    DeliveryOptions,
    Force,
    Json,
    Output,
    Quiet,
    parse_region,
    parse_weighted,
    stderr,
    with_delivery,
    with_exit_codes,
    with_settings,
)
from impasto.errors import RecordError, SettingsError
from impasto.machine import files
from impasto.settings import recipes
from impasto.settings.fields import LEARNT
from impasto.settings.setting import STYLIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from impasto.jobs.job import Job

app = typer.Typer(
    name="impasto",
    help="Neural style transfer: a photograph and a painting in, a picture out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 all went well, 1 it failed, 2 it was asked wrongly, 130 it was interrupted (the optimiser's picture so far is kept). "
    f"Recipes: {', '.join(recipes.RECIPES)}.",
)
models_app = typer.Typer(help="The pretrained weights: list them, verify them, find them.", no_args_is_help=True)
app.add_typer(models_app, name="models")

Recipe = Annotated[str, typer.Option(help="A named set of settings; any of them can be given one by one.")]
Styles = Annotated[
    list[str], typer.Argument(help="Paintings, each with a weight if :NUMBER follows.", metavar="STYLE[:WEIGHT]")
]
Index = Annotated[
    str,
    typer.Option(
        help="In place of a painting, one of the network's learnt styles by name or number, or a mixture: rhone or rhone:0.5,7:0.5. See `impasto styles`.",
        show_default="none",
    ),
]
Name = Annotated[
    str | None, typer.Argument(help="One of the names that `models list` prints; without it, all of them.")
]


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


@app.command()
@with_exit_codes
@with_settings(*STYLIZE)
@with_delivery
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

    if bool(style or region) + bool(style_index) + bool(style_file) != 1:
        raise SettingsError("Give one or more style pictures, or --region, or --style-index or --style-file alone.")
    if style_index or style_file:
        settings = {"method": "fast"} | settings
    styles = [parse_weighted(argument) for argument in style or ([str(style_file)] if style_file else [])]
    job = Job(
        "stylize",
        str(content),
        styles=tuple(styles),
        style_index=style_index,
        regions=tuple(parse_region(text) for text in region or []),
        recipe=recipe,
        settings=settings,
        delivery=delivery.of(),
    )
    _carry_out(job, delivery)


@app.command()
@with_exit_codes
def styles(
    content: Annotated[Path, typer.Argument(help="The photograph.", metavar="CONTENT")],
    output: Annotated[Path | None, Output] = None,
    size: Annotated[int, typer.Option(help="Long side of each picture.", min=16, max=2048)] = 384,
    network: Annotated[str, typer.Option(help="A network with learnt styles, or the file of one.")] = LEARNT,
    force: Force = False,
) -> None:
    """Show a photograph in all learnt styles of a network, with the numbers and names that --style-index takes."""
    from impasto.judge.gallery import learnt_styles

    _save_sheet(output or Path(f"{content.stem}-styles.png"), lambda: learnt_styles(content, size, network), force)


@app.command()
@with_exit_codes
def style_code(
    style: Styles,
    output: Annotated[Path | None, Output] = None,
    network: Annotated[
        str, typer.Option(help="The network that it is for.", show_default="the fast method's")
    ] = "auto",
    force: Force = False,
) -> None:
    """Save a painting's style, or a mixture, as a small file that `stylize --method fast` takes in its place."""
    from impasto.tasks.inputs import style_code as code_of

    paintings = [parse_weighted(argument) for argument in style]
    path = output or Path(f"{Path(paintings[0][0]).stem}.safetensors")
    files.check_writable(path, force)
    code_of(paintings, network).save(path, force=force)
    print(path)


@app.command()
@with_exit_codes
def score(
    content: Annotated[Path, typer.Argument(help="The photograph.", metavar="CONTENT")],
    style: Annotated[Path, typer.Argument(help="The painting.", metavar="STYLE")],
    result: Annotated[Path, typer.Argument(help="What became of them.", metavar="RESULT")],
    json: Json = False,
) -> None:
    """Tell how near a result is to the style and to the content, also on features that were not optimised."""
    from impasto.judge.scores import score as scored

    scores = scored(content, style, result)
    print(_dump(scores) if json else _lines(scores))


@app.command()
@with_exit_codes
def edges(
    pictures: Annotated[list[Path], typer.Argument(help="One or more pictures.", metavar="PICTURE")],
    output: Annotated[Path | None, Output] = None,
    size: Annotated[int, typer.Option(help="Long side of each picture.", min=16, max=4096)] = 512,
    force: Force = False,
) -> None:
    """Show the Sobel edges of pictures and their total variation, row by row."""
    from impasto.judge.gallery import edge_sheet

    named = [(each.stem, each) for each in pictures]
    _save_sheet(output or Path(f"{pictures[0].stem}-edges.png"), lambda: edge_sheet(named, size), force)


@app.command()
@with_exit_codes
def export(
    network: Annotated[
        str, typer.Argument(help="any, multi, arbitrary, multistyle26, or a file that impasto train has written.")
    ],
    output: Annotated[Path | None, Output] = None,
    force: Force = False,
) -> None:
    """Save a network as an ONNX file for other programs: any height and width, the style's code as an input."""
    from impasto.networks.export import export_onnx

    path = output or Path(f"{Path(network).stem}.onnx")
    export_onnx(network, path, force=force)
    print(path)


@app.command()
@with_exit_codes
@with_settings("texture")
@with_delivery
def texture(style: Styles, settings: dict[str, Any], delivery: DeliveryOptions, recipe: Recipe = "texture") -> None:
    """Make a new texture with a painting's style, of any size."""
    from impasto.jobs.job import Job

    styles = tuple(parse_weighted(argument) for argument in style)
    job = Job("texture", styles=styles, recipe=recipe, settings=settings, delivery=delivery.of())
    _carry_out(job, delivery)


@app.command()
@with_exit_codes
@with_settings("reconstruct")
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

    settings = settings | {"content_layers": layer}
    job = Job("reconstruct", str(content), recipe=recipe, settings=settings, delivery=delivery.of())
    _carry_out(job, delivery)


@app.command()
@with_exit_codes
def run(
    job: Annotated[
        Path, typer.Argument(help="A job as JSON, as `info RESULT --job` prints it; - reads it from standard input.")
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="the job's own")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the output's checkpoint.")] = False,
    force: Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan: sizes, steps, estimated time and memory; write nothing.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Carry out a job that was written down."""
    from impasto.jobs.job import Job

    try:
        text = sys.stdin.read() if job == Path("-") else job.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"The job {job} cannot be read ({error}): give the path of a JSON file.") from error
    asked = Job.read(text)
    if output:
        asked = replace(asked, delivery=replace(asked.delivery, output=str(output)))
    _carry_out(asked, DeliveryOptions(resume=resume, force=force, dry_run=dry_run, json=json, quiet=quiet))


@app.command()
@with_exit_codes
@with_settings(*STYLIZE)
def study(
    content: Annotated[Path, typer.Argument(help="The photograph.", metavar="CONTENT")],
    style: Annotated[Path, typer.Argument(help="The painting.", metavar="STYLE")],
    *,
    settings: dict[str, Any],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for the report and all pictures.", show_default="named after the inputs"
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            help="A setting with the values to compare, like tv_weight=0,30; lists are parted by semicolons. Again for another: all "
            "combinations are computed.",
            metavar="SETTING=VALUE,…",
        ),
    ] = None,
    recipe: Annotated[
        list[str] | None, typer.Option(help="A recipe to compare. Again for another.", show_default="default")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A ready-made study: report, the experiments of a course report.", metavar="report"),
    ] = None,
    snapshots: Annotated[
        str, typer.Option(help="Also show the picture at these iterations: 200,300 or every:50.", show_default="none")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Start, however many runs it is and however long they take.")
    ] = False,
    force: Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the variants with their estimated time; write nothing.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare settings, recipes and losses on a pair of pictures, in a report that is one HTML file.

    What a folder holds already is kept: after Ctrl-C or a full disk, the same command goes on.
    """
    from impasto.cli.execute import execute_study
    from impasto.study.study import plan_study
    from impasto.study.variants import parse_sweep

    sweeps: dict[str, list[str]] = {}
    for text in sweep or []:
        name, values = parse_sweep(text)
        sweeps[name] = sweeps.get(name, []) + values
    planned = plan_study(
        content,
        style,
        folder or Path(f"{content.stem}-{style.stem}-study"),
        sweeps=sweeps,
        recipes=recipe or ["default"],
        preset=preset,
        snapshots=snapshots,
        force=force,
        **settings,
    )
    seconds = planned.estimate()
    if dry_run:
        plan: dict[str, Any] = {"report": str(planned.report), "estimated_s": round(sum(seconds.values()))}
        plan["variants"] = {
            each.name: {
                "estimated_s": round(seconds.get(each.name, 0), 1),
                "command": each.command(str(content), str(style)),
            }
            for each in planned.variants
        }
        print(_dump(plan) if json else _lines(plan))
        return
    execute_study(planned, sum(seconds.values()), yes=yes, quiet=quiet)
    print(planned.summary_file.read_text() if json else planned.report)
    raise typer.Exit(FAILED if planned.failures else 0)


@app.command()
@with_exit_codes
@with_settings("train")
def train(
    *,
    settings: dict[str, Any],
    photos: Annotated[
        Path, typer.Option(help="Folder of photographs to learn from, some hundred or more; those in it count, too.")
    ],
    style: Annotated[list[Path], typer.Option(help="A painting, or a folder of them. Again for another.")],
    kind: Annotated[
        str,
        typer.Option(
            help="single: one style. multi: several, by name. any: a network that paints in the style of any painting.",
            show_default="single for one painting, else multi",
            metavar="single|multi|any",
        ),
    ] = "",
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="File for the network; its log, sheet and checkpoint are put beside it."),
    ] = Path("network.safetensors"),
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            help="Go on from this network: any, multi, or the file of one. One painting: only its style is fitted, which takes minutes.",
            show_default="none",
        ),
    ] = "",
    steps: Annotated[int | None, typer.Option(help="Steps to train.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Minutes to train.", show_default="120, or 10 with --from and one painting")
    ] = None,
    batch: Annotated[int, typer.Option(help="Photographs a step.")] = 4,
    crop: Annotated[int, typer.Option(help="Side of the squares to learn from, in pixels.")] = 192,
    rate: Annotated[
        float | None,
        typer.Option("--learning-rate", help="Step size of Adam.", show_default="0.001, or 0.005 for a fit"),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that decode pictures.")] = 1,
    validate_every: Annotated[int | None, typer.Option(help="Steps between looks at pictures held out.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Also write the losses there for TensorBoard.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the output's checkpoint.")] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network for the fast method on photographs and paintings of your own.

    Watch OUTPUT.sheet.png, which is painted anew every three minutes; Ctrl-C saves, and --resume goes on.
    """
    from impasto.cli.train import execute_training, shared
    from impasto.networks.zoo import network
    from impasto.settings.applies import chosen_settings
    from impasto.training.pictures import pictures_of
    from impasto.training.trainer import KINDS, Course, Training

    chosen = chosen_settings("statistics", settings, "train")
    start = network(from_) if from_ else None
    paintings = sorted({path for source in style for path in pictures_of(source, "paintings", 64)})
    kind = kind or ("single" if len(paintings) == 1 else "multi")
    if kind not in KINDS:
        raise SettingsError(f"--kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    fit = bool(from_) and kind == "single"
    course = Course(
        steps=steps,
        minutes=minutes if minutes is not None or steps is not None else 10 if fit else 120,
        batch=batch,
        crop=crop,
        learning_rate=rate or (0.005 if fit else 0.001),
        workers=workers,
        validate_every=validate_every or (50 if fit else 500),
    )
    with shared() as speaks:
        training = Training(kind, pictures_of(photos, "photographs", crop), paintings, chosen, course, start=start)
        summary, code = execute_training(
            training,
            output,
            source=from_ or None,
            resume=resume,
            force=force,
            quiet=quiet,
            speaks=speaks,
            board=tensorboard,
        )
    if speaks:
        print(_dump(summary) if json else output)
    raise typer.Exit(code)


def _save_sheet(path: Path, draw: "Callable[[], Image]", force: bool) -> None:
    """Draw a sheet and write it, once it is known that it can be written."""
    from impasto.pictures import codecs

    codecs.check_format(path, (1, 1))
    files.check_writable(path, force)
    codecs.save(codecs.load(draw()), path, force=force)
    print(path)


def _carry_out(job: "Job", options: DeliveryOptions) -> None:
    """Carry out a job, or say what it would do."""
    from impasto.cli.execute import execute
    from impasto.jobs.deliver import Work, plan

    if options.dry_run:
        report = plan(job)
        print(_dump(report) if options.json else _lines(report))
        return
    record, code = execute(Work(job, resume=options.resume, force=options.force), quiet=options.quiet)
    print(_dump(record) if options.json else job.output)
    raise typer.Exit(code)


@app.command()
@with_exit_codes
def demo(
    *,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to leave the pictures in.")] = Path(
        "output/demo"
    ),
    size: Annotated[int, typer.Option(help="Long side in pixels.")] = 512,
    iterations: Annotated[
        int | None, typer.Option(help="Iterations over all scales.", show_default="from the recipe")
    ] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Stylise a demo photograph: content, style, snapshots, result, before/after sheet and record in one folder."""
    from impasto.cli.execute import execute
    from impasto.demo import prepare, write_sheet
    from impasto.jobs.deliver import Work

    job = prepare(folder, force, size=size, iterations=iterations)
    record, code = execute(Work(job, force=force), quiet=quiet)
    write_sheet(folder / "sheet.png", [Path(job.content), Path(job.styles[0][0]), job.output], force)
    print(_dump(record) if json else folder)
    raise typer.Exit(code)


@app.command()
@with_exit_codes
def info(
    result: Annotated[Path, typer.Argument(help="A picture made by Impasto, or the JSON beside it.", metavar="RESULT")],
    job: Annotated[
        bool, typer.Option("--job", help="Print the job that makes the same picture again, for `impasto run`.")
    ] = False,
    json: Json = False,
) -> None:
    """Print how a result was made: settings, seed, versions, losses."""
    from impasto.jobs.deliver import job_of
    from impasto.tasks.record import read

    if job:
        print(_dump(job_of(result).dictionary()))
        return
    record = read(result)
    print(_dump(record) if json else _lines(record))


@app.command()
@with_exit_codes
def doctor(json: Json = False) -> None:
    """Show devices, versions and verified weights; exit code 1 when something is amiss."""
    from impasto.doctor import examine

    report, healthy = examine()
    print(_dump(report) if json else _lines(report))
    raise typer.Exit(0 if healthy else FAILED)


@models_app.command("list")
@with_exit_codes
def models_list(json: Json = False) -> None:
    """List the weights with their origin, licence and citation."""
    from impasto.doctor import models

    rows = models()
    print(_dump(rows) if json else "\n\n".join(_lines(row) for row in rows))


@models_app.command("verify")
@with_exit_codes
def models_verify(name: Name = None) -> None:
    """Check the hashes of the installed weights; exit code 1 when one is missing, truncated or altered."""
    from impasto import weights
    from impasto.doctor import OK, healthy, state

    states = {known: state(known) for known in ([name] if name else weights.REGISTRY)}
    for known, found in states.items():
        print(f"{known}: {'ok' if found == OK else 'not ok'}")
        if found != OK:
            stderr.print(f"impasto: {found}", markup=False)
    raise typer.Exit(0 if healthy(states) else FAILED)


@models_app.command("path")
@with_exit_codes
def models_path(name: Name = None) -> None:
    """Print where the installed weights lie."""
    from impasto import weights

    for known in [name] if name else weights.REGISTRY:
        print(weights.source(known))


def _dump(data: Any) -> str:
    return dumps(data, indent=2)


def _lines(data: dict[str, Any], indent: str = "") -> str:
    """A record for people: one ``key: value`` a line, nested ones indented."""
    lines = []
    for key, value in data.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", _lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {value:.4g}" if isinstance(value, float) else f"{indent}{key}: {value}")
    return "\n".join(lines)
