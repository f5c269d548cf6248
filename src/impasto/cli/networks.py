"""The commands of networks and weights: train, style-code, export, doctor, models."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import complete
from impasto.cli.app import Program, app
from impasto.cli.named import Index, parse_styles
from impasto.cli.options import FAILED, Force, Json, Output, Quiet, Truncated, with_exit_codes, with_settings
from impasto.cli.printing import dump, lines, say
from impasto.cli.said import stderr
from impasto.errors import SettingsError
from impasto.machine import files
from impasto.settings import names
from impasto.settings.fields import NETWORKS

models_app = Program(help="The pretrained weights: list them, verify them, find them.")
app.add_typer(models_app, name="models")

Name = Annotated[
    str | None,
    typer.Argument(
        help="One of the names that `models list` prints; without it, all of them.", autocompletion=complete.weights
    ),
]


@app.command()
@with_exit_codes
@with_settings("train", recipe="statistics")
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
            **complete.one_of("single", "multi", "any"),
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
    stillness: Annotated[
        float,
        typer.Option(
            "--steady", help="Weight of keeping still for films: what is painted moves as the photograph does."
        ),
    ] = 0.0,
    tensorboard: Annotated[Path | None, typer.Option(help="Also write the losses there for TensorBoard.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the output's checkpoint.")] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network for the fast method on photographs and paintings of your own.

    Watch OUTPUT.sheet.png, which is painted anew every three minutes; Ctrl-C saves, and --resume goes on.
    """
    from impasto.cli.execute_training import execute_training
    from impasto.jobs.train import Outputs
    from impasto.networks.zoo import network
    from impasto.settings.applies import chosen_settings
    from impasto.training.course import KINDS, Course
    from impasto.training.pictures import pictures_of
    from impasto.training.sharing import shared
    from impasto.training.trainer import Training

    chosen = chosen_settings("statistics", settings, "train")
    from_ = from_ and str(files.at_home(from_))
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
        learning_rate=(0.005 if fit else 0.001) if rate is None else rate,
        workers=workers,
        validate_every=(50 if fit else 500) if validate_every is None else validate_every,
        steady=stillness,
    )
    learnt_from = pictures_of(photos, "photographs", crop)
    inputs: list[str | Path] = [*learnt_from, *paintings, *([from_] if from_ else [])]
    outputs = Outputs.checked(output, inputs, resume=resume, force=force)
    with shared() as speaks:
        training = Training(kind, learnt_from, paintings, chosen, course, start=start)
        summary, code = execute_training(
            training, outputs, source=from_ or None, quiet=quiet, speaks=speaks, board=tensorboard
        )
    if speaks:
        say(dump(summary) if json else output)
    raise typer.Exit(code)


@app.command()
@with_exit_codes
def style_code(
    style: Annotated[
        list[str] | None,
        typer.Argument(help="Paintings, each with a weight if :NUMBER follows.", metavar="STYLE[:WEIGHT]"),
    ] = None,
    *,
    output: Output = "",
    style_index: Index = "",
    network: Annotated[
        str, typer.Option(help="The network that it is for.", show_default="the fast method's")
    ] = "auto",
    allow_truncated: Truncated = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Save a painting's style, a learnt one, or a mixture, as a small file for `stylize` in its place."""
    from impasto.cli.execute import deliver
    from impasto.networks.codes import learnt_style
    from impasto.pictures import codecs
    from impasto.tasks.inputs import style_code as code_of

    if bool(style) == bool(style_index):
        raise SettingsError("Give one or more paintings, or a `style_index` in their place.")
    paintings = list(parse_styles(style or [], quiet))
    stem = Path(paintings[0][0]).stem if paintings else f"style-{names.as_name(style_index)}"
    path = files.placed(output, files.named(stem, ".safetensors"))
    files.check_writable(path, force)
    files.refuse_inputs([path], [*(painting for painting, _ in paintings), network])
    with codecs.truncation(allow_truncated):
        code = code_of(paintings, network) if paintings else learnt_style(style_index, network)
    files.create_folder(path.parent)
    deliver(path, lambda to, over: code.save(to, force=over), force=force, json=json)


@app.command()
@with_exit_codes
def export(
    network: Annotated[
        str,
        typer.Argument(
            help=f"{', '.join(NETWORKS)}, or a file that impasto train has written.", autocompletion=complete.network
        ),
    ],
    *,
    output: Output = "",
    size: Annotated[
        str,
        typer.Option(
            help="WIDTHxHEIGHT of all that it will paint, for programs that want to know it, like OpenCV's.",
            show_default="any",
        ),
    ] = "",
    colour: Annotated[
        bool,
        typer.Option("--colour", help="With the step that moves what is painted to the style's colours; needs --size."),
    ] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Save a network as an ONNX file for other programs: any height and width, the style's code as an
    input.
    """
    from impasto.cli.execute import deliver
    from impasto.networks.export import export_onnx
    from impasto.settings.fields import Settings

    path = files.placed(output, files.named(Path(network).stem, ".onnx"))
    files.check_writable(path, force)
    files.refuse_inputs([path], [network])
    wanted = Settings().changed(size=size or "auto").size
    if size and not isinstance(wanted, tuple):
        raise SettingsError(f"`size` must be WIDTHxHEIGHT here, like 512x384, not {size}.")
    fixed = (wanted[1], wanted[0]) if isinstance(wanted, tuple) else None
    deliver(
        path, lambda to, over: export_onnx(network, to, size=fixed, colour=colour, force=over), force=force, json=json
    )


@app.command()
@with_exit_codes
def doctor(json: Json = False) -> None:
    """Show devices, versions and verified weights; exit code 1 when something is amiss."""
    from impasto.doctor import examine

    report, healthy = examine()
    say(dump(report) if json else lines(report))
    raise typer.Exit(0 if healthy else FAILED)


@models_app.command("list")
@with_exit_codes
def models_list(json: Json = False) -> None:
    """List the weights with their origin, licence and citation."""
    from impasto.doctor import models

    rows = models()
    say(dump(rows) if json else "\n\n".join(lines(row) for row in rows))


@models_app.command("verify")
@with_exit_codes
def models_verify(name: Name = None, json: Json = False) -> None:
    """Check the hashes of the installed weights; exit code 1 when one is missing, truncated or altered."""
    from impasto import weights
    from impasto.doctor import OK, healthy, state

    states = {known: state(known) for known in ([name] if name else weights.REGISTRY)}
    if json:
        say(dump(states))
    for known, found in states.items():
        if not json:
            say(f"{known}: {'ok' if found == OK else 'not ok'}")
        if found != OK:
            stderr.print(f"impasto: {found}", markup=False)
    raise typer.Exit(0 if healthy(states) else FAILED)


@models_app.command("path")
@with_exit_codes
def models_path(name: Name = None, json: Json = False) -> None:
    """Print where the installed weights lie."""
    from impasto import weights

    places = {known: str(weights.source(known)) for known in ([name] if name else weights.installed())}
    say(dump(places) if json else "\n".join(places.values()))
