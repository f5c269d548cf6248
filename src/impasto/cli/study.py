"""The command study."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli import complete
from impasto.cli.app import app
from impasto.cli.options import (
    FAILED,
    Force,
    Json,
    Quiet,
    with_exit_codes,
    with_settings,
)
from impasto.cli.printing import dump, lines, say
from impasto.machine import files
from impasto.settings.setting import STYLIZE


@app.command()
@with_exit_codes
@with_settings(*STYLIZE, inputs=())
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
        list[str] | None,
        typer.Option(
            help="A recipe to compare. Again for another.", show_default="default", autocompletion=complete.recipe
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="A ready-made study: report, the experiments of a course report.", **complete.one_of("report")
        ),
    ] = None,
    snapshots: Annotated[
        str, typer.Option(help="Also show the picture at these iterations: 20,40 or every:20.", show_default="none")
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
    made = plan_study(
        content,
        style,
        folder or Path(files.named(f"{content.stem}-{style.stem}", "-study")),
        sweeps=sweeps,
        recipes=recipe or ["default"],
        preset=preset,
        snapshots=snapshots,
        force=force,
        **settings,
    )
    seconds = made.estimate()
    if dry_run:
        told: dict[str, Any] = {"report": str(made.report), "estimated_s": round(sum(seconds.values()))}
        told["variants"] = {
            each.name: {
                "estimated_s": round(seconds.get(each.name, 0), 1),
                "command": each.command(str(content), str(style)),
            }
            for each in made.variants
        }
        say(dump(told) if json else lines(told))
        return
    execute_study(made, sum(seconds.values()), yes=yes, quiet=quiet)
    say(made.summary_file.read_text() if json else made.report)
    raise typer.Exit(FAILED if made.failures else 0)
