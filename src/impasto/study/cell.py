"""One variant, computed in a process of its own: its peak memory is its own, and whatever it dies of, the
study goes on.
"""

import itertools
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto._version import IMPORTED_AT
from impasto.errors import OutputError
from impasto.jobs.deliver import Work
from impasto.jobs.job import Delivery, Job
from impasto.judge.scores import LONGEST, score
from impasto.machine import files
from impasto.pictures import codecs
from impasto.pictures.large import LargePicture, resized
from impasto.pictures.picture import Picture, long_side
from impasto.progress import Progress
from impasto.tasks import record

CELL, RESULT = "cell.json", "result.png"


class Scored:
    """A job that is carried out into its folder and then scored: result, snapshots, and last `CELL`, which
    marks it as finished.
    """

    def __init__(self, job: dict[str, Any], fingerprint: str) -> None:
        """``job`` is a `Job.dictionary`. Raises as `Work`."""
        self._work = Work.of(job, force=True)
        self._fingerprint = fingerprint

    def events(self) -> Generator[Progress, None, None]:
        """Compute and score. Raises OutputError when the folder cannot be written, other errors as
        `Work.events`.
        """
        told: list[dict[str, float]] = []
        for progress in self._work.events():
            if progress.losses:
                told.append({"iteration": progress.iteration, **progress.losses})
            yield progress
        if self._work.misplaced:
            raise OutputError(f"{'; '.join(self._work.misplaced)}.")
        job, result = self._work.job, self._work.run.result()
        with codecs.truncation(job.settings.get("allow_truncated", False)):
            scores = score(job.content, job.styles[0][0], _judged(result.painted))
        outcome = {
            "fingerprint": self._fingerprint,
            "record": self._work.record,  # its peak memory was read before the scores took theirs
            "wall_s": time.perf_counter() - IMPORTED_AT,
            # A term may begin at a later scale than the others.
            "curve": {name: [each.get(name) for each in told] for name in dict.fromkeys(itertools.chain(*told))},
            "scores": scores,
        }
        files.write_atomic(job.output.with_name(CELL), record.encoded(outcome), force=True)

    def lend(self, path: Path) -> None:
        """Write the picture so far."""
        self._work.lend(path)


def job_of(content: Path, style: Path, recipe: str, settings: Any, *, snapshots: Sequence[int], folder: Path) -> Job:
    """What makes the picture of a variant."""
    job = Job("stylize", str(content), ((str(style), 1.0),), recipe=recipe, settings=settings)
    moments = ",".join(str(moment) for moment in snapshots if moment <= job.iterations)
    return replace(job, delivery=Delivery(str(folder / RESULT), snapshots=moments))


def _judged(painted: Picture | LargePicture) -> Picture:
    """The result at a size that the scores' network can see whole."""
    small = resized(painted, long_side(painted.size, min(LONGEST, max(painted.size))))
    assert isinstance(small, Picture)
    return small
