"""Showing work: a live line on a terminal, and elsewhere, in a log, a line a minute."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column

from impasto._version import IMPORTED_AT
from impasto.cli.options import FAILED
from impasto.cli.printing import dump, duration, say
from impasto.cli.said import fail, stderr
from impasto.errors import SettingsError
from impasto.jobs.rescue import Write, place
from impasto.jobs.underway import Underway
from impasto.machine import interrupts
from impasto.progress import Progress

if TYPE_CHECKING:
    from impasto.study.study import Study

MOST_RUNS, MOST_SECONDS = 30, 3600.0
"""A study beyond these is only begun when that is confirmed."""
SILENCE = 60.0
"""Seconds after which a log is told how far it is."""


def execute(work: Underway[Any], *, quiet: bool) -> tuple[dict[str, Any], int]:
    """Carry work out in sight, and give the record and the exit code. Being asked to stop ends it; the
    picture so far is its result then.
    """
    work.run.started_at = IMPORTED_AT
    height, width = work.run.size
    with (
        contextlib.closing(work.events()) as events,
        contextlib.suppress(KeyboardInterrupt),  # between two of them: closed, they save the picture, too
        shown(f"{work.run.task} {width}×{height}", quiet) as show,
    ):
        for progress in events:
            show(progress)
    if work.record is None:
        raise KeyboardInterrupt
    if not quiet:
        state = f", interrupted: the picture so far is saved in {work.output}" if work.interrupted else ""
        steps, before = work.record["steps"], work.record.get("resumed", [])[-1:]
        counted = f"{steps} {'step' if steps == 1 else 'steps'}{f', from {before[0]} on,' if before else ''}"
        took = time.perf_counter() - IMPORTED_AT  # and not `elapsed_s`: one has waited for the whole command
        stderr.print(f"{counted} in {took:.1f} s{state}", markup=False)
    return work.record, interrupts.code() if work.interrupted else FAILED if work.misplaced else 0


def deliver(path: Path, write: Write, *, force: bool, json: bool) -> None:
    """Write a result and print where it is; when that is not where it was asked for, the exit code tells."""
    there = place(path, write, force)
    say(dump({"output": str(there)}) if json else there)
    if there != path:
        raise typer.Exit(FAILED)


def execute_study(study: "Study", seconds: float, *, yes: bool, quiet: bool) -> None:
    """Compute a study that is estimated to take so many ``seconds``.

    One of more than `MOST_RUNS` runs or `MOST_SECONDS` is only begun with ``yes``: otherwise SettingsError.
    """
    count = len(study.missing)
    size = f"{count} {'run' if count == 1 else 'runs'}, about {duration(seconds)}"
    if (count > MOST_RUNS or seconds > MOST_SECONDS) and not yes:
        raise SettingsError(
            f"This study is {size}: more than {MOST_RUNS} runs or {duration(MOST_SECONDS)} are begun with --yes only, and "
            "--dry-run lists them."
        )
    if not quiet:
        stderr.print(size, markup=False)
    try:
        with shown("study", quiet) as show:
            for progress in study.steps():
                show(progress)
    except KeyboardInterrupt:
        kept = len(study.variants) - len(study.missing)
        fail(
            f"Interrupted: {kept} of {len(study.variants)} variants are kept, and the same command goes on from there.",
            interrupts.code(),
        )


@contextmanager
def shown(title: str, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A function that shows progress. The bar counts work, so that the time left is true."""
    with _bar(title, quiet) as advance:

        def show(progress: Progress) -> None:
            advance(progress)
            if progress.event and not quiet:
                at = f"iteration {progress.iteration}: " if progress.iteration else ""
                stderr.print(f"impasto: {at}{progress.event}", markup=False)

        yield show


@contextmanager
def _bar(title: str, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    if quiet or not stderr.is_terminal:
        yield (lambda progress: None) if quiet else _logged(title)
        return
    # The text begins with what matters most, and is cut off first: bar and times stay on a narrow terminal.
    state = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(16),
        TextColumn("{task.fields[state]}", table_column=state),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[left]}", table_column=Column(no_wrap=True)),
    )
    with Bar(*columns, console=stderr, transient=True, expand=True) as bar:
        task = bar.add_task(title, total=1.0, state="loading", left="")

        def advance(progress: Progress) -> None:
            bar.update(task, completed=progress.done, state=progress.text, left=_left(progress))

        yield advance


def _logged(title: str) -> Callable[[Progress], None]:
    told = time.monotonic()

    def advance(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= SILENCE:
            told = time.monotonic()
            parts = (f"{title}: {progress.done:.0%}", progress.text, _left(progress))
            stderr.print(f"impasto: {', '.join(filter(None, parts))}", markup=False)

    return advance


def _left(progress: Progress) -> str:
    return "" if progress.seconds_left is None else f"{duration(progress.seconds_left)} left"
