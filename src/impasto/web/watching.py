"""A job while it is painted: what its process tells, and pictures that are asked of it every now and then."""

import threading
import time
from collections.abc import Callable
from typing import Any

from impasto.jobs.process import Process
from impasto.progress import Progress
from impasto.web.job_files import JobFiles
from impasto.web.models import Going, Job, Snapshot

_OFTEN, _LENT = 0.25, 0.7
"""Seconds between two things that are told of a job, and between two of its pictures."""
_SHARE = 3
"""Lending pictures may take one part of the time in so many and one."""
_STRIP = 8
"""Snapshots of a job, with its result."""
_POINTS = 64
"""Of the curve of a job's losses."""


class Watch:
    """One job while it is painted."""

    def __init__(
        self,
        job: Job,
        files: JobFiles,
        iterations: int,
        *,
        save: Callable[[Job], None],
        first: Callable[[], None] | None = None,
    ) -> None:
        """``save`` is told of every change, in any thread; ``first`` is called in one when the first picture
        is there.
        """
        self._job, self._files, self._iterations = job, files, iterations
        self._saved, self._first = save, first
        strip = [round(iterations * part / _STRIP) for part in range(1, _STRIP)] if iterations else []
        last = job.snapshots[-1].iteration if job.snapshots else 0  # before the studio was started anew
        self._strip = [each for each in strip if each > last]
        self._before, self._began = job.seconds, time.monotonic()
        self._lock, self._come, self._over = threading.Lock(), threading.Event(), threading.Event()

    def watched(self, process: Process) -> Job:
        """Watch it to its end; the job as it is then."""
        lender = threading.Thread(target=self._lend, args=[process], daemon=True)
        lender.start()
        last = 0.0
        for progress in process.events():
            self._changed(progress=going(progress, self._iterations), curve=self._curve(progress))
            self._come.set()
            if time.monotonic() - last >= _OFTEN:
                last = time.monotonic()
                self._save()
        self._changed()  # however it ended, and though it may have told nothing
        self._over.set()
        self._come.set()
        lender.join()
        return self._job

    def _lend(self, process: Process) -> None:
        began, lent = time.monotonic(), False
        while not self._over.is_set():
            # The first time before anything is told, so that it comes with the very first step.
            if process.lend(self._files.so_far, timeout=60):
                iteration = self._job.progress.iteration if self._job.progress else 0
                revision, snapshots = self._job.revision + 1, list(self._job.snapshots)
                if self._strip and iteration >= self._strip[0] and self._files.keep_snapshot(iteration):
                    self._strip = [each for each in self._strip if each > iteration]
                    snapshots.append(Snapshot(iteration=iteration, revision=revision))
                self._changed(revision=revision, snapshots=snapshots)
                self._save()
                if not lent:
                    lent, began = True, time.monotonic()  # until then it was waited for
                    if self._first:
                        self._first()
            took = time.monotonic() - began if lent else 0.0
            self._over.wait(max(_LENT, _SHARE * took))
            self._come.wait()
            self._come.clear()
            began = time.monotonic()

    def _curve(self, progress: Progress) -> list[tuple[int, float]]:
        """With what it tells, if there is no other point near."""
        curve, losses = self._job.curve, progress.losses
        near = curve and progress.iteration - curve[-1][0] < self._iterations / _POINTS
        if not losses or near:
            return curve
        return [*curve, (progress.iteration, float(f"{losses.get('total', sum(losses.values())):.4g}"))]

    def _changed(self, **update: Any) -> None:
        with self._lock:
            seconds = round(self._before + time.monotonic() - self._began, 2)
            self._job = self._job.model_copy(update=update | {"seconds": seconds})

    def _save(self) -> None:
        self._saved(self._job)


def going(progress: Progress, iterations: int) -> Going:
    """How far a job is, as pages are told."""
    return Going(
        share=progress.done, text=progress.text, iteration=progress.iteration,
        iterations=int(progress.counts.get("frames", iterations)),
        losses=dict(progress.losses), scale=(progress.width, progress.height) if progress.width else None, left_s=progress.seconds_left,
        rate=progress.counts.get("frames_per_second"),
    )  # fmt: skip
