"""Paints one job after the other, in processes of their own; whatever one dies of, the next goes on.

A process that waits for its work is there beforehand, with all loaded, so that the first picture comes at
once. Who has painted a picture in one pass paints the next one, too: to load all takes far longer. While a
job is painted, the picture so far is asked for every now and then: it is what is left if the process dies.
"""

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from impasto.errors import ImpastoError, OutputError
from impasto.jobs.job import Job as Order
from impasto.jobs.process import GRACE, Process
from impasto.progress import Progress
from impasto.video.job import VideoJob
from impasto.web.giving_way import GivingWay
from impasto.web.job_files import JobFiles
from impasto.web.jobs import Jobs
from impasto.web.models import Job, State, now
from impasto.web.watching import Watch, going

log = logging.getLogger("impasto.web")

Done = TypeVar("Done")

SAID = "impasto: "
"""How a line begins that the work says to people."""
READY = "impasto.web.ready:ready"
WORKS = {True: "impasto.web.ready:filmed", False: "impasto.web.ready:painted"}
"""Of films, and of pictures."""
_PATIENCE, _TRIES = 10.0, 15
"""Seconds that a job has to write its checkpoint when the studio ends, and a film what is painted of it when
it is cancelled; times that it is tried to take one up whose former process has not ended yet."""
_AT_ONCE = 3.0
"""Seconds within which a process that waited dies of what was before its job, and not of the job."""
_ROOM = 2.0
"""Seconds until what a full disk did not take is written again."""


