"""Carrying out a run: computed, watched, saved. A live line on a terminal, no motion elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from impasto._version import IMPORTED_AT
from impasto.cli.options import INTERRUPTED, Delivery, fail, parse_bits, parse_snapshots, stderr
from impasto.errors import OutputError, SettingsError
from impasto.machine import files
from impasto.pictures.codecs import check_format, save
from impasto.tasks import record
from impasto.tasks.result import Prepared

if TYPE_CHECKING:
    from impasto.study.study import Study

MOST_RUNS, MOST_SECONDS = 30, 3600.0
"""A study beyond these is only begun when that is confirmed."""


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
    before the work begins where that can be known then. A checkpoint stays until the result is complete.
    """
    depth, metadata = parse_bits(delivery.bits), not delivery.no_metadata
    force = delivery.force or delivery.resume  # what a checkpoint's own run has left may be written again
    check_format(output, run.size, depth)
    numbered = _numbered(output, parse_snapshots(delivery.snapshots, run.iterations))
    kept = output.with_name(output.name + ".checkpoint")
    files.check_writable(kept, True)
    reached = _taken_up(run, kept, delivery)
    sidecar = output.with_name(output.name + ".json")
    for path in [output, sidecar, *numbered.values()]:
        files.check_writable(path, force)
    run.started_at = IMPORTED_AT
    failure: BaseException | None = None
    saved = [str(numbered.pop(iteration)) for iteration in [*numbered] if iteration <= reached]

    def snapshot(step: Any, iteration: int) -> None:
        save(run.picture(step), numbered[iteration], depth=depth, force=force)
        saved.append(str(numbered.pop(iteration)))

    try:
        with progress(f"{run.task} {run.size[1]}×{run.size[0]}", delivery.quiet) as advance:
            for step in _checkpointed(run, kept, delivery.checkpoint_every):
                advance(*run.progress(step))
                if step.event and not delivery.quiet:
                    stderr.print(f"impasto: iteration {step.iteration}: {step.event}", markup=False)
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
        files.write_atomic(sidecar, record.encoded(result.record), force)
    else:
        sidecar.unlink(missing_ok=True)  # one of an earlier result would describe another picture
    if failure is None:
        kept.unlink(missing_ok=True)
    elif not isinstance(failure, KeyboardInterrupt):
        stderr.print(f"impasto: The picture so far is in {output}.", markup=False)
        raise failure
    if not delivery.quiet:
        state = ", interrupted" if failure else ""
        stderr.print(f"{result.record['steps']} steps in {result.record['elapsed_s']:.1f} s{state}", markup=False)
    return result.record, INTERRUPTED if failure else 0


def _taken_up(run: Prepared, checkpoint: Path, delivery: Delivery) -> int:
    """The iteration that ``run`` goes on from: 0, or that of its checkpoint. Raises CheckpointError and SettingsError."""
    wanted = delivery.resume or delivery.checkpoint_every is not None
    if wanted and run.iterations == 0:
        raise SettingsError("--checkpoint-every and --resume have no meaning with --method fast: leave them out.")
    if delivery.resume:
        return run.resume(checkpoint)
    if checkpoint.exists() and not delivery.force:
        raise SettingsError(
            f"{checkpoint} is of a run that was cut off: --resume goes on with it, --force starts afresh."
        )
    return 0


def _checkpointed(run: Prepared, path: Path, every: float | None) -> Iterator[Any]:
    """The steps of a run, with its checkpoint written ``every`` so many seconds once a step has been dealt with."""
    written = time.monotonic()
    for step in run.steps():
        yield step
        if every is not None and time.monotonic() - written >= every:
            try:
                run.checkpoint(path)
            except OutputError as error:  # the one before is still there, and the work goes on
                stderr.print(f"impasto: {error}", markup=False)
            written = time.monotonic()


def _numbered(output: Path, iterations: list[int]) -> dict[int, Path]:
    return {iteration: output.with_stem(f"{output.stem}-{iteration:05d}") for iteration in iterations}


def execute_study(study: "Study", seconds: float, *, yes: bool, quiet: bool) -> None:
    """Compute a study that is estimated to take so many ``seconds``.

    One of more than `MOST_RUNS` runs or `MOST_SECONDS` is only begun with ``yes``: otherwise SettingsError.
    """
    count = len(study.missing)
    size = f"{count} {'run' if count == 1 else 'runs'}, about {_duration(seconds)}"
    if (count > MOST_RUNS or seconds > MOST_SECONDS) and not yes:
        raise SettingsError(
            f"This study is {size}: more than {MOST_RUNS} runs or {_duration(MOST_SECONDS)} are begun with --yes only, and "
            "--dry-run lists them."
        )
    if not quiet:
        stderr.print(size, markup=False)
    try:
        with progress("study", quiet) as advance:
            for step in study.steps():
                advance(step.done, step.text)
                if step.event and not quiet:
                    stderr.print(f"impasto: {step.event}", markup=False)
    except KeyboardInterrupt:
        kept = len(study.variants) - len(study.missing)
        fail(
            f"Interrupted: {kept} of {len(study.variants)} variants are kept, and the same command goes on from there.",
            INTERRUPTED,
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def progress(title: str, quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """A function to call with the share that is done, and what to say of it. The bar counts work, so that the time left is true."""
    if quiet or not stderr.is_terminal:
        yield lambda done, state: None
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
        bar = progress.add_task(title, total=1.0, state="loading")
        yield lambda done, state: progress.update(bar, completed=done, state=state)
