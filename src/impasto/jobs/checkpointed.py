"""The steps of a run, with checkpoints that are written as it goes, of a picture or of a frame of a film."""

import contextlib
import time
from collections.abc import Generator
from pathlib import Path

from impasto.errors import OutputError
from impasto.machine import interrupts
from impasto.progress import Progress
from impasto.tasks.result import Prepared


def checkpointed(run: Prepared, path: Path, every: float | None) -> Generator[Progress, None, None]:
    """The steps of a run, until the process is asked to stop: that raises KeyboardInterrupt.

    A checkpoint is written to ``path`` before it does, and ``every`` so many seconds; with None there is
    none. One that cannot be written is told, for the one before is still there, and the work goes on.
    """
    written = time.monotonic()
    with contextlib.nullcontext() if every is None else interrupts.patient():
        for progress in run.steps():
            yield progress
            asked = interrupts.asked()
            if every is not None and (asked or time.monotonic() - written >= every):
                try:
                    run.checkpoint(path)
                except OutputError as error:
                    yield Progress(progress.done, progress.text, str(error), progress.iteration)
                written = time.monotonic()
            if asked:
                raise KeyboardInterrupt