class Painter:
    """A thread that paints."""

    def __init__(self, jobs: Jobs, ended: Callable[[Job], None] = lambda _: None) -> None:
        """``ended`` is told of every job that has come to an end."""
        self._jobs, self._ended = jobs, ended
        self._spare: Process | None = None
        self._process: Process | None = None
        self._current = ""
        self._closing, self._grace = False, GRACE
        self._giving_way = GivingWay()
        self._thread = threading.Thread(target=self._paint_all, name="painter", daemon=True)
        jobs.on_cancel = self._cancel

    def open(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Let the job at hand write what it can be taken up from, and end."""
        self._closing = True
        self._jobs.close()
        if (process := self._process) is not None:
            process.pause(_PATIENCE)
        if self._thread.is_alive():
            self._thread.join(2 * _PATIENCE)
        if self._spare is not None:
            self._spare.close()

    @property
    def pid(self) -> int | None:
        """The process that paints now, if there is one."""
        process = self._process
        return process.pid if process is not None else None

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Within it, the job at hand stands still, unless it has for long, and what gets ready for the next
        one does: for what somebody waits for.
        """
        ends = self._closing or self._current in self._jobs.cancelled  # and has its time to save what there is
        spare = self._spare
        with (
            contextlib.nullcontext() if spare is None else spare.held(),
            self._giving_way.of(None if ends else self._process),
        ):
            yield

    def _cancel(self, id: str) -> None:
        """Let the job at hand end, by force if it does not hear."""
        process = self._process
        if id == self._current and process is not None:
            threading.Thread(target=process.cancel, args=[self._grace], daemon=True).start()

    def _lasting(self, do: Callable[[], Done]) -> Done | None:
        """What it gives, once there is room on the disk for what it writes; None if all is to end before."""
        told = ""
        while True:
            try:
                return do()
            except OutputError as error:
                if (reason := str(error)) != told:
                    log.warning("not written", extra={"reason": reason})
                told = reason
            if self._closing:
                return None
            time.sleep(_ROOM)

    def _paint_all(self) -> None:
        self._warm()
        while (taken := self._lasting(self._jobs.take)) is not None:
            visitor, job = taken
            try:
                job = self._painted(visitor, job)
            except Exception as error:  # one job is not to end the others
                log.exception("job failed", extra={"job": job.id})
                job = self._failed(job, f"This should not have happened ({type(error).__name__}).")
            job = self._lasting(functools.partial(self._told, visitor, job)) or job
            if self._closing and job.state == "running":
                job = job.model_copy(update={"state": "waiting", "progress": None})
            self._jobs.cancelled.discard(job.id)
            self._lasting(functools.partial(self._jobs.save, visitor, job))
            if job.state != "waiting":
                log.info("job ended", extra={"job": job.id, "state": job.state, "seconds": job.seconds})
                self._ended(job)

    def _told(self, visitor: str, job: Job) -> Job:
        """A job with what is said of it as its visitor may hear it."""
        error = job.error and self._jobs.told(visitor, job, job.error)
        warnings = [self._jobs.told(visitor, job, each) for each in job.warnings]
        return job.model_copy(update={"error": error, "warnings": warnings})

    def _warm(self) -> None:
        if self._closing or (self._spare is not None and self._spare.alive):
            return
        with contextlib.suppress(OSError):  # there is no memory for it now
            self._spare = Process(ready=READY)

    def _begun(self) -> Process:
        spare, self._spare = self._spare, None
        if spare is not None and spare.alive:
            return spare
        if spare is not None:
            spare.close()
        return Process(ready=READY)

    @contextlib.contextmanager
    def _lent(self, id: str, quick: bool) -> Iterator[Process]:
        """A process for a job; one that has done what is ``quick`` waits for the next, with all loaded.
        One that was to be cancelled does not, however late that came: it hears of it now, and ends.
        """
        with contextlib.ExitStack() as held:
            process = held.enter_context(self._begun())
            yield process
            if quick and process.outcome == "done" and id not in self._jobs.cancelled:
                self._spare = process
                held.pop_all()

    def _painted(self, visitor: str, job: Job) -> Job:
        files, films = self._jobs.files(job.id), job.request.task == "video"

        def known() -> tuple[Order | VideoJob, int, dict[str, Any]]:
            order = self._jobs.order(visitor, job)
            named = {"named": self._jobs.named(visitor, job)} if films else {}
            return order, self._jobs.steps(visitor, job, order), named

        try:
            if (asked := self._lasting(known)) is None:
                return job
            order, steps, named = asked
            if files.is_whole(order.output):
                return self._come_to_an_end(job, files, order.output, "done")
            files.begin(order.output)
        except (ImpastoError, OSError) as error:
            return self._failed(job, str(error))
        quick, begun = not (films or steps), False
        self._grace = _PATIENCE if films else GRACE
        job = job.model_copy(update={"progress": going(Progress(0, "loading"), steps)})
        for _ in range(_TRIES):
            resume, spare, revision = files.checkpoint(order.output).exists(), self._spare, job.revision
            with self._lent(job.id, quick) as process:
                self._process, self._current = process, job.id
                if job.id in self._jobs.cancelled or self._closing:
                    self._process = None
                    break
                began = time.monotonic()
                process.begin(WORKS[films], {"job": order.dictionary(), "resume": resume} | named)
                begun = True
                job = Watch(
                    job,
                    files,
                    steps,
                    save=lambda job: self._save(visitor, job),
                    first=None if quick else self._warm,
                ).watched(process)
                job = job.model_copy(update={"warnings": _warnings(process)})
                self._process = None
            waited = process is spare and job.revision == revision and time.monotonic() - began < _AT_ONCE
            if self._closing or not _tries_again(process, files, order.output, resume=resume, waited=waited):
                break
        waits = self._waits_again(job, process.outcome if begun else "")
        self._warm()
        if process.outcome == "done":
            files.finish()
        if not self._closing and files.film() is None and files.has_parts():
            self._saved({"job": order.dictionary(), "resume": True} | named)
        if waits:
            return job
        kept = process.error == "OutputError" and files.can_be_taken_up()  # there may be room another time
        return self._come_to_an_end(job, files, order.output, process.outcome, process.failure, kept=kept)

    def _waits_again(self, job: Job, outcome: str) -> bool:
        """Whether a job that came to such an outcome is to go on at the studio's next start."""
        if outcome == "cancelled" and job.id not in self._jobs.cancelled:
            self._jobs.await_close(_PATIENCE)  # a service's end is told to every process, and may reach it first
        return self._closing and job.id not in self._jobs.cancelled and outcome not in ("done", "failed", "died")

    def _save(self, visitor: str, job: Job) -> None:
        with contextlib.suppress(OutputError):  # the disk is full: what comes of the job is kept at its end
            self._jobs.save(visitor, job)

    def _saved(self, arguments: dict[str, Any]) -> None:
        """Have a film made of the parts that a process has left, which died or had no time for it: they are
        gone on with, and that is cancelled.
        """
        with self._begun() as process:
            process.begin(WORKS[True], arguments)
            for _ in process.events():
                process.cancel(_PATIENCE)

    def _failed(self, job: Job, why: str) -> Job:
        """One that could not be begun; what it was to go on from is there still."""
        return _ended(job.model_copy(update={"can_go_on": self._jobs.files(job.id).can_be_taken_up()}), "failed", why)

    def _come_to_an_end(
        self, job: Job, files: JobFiles, output: Path, outcome: str, failure: str = "", *, kept: bool = False
    ) -> Job:
        """A job as it has ended. What it could be taken up from is let go of, if it is not to be ``kept`` and
        no parts of a film.
        """
        state: State = "done" if outcome == "done" else "failed"
        if job.id in self._jobs.cancelled or outcome == "cancelled":
            state = "cancelled"
        kept = state != "done" and (kept or files.has_parts())
        if not kept:
            files.drop_checkpoint(output)
        told, there = files.record(output), files.picture() is not None
        update: dict[str, Any] = {"revision": job.revision + 1 if told or state == "done" else job.revision}
        if told:
            update["size"] = told["width"], told["height"]
        film = update["film"] = files.film() is not None
        # A film that has no whole part yet is begun anew, which takes no longer than a part.
        goes_on = state != "done" and film if job.request.task == "video" else there and not job.request.style_index
        update["can_go_on"] = kept or goes_on
        return _ended(job.model_copy(update=update), state, failure if state == "failed" else None)


def _tries_again(process: Process, files: JobFiles, output: Path, *, resume: bool, waited: bool) -> bool:
    """Whether another process is to try what this one has not done. One that ``waited`` for the job, and died
    at once, may have been about to die before.
    """
    if process.outcome == "died" and waited:
        log.warning("painter replaced", extra={"reason": process.failure})
        return True
    if process.outcome != "failed":
        return False
    if process.error == "CheckpointError" and resume:  # begin anew, then
        files.drop_checkpoint(output)
        return True
    if process.error == "OutputError" and "is being made by" in process.failure:
        time.sleep(1)  # by the process of the studio before this one, which is about to end
        return True
    return False


def _warnings(process: Process) -> list[str]:
    """What the work has said of itself in passing."""
    lines = process.said().splitlines()
    return [line.removeprefix(SAID) for line in dict.fromkeys(lines) if line.startswith(SAID)][:20]


def _ended(job: Job, state: State, error: str | None = None) -> Job:
    update: dict[str, Any] = {"state": state, "ended": now(), "progress": None, "error": error}
    if state == "cancelled" and job.progress and job.request.task != "video":
        update["iterations_left"] = max(0, job.progress.iterations - job.progress.iteration)  # a network has none
    return job.model_copy(update=update)
