"""Carrying out a run: computed, watched, saved. A live line on a terminal, no motion elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import impasto
from impasto import files, record
from impasto.cli.options import INTERRUPTED, Delivery, parse_bits, parse_snapshots, stderr
from impasto.images import check_format, save
from impasto.result import Prepared


def plan(run: Prepared, output: Path, delivery: Delivery) -> dict[str, Any]:
    """What `execute` would do: sizes, steps, files, and what they are estimated to cost."""
    check_format(output, run.size, parse_bits(delivery.bits))
    snapshots = parse_snapshots(delivery.snapshots, run.iterations)
    seconds, size = run.estimate()
    return {
        "task": run.task,
        "output": str(output),
        "snapshots": [str(path) for path in _numbered(output, snapshots).values()],
        "width": run.size[1],
        "height": run.size[0],
        **run.plan(),
        "device": str(run.device),
        "precision": run.precision,
        "estimated_s": round(seconds),
        "estimated_bytes": round(size),
        "recipe": run.recipe,
        "settings": run.settings.dictionary(),
    }


def execute(run: Prepared, output: Path, delivery: Delivery, inputs: list[str]) -> tuple[dict[str, Any], int]:
    """Compute ``run``, save its snapshots, its result and its record, and give the record and the exit code.

    On Ctrl-C the picture so far is saved like a result, and the exit code says so. What cannot be written raises OutputError,
    before the work begins where that can be known then.
    """
    depth, force, metadata = parse_bits(delivery.bits), delivery.force, not delivery.no_metadata
    check_format(output, run.size, depth)
    numbered = _numbered(output, parse_snapshots(delivery.snapshots, run.iterations))
    sidecar = output.with_name(output.name + ".json")
    for path in [output, sidecar, *numbered.values()]:
        files.check_writable(path, force)
    run.started_at = impasto.IMPORTED_AT
    failure: BaseException | None = None
    saved = []

    def snapshot(step: Any, iteration: int) -> None:
        save(run.picture(step), numbered[iteration], depth=depth, force=force)
        saved.append(str(numbered.pop(iteration)))

    try:
        with _progress(run, delivery.quiet) as advance:
            for step in run.steps():
                advance(step)
                for iteration in [each for each in numbered if each <= step.iteration]:
                    snapshot(step, iteration)  # a scale that ends early passes over some
        for iteration in list(numbered):
            snapshot(step, iteration)
    except (KeyboardInterrupt, Exception) as error:
        if not run.has_picture:
            raise
        failure = error  # hours of work are not lost to whatever this was: the picture so far is saved first
    result = run.result()
    result.record.update(inputs=inputs, output=str(output), snapshots=saved)
    result.save(output, depth=depth, force=force, metadata=metadata)
    if metadata:
        files.write_atomic(sidecar, (record.to_json(result.record) + "\n").encode(), force)
    else:
        sidecar.unlink(missing_ok=True)  # one of an earlier result would describe another picture
    if failure is not None and not isinstance(failure, KeyboardInterrupt):
        stderr.print(f"impasto: The picture so far is in {output}.", markup=False)
        raise failure
    if not delivery.quiet:
        state = ", interrupted" if failure else ""
        stderr.print(f"{result.record['steps']} steps in {result.record['elapsed_s']:.1f} s{state}", markup=False)
    return result.record, INTERRUPTED if failure else 0


def _numbered(output: Path, iterations: list[int]) -> dict[int, Path]:
    return {iteration: output.with_stem(f"{output.stem}-{iteration:05d}") for iteration in iterations}


@contextmanager
def _progress(run: Prepared, quiet: bool) -> Iterator[Any]:
    """A function to call with every step. The bar counts work, so that the time left is true."""
    if quiet or not stderr.is_terminal:
        yield lambda step: _tell(step, quiet)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with Progress(*columns, console=stderr, transient=True) as progress:
        bar = progress.add_task(f"{run.task} {run.size[1]}×{run.size[0]}", total=1.0, state="loading")

        def advance(step: Any) -> None:
            done, state = run.progress(step)
            progress.update(bar, completed=done, state=state)
            _tell(step, quiet)

        yield advance


def _tell(step: Any, quiet: bool) -> None:
    if step.event and not quiet:
        stderr.print(f"impasto: iteration {step.iteration}: {step.event}", markup=False)
