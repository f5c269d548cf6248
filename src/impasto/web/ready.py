"""What a process that will paint does before it knows what: so that the first picture is there at once. And
the work that it then does.
"""

import contextlib
import logging
import os
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto.errors import NotReadyError, OutputError
from impasto.jobs.deliver import Work
from impasto.jobs.job import Job
from impasto.progress import Progress
from impasto.tasks.stylize import plan_stylize
from impasto.video.job import VideoJob
from impasto.web.job_files import SO_FAR

if TYPE_CHECKING:
    from impasto.video.work import VideoWork

_NICE = 5
"""Previews come first."""
_SIDE = 64
_PART = 24
"""Frames of a film's part: what a power cut may cost."""


def ready() -> None:
    """Take the first step of a very small job, and with it load what every job needs: networks, libraries
    that torch imports once it differentiates, and the kernels of its layers.
    """
    if hasattr(os, "nice"):
        os.nice(_NICE)
    noise = np.random.default_rng(0).integers(0, 255, (_SIDE, _SIDE, 3), np.uint8)
    next(plan_stylize(noise, noise, size=_SIDE).steps())
    # From now on: of the machine, as of a compiler that fails, nobody is told who has a job done here.
    said = logging.StreamHandler()
    said.setFormatter(logging.Formatter("impasto: %(message)s"))
    logging.getLogger("impasto").addHandler(said)


def painted(job: dict[str, Any], resume: bool) -> Work:
    """The work of a job, which writes over what an earlier try has left. Elsewhere nobody would find it."""
    work = Work(Job.of(job), resume=resume, force=True)
    work.rescues = False
    return work


def filmed(job: dict[str, Any], resume: bool, named: dict[str, str] | None = None) -> "Film":
    """The work of a film likewise; what its files are called is ``named`` by their paths. Where it is cut
    short, what is painted becomes the film.
    """
    from impasto.video.work import VideoWork  # which needs PyAV, an extra that pictures do without

    work = VideoWork(VideoJob.of(job), resume=resume, force=True, keeps=True, named=named)
    work.run.way.LENGTH, work.rescues = _PART, False
    return Film(work)


class Film:
    """A film underway, with a picture of it beside it at its end."""

    def __init__(self, work: "VideoWork") -> None:
        self._work, self.lend = work, work.lend

    def events(self) -> Generator[Progress, None, None]:
        """As the work tells them, each with how many frames there are."""
        frames = {"frames": self._work.run.count}
        try:
            with contextlib.closing(self._work.events()) as events:
                for progress in events:
                    yield replace(progress, counts={**progress.counts, **frames})
        finally:
            with contextlib.suppress(NotReadyError, OutputError):  # there is none, or the one before stays
                self.lend(self._work.job.output.with_name(SO_FAR))

    def checkpoint(self) -> None:
        """Leave the parts that are whole, to be gone on from: the studio ends, and not the film."""
        self._work.keeps = False
