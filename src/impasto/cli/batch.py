"""The command batch."""

import contextlib
import gc
import os
import platform
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import complete
from impasto.cli.app import app
from impasto.cli.named import Indices, parse_styles
from impasto.cli.options import FAILED, Force, Json, Quiet, with_exit_codes, with_settings
from impasto.cli.printing import dump, lines, say
from impasto.cli.said import stderr
from impasto.errors import SettingsError
from impasto.machine import interrupts
from impasto.settings.setting import BATCH

if TYPE_CHECKING:
    from impasto.batch.batch import Batch
    from impasto.batch.looks import Wish


@app.command()
@with_exit_codes
@with_settings(*BATCH, inputs=(), shown={"method": "fast"})
def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Folders, globs, lists (.txt, or - for standard input), manifests (.csv, .jsonl), photographs and clips; last the painting, unless "
            "--style or --style-index gives it.",
            metavar="INPUT… [PAINTING]",
        ),
    ],
    *,
    settings: dict[str, Any],
    output: Annotated[str, typer.Option("--output", "-o", help="Folder for the results, or s3://BUCKET/NAME.")],
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="A painting or a saved style, with a weight if :NUMBER follows. Again for another: they are blended.",
            metavar="STYLE[:WEIGHT]",
        ),
    ] = None,
    style_index: Indices = None,
    each_style: Annotated[
        bool,
        typer.Option("--each-style", help="A result in each of the styles, and not in a blend; --style takes folders."),
    ] = False,
    recipe: Annotated[
        str, typer.Option(help="A named set of settings, for the optimiser.", autocompletion=complete.recipe)
    ] = "default",
    name: Annotated[
        str,
        typer.Option(
            help="How a result is called: of {stem}, {name}, {suffix}, {style}, {hash} and {folder}.",
            metavar="TEMPLATE",
            show_default="{stem}-{style}{suffix}",
        ),
    ] = "",
    bits: Annotated[
        int | None, typer.Option(help="Bits a channel, 8 or, of pictures, 16.", show_default="as the input")
    ] = None,
    no_metadata: Annotated[bool, typer.Option("--no-metadata", help="Leave the record out of the results.")] = False,
    keep_metadata: Annotated[
        str,
        typer.Option(help="As for stylize.", metavar="all|some|none", show_default="some, or none with --no-metadata"),
    ] = "",
    profile: Annotated[str, typer.Option(help="As for stylize.", metavar="keep|srgb")] = "srgb",
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes, each with one thread; with --ray at most so many.",
            min=1,
            show_default="one a processor, as memory allows",
        ),
    ] = None,
    shard: Annotated[
        str,
        typer.Option(
            help="Do one part of many, like 1/10; auto reads the part from SLURM's or torchrun's variables, auto/10 also from Kubernetes'.",
            metavar="NUMBER/COUNT",
            show_default="all",
        ),
    ] = "",
    claim: Annotated[
        bool, typer.Option("--claim", help="Share the folder with others that do: each takes what nobody has in hand.")
    ] = False,
    ray: Annotated[
        str,
        typer.Option(
            help="Paint on a Ray cluster, by a process for every processor or GPU in it: HOST:PORT of its head, or auto for the one that this machine is in.",
            metavar="ADDRESS",
            show_default="on this machine",
        ),
    ] = "",
    server: Annotated[
        str,
        typer.Option(
            help="Have it painted by a studio: the address that impasto web prints; its token may be in IMPASTO_TOKEN.",
            metavar="URL",
            show_default="on this machine",
        ),
    ] = "",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what has failed before.")] = False,
    max_failures: Annotated[
        int | None, typer.Option(help="Stop when more than so many fail.", min=0, show_default="never")
    ] = None,
    force: Force = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Count what is new, changed, failed and done, estimate time and memory; write nothing."
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Paint many photographs and films, each once: the same command goes on where it was stopped, and does
    what is new.

    By the fast method, unless another is asked for: the optimiser takes minutes a picture.
    """
    from impasto.batch.batch import Batch, workers_for
    from impasto.batch.estimate import estimate
    from impasto.batch.inputs import is_many, piped
    from impasto.batch.ledger import Ledger
    from impasto.batch.looks import Wish
    from impasto.batch.plan import plan_batch
    from impasto.batch.shards import Shard
    from impasto.batch.stores import Place
    from impasto.jobs.job import Delivery
    from impasto.machine import memory

    if not (style or style_index) and len(inputs) > 1 and not is_many(inputs[-1]):
        style = [inputs.pop()]
    inputs = [line for each in inputs for line in (piped() if each == "-" else [each])]
    asked = {"shard": shard, "claim": claim, "ray": ray, "server": server}
    if len(ways := [name for name, given in asked.items() if given]) > 1:
        raise SettingsError(f"`{ways[0]}` and `{ways[1]}` are two ways to share a batch: choose one of them.")
    if server and workers:
        raise SettingsError("A studio has workers of its own: leave out `workers`, or paint without `server`.")
    wish = Wish(
        parse_styles(style or [], quiet or each_style),
        tuple(style_index or ()),
        each_style,
        recipe,
        settings,
        Delivery(bits=bits, metadata=not no_metadata, keep_metadata=keep_metadata, profile=profile),  # type: ignore[arg-type]
        name,
    )
    chosen = Shard.of(shard) if shard else None
    part = chosen.part if chosen else f"-{platform.node()}-{os.getpid()}" if claim else ""
    place = Place(output)
    ledger = Ledger(place.folder, part)
    with memory.uncollected():
        plan = plan_batch(
            inputs, place, wish, ledger,
            shard=chosen, retry_failed=retry_failed, force=force, elsewhere=bool(ray or server),
        )  # fmt: skip
        gc.freeze()  # or all of it would be searched as soon as that is over, and again when the process ends
    device = settings.get("device", "auto")
    count = 1 if server else workers or (0 if ray else workers_for(len(plan.to_do), device))
    made_ready = Batch(plan, ledger, part, count, max_failures, claim, ray, device, server)
    if not quiet:
        _introduce(made_ready, wish, chosen.source if chosen else "")
    if dry_run:
        report = {"impasto": "batch", "output": str(place), **plan.counts, "to_do": len(plan.to_do)}
        if not (ray or server):  # of whose machines nothing is known
            seconds, size = estimate(made_ready)
            report |= {"workers": count, "estimated_s": round(seconds), "estimated_bytes": round(size)}
        say(dump(report) if json else lines(report))
        return
    raise typer.Exit(_carry_out(made_ready, json=json, quiet=quiet))


def _introduce(batch: "Batch", wish: "Wish", source: str) -> None:
    """Say what there is to do, and of what was passed over and why this part."""
    from impasto.machine.folders import Found

    plan, part = batch.plan, batch.part.removeprefix("-")
    styles = [path for path, _ in wish.styles] + [f"style {index}" for index in wish.style_indices]
    told = (
        [f"by {'each of ' if wish.each_style else ''}{', '.join(styles[:3])}{', …' * (len(styles) > 3)}"]
        if styles
        else []
    )
    told += [f"part {part}" + (f" as {source} says" if source else "")] if part else []
    counts = ", ".join(
        f"{plan.counts[kind]} {kind}" for kind in ("new", "changed", "failed", "done") if plan.counts[kind]
    )
    films = sum(item.pattern.is_film for item in plan.items)
    told += [f"{_counted(films, 'film')} among them"] if films else []
    stderr.print(f"impasto: {_counted(plan.counts['total'], 'result')} ({'; '.join([counts, *told])})", markup=False)
    if plan.passed:
        stderr.print(f"impasto: Passed over: {Found([], plan.passed).told()}.", markup=False)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _carry_out(batch: "Batch", *, json: bool, quiet: bool) -> int:
    """Carry a batch out in sight, and give the exit code."""
    from impasto.cli.execute import shown

    code = 0
    try:
        with contextlib.closing(batch.events()) as events, shown("batch", quiet) as show:
            for progress in events:
                show(progress)
    except KeyboardInterrupt:
        code = interrupts.code()
    report = batch.report()
    if not quiet:
        state = "Interrupted: the same command goes on. " if code else "Stopped. " if batch.stopped else ""
        failed = f"; {report['failures']} failed, named in {', '.join(report['errors'])}" if report["failures"] else ""
        stderr.print(
            f"impasto: {state}{_counted(report['done_now'], 'result')} in {report['elapsed_s']:.1f} s, {report['pictures_per_s']:.2f}/s{failed}",
            markup=False,
        )
    say(dump(report) if json else batch.plan.place)
    return code or (FAILED if report["failures"] or report["left"] else 0)
