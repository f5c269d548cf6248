"""Jobs that wait: taken in, reordered, cancelled, gone on from; and those that have ended.

What is running is the painter's alone to write; all else is written here, and the lock stands between both.
What is told of a job is told in the same hold of it as it was read: or the next state could be told before.
"""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from impasto.errors import OutputError, SettingsError
from impasto.jobs.job import Job as Order
from impasto.video.job import VideoJob
from impasto.web import orders
from impasto.web.config import Config
from impasto.web.folder import Folder
from impasto.web.hub import Hub
from impasto.web.intake import new_id
from impasto.web.job_files import JobFiles
from impasto.web.models import Job, JobDeleted, JobRequest, now
from impasto.web.refusals import Refused
from impasto.web.store import Store

_KEPT = 5000
"""Jobs that a visitor's history may hold."""


class Jobs:
    """The jobs of a studio."""

    def __init__(self, config: Config, folder: Folder, store: Store, hub: Hub) -> None:
        """Those that were running when the studio ended wait again, first of all."""
        self._config, self._folder, self._store, self._hub = config, folder, store, hub
        self._change = threading.Condition()
        self._closed = False
        self.cancelled: set[str] = set()
        """Of those that run, the ones that are to end."""
        self.on_cancel: Callable[[str], None] = lambda _: None
        for _, job in store.jobs_in("running"):
            store.save_job(job.model_copy(update={"state": "waiting", "progress": None}))

    def files(self, id: str) -> JobFiles:
        """The files of a job."""
        return JobFiles(self._folder.job(id))

    def submit(self, visitor: str, request: JobRequest) -> Job:
        """A new job, at the end of the queue. Raises SettingsError and Refused."""
        return self._added(visitor, Job(id=new_id(), request=request, state="waiting", created=now()))

    def go_on(self, visitor: str, id: str, iterations: int) -> Job:
        """A new job that goes on from the picture of one that has ended, or takes it up to its end: from the
        checkpoint of a result that could not be written, or from the parts of its film, which is begun anew
        where there is no whole one.

        Raises SettingsError and Refused.
        """
        before = self.one(visitor, id)
        if not before.can_go_on:
            raise Refused(
                409,
                "There is nothing to go on from: the job has no picture yet, one of a learnt style, or a whole film.",
            )
        films, kept = before.request.task == "video", self.files(id).can_be_taken_up()
        request = before.request if films or kept else _going_on(before, iterations)
        origin = before.origin if kept and not films else before.id  # for it is the same job, and starts as that did
        job = Job(id=new_id(), request=request, state="waiting", created=now(), origin=origin)
        self._checked(visitor, job)
        self._check_room(visitor)  # before what may be much is copied; and once more after it
        try:
            if kept or not films:
                self.files(job.id).start_from(self.files(id))
            return self._added(visitor, job)
        except Exception as error:
            self._folder.drop_job(job.id)
            if isinstance(error, OSError):
                raise Refused(409, "What that job has made is gone: begin it anew.") from None
            raise

    def cancel(self, visitor: str, id: str) -> Job:
        """End one that waits or runs; of one that has ended, nothing. Raises Refused."""
        with self._change:
            job = self.one(visitor, id)
            if job.state == "waiting":
                job = job.model_copy(
                    update={"state": "cancelled", "ended": now(), "can_go_on": self.files(id).can_be_taken_up()}
                )
                self._store.save_job(job)
            elif job.state == "running":
                self.cancelled.add(id)
            self.tell(visitor, job)
        if job.state == "running":
            self.on_cancel(id)
        self.tell_waiting()
        return job

    def move(self, visitor: str, id: str, position: int) -> Job:
        """Let one wait at another position; those of other visitors keep theirs. Raises Refused."""
        with self._change:
            if self.one(visitor, id).state != "waiting":
                raise Refused(409, "The job does not wait any more.")
            waiting = self._store.jobs_in("waiting")
            own = [job.id for whose, job in waiting if whose == visitor and job.id != id]
            before = sum(whose == visitor for whose, _ in waiting[:position])
            places = [job.id for whose, job in waiting if whose == visitor]
            own.insert(min(before, len(own)), id)
            self._store.place_jobs(places, own)
        self.tell_waiting()
        return self.one(visitor, id)

    def delete(self, visitor: str, id: str) -> None:
        """Forget one that has ended, with its pictures. Raises Refused."""
        with self._change:
            if self.one(visitor, id).state in ("waiting", "running"):
                raise Refused(409, "The job has not ended: cancel it first.")
            self._store.drop_job(id)
        self._folder.drop_job(id)
        self._hub.tell(visitor, "removed", id, JobDeleted(job=id))

    def one(self, visitor: str, id: str) -> Job:
        """A visitor's job as it is. Raises Refused."""
        job = self._store.job(visitor, id)
        if job is None:
            raise Refused(404, "There is no such job.")
        return self._placed(job, self.positions())

    def all(self, visitor: str) -> list[Job]:
        """A visitor's, newest first."""
        positions = self.positions()
        return [self._placed(job, positions) for job in self._store.jobs(visitor)]

    def positions(self) -> dict[str, int]:
        """Where those that wait are in the queue."""
        return {job.id: place for place, (_, job) in enumerate(self._store.jobs_in("waiting"))}

    def needs(self, visitor: str, picture: str) -> bool:
        """Whether a job that has not ended needs a picture."""
        unfinished = [*self._store.jobs_in("waiting"), *self._store.jobs_in("running")]
        return any(whose == visitor and picture in job.request.model_dump_json() for whose, job in unfinished)

    def told(self, visitor: str, job: Job, text: str) -> str:
        """A sentence about a job as its visitor may hear it."""
        return self._folder.told(text, self.names(visitor, job))

    def names(self, visitor: str, job: Job) -> dict[str, str]:
        """What the pictures of a job are called, by their ids, those that are gone left out; the photograph
        or the clip first.
        """
        asked = job.request
        ids = [asked.clip, asked.photo, *(each.painting for each in asked.styles)]
        ids += [id for each in asked.regions for id in (each.painting, each.mask)]
        ids += orders.protecting(asked.settings.get("protect") or {})
        return {id: found.name for id in ids if id and (found := self._store.picture(visitor, id))}

    def named(self, visitor: str, job: Job) -> dict[str, str]:
        """The same by their files."""
        clip, names = job.request.clip, self.names(visitor, job)
        return {str(self._folder.clip(id) if id == clip else self._folder.picture(id)): names[id] for id in names}

    def order(self, visitor: str, job: Job) -> Order | VideoJob:
        """What is to be carried out for a job. Raises SettingsError."""
        files, asked, memory = self.files(job.id), job.request, self._config.memory

        def file(id: str) -> Path:
            if self._store.picture(visitor, id) is None:
                raise SettingsError(f"There is no picture {id!r}: send it first.")
            return self._folder.picture(id)

        if asked.task == "video":
            clip = asked.clip and self._store.picture(visitor, asked.clip)
            if not clip or clip.moving is None:
                raise SettingsError(f"There is no `clip` {asked.clip!r}: send it first.")
            output = files.film_to(clip.moving.ending)
            return orders.film(asked, self._folder.clip(clip.id), clip.moving, file, output, memory=memory)
        start = files.start if job.origin else None
        return orders.order(asked, file, files.result, memory=memory, start=start)

    def film(self, visitor: str, request: JobRequest) -> VideoJob:
        """What would be carried out for a film. Raises SettingsError."""
        order = self._checked(visitor, Job(id=new_id(), request=request, state="waiting", created=now()))
        if not isinstance(order, VideoJob):
            raise SettingsError("Only the `task` video is estimated.")
        return order

    def steps(self, visitor: str, job: Job, order: Order | VideoJob) -> int:
        """What it takes: iterations, or roughly the frames, which its process will tell."""
        if isinstance(order, Order):
            return order.iterations
        clip = job.request.clip and self._store.picture(visitor, job.request.clip)
        if not clip or (moving := clip.moving) is None:
            return 0
        ends = moving.begins + moving.seconds
        seconds = min(ends, ends if order.end is None else order.end) - max(order.start, moving.begins)
        return max(1, round(moving.frames * seconds / moving.seconds))

    def take(self) -> tuple[str, Job] | None:
        """The next one, which runs from now on, once there is one. None when all is to end."""
        with self._change:
            while not self._closed:
                if waiting := self._store.jobs_in("waiting"):
                    visitor, job = waiting[0]
                    job = job.model_copy(update={"state": "running", "started": job.started or now()})
                    self._store.save_job(job)
                    break
                self._change.wait()
            else:
                return None
        self.tell(visitor, job)
        self.tell_waiting()
        return visitor, job

    def close(self) -> None:
        """Let nobody wait for jobs any more."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def await_close(self, seconds: float) -> None:
        """Wait for that, so many seconds at the most."""
        with self._change:
            self._change.wait_for(lambda: self._closed, seconds)

    def save(self, visitor: str, job: Job) -> None:
        """Keep and tell what has become of one that runs."""
        with self._change:
            self._store.save_job(job)
            self.tell(visitor, job)

    def tell(self, visitor: str, job: Job) -> None:
        """Tell the visitor's pages of a job."""
        self._hub.tell(visitor, "job", job.id, job)

    def tell_waiting(self) -> None:
        """Tell everybody where theirs wait: if that cannot be read now, with the next change."""
        with self._change, contextlib.suppress(OutputError):
            for place, (visitor, job) in enumerate(self._store.jobs_in("waiting")):
                self.tell(visitor, job.model_copy(update={"position": place}))

    def _checked(self, visitor: str, job: Job) -> Order | VideoJob:
        """Its order, if it makes sense here. Raises SettingsError."""
        subject, order = job.request.clip or job.request.photo, self.order(visitor, job)
        own = subject and self._store.picture(visitor, subject)
        side = orders.long_side(order, (own.width, own.height) if own else None)
        if side > self._config.max_size:
            raise SettingsError(f"`size` asks for {side} pixels, and {self._config.max_size} are the most here.")
        return order

    def _added(self, visitor: str, job: Job) -> Job:
        self._checked(visitor, job)
        with self._change:
            self._check_room(visitor)
            self._store.add_job(visitor, job)
            job = self.one(visitor, job.id)
            self.tell(visitor, job)
            self._change.notify_all()
        return job

    def _check_room(self, visitor: str) -> None:
        """Whether one more may wait. Raises Refused."""
        waiting = self._store.jobs_in("waiting")
        if len(waiting) >= self._config.queue:
            raise Refused(429, "The queue is full: try again when a job has ended.", retry_after=30)
        if self._config.users and sum(whose == visitor for whose, _ in waiting) >= max(1, self._config.queue // 4):
            raise Refused(429, "Enough of your jobs wait: leave some room for others.", retry_after=30)
        if len(self._store.jobs(visitor)) >= _KEPT:
            raise Refused(409, f"Your history holds {_KEPT} jobs: delete some.")

    @staticmethod
    def _placed(job: Job, positions: dict[str, int]) -> Job:
        return job.model_copy(update={"position": positions.get(job.id)})


def _going_on(before: Job, iterations: int) -> JobRequest:
    """What is asked for to go on with a picture."""
    settings = before.request.settings | {"iterations": iterations}
    if settings.pop("method", "iterative") == "fast" and before.size and settings.get("size", "auto") == "auto":
        settings["size"] = max(before.size)  # its own size by default is another than the optimiser's
    kept = {name: value for name, value in settings.items() if name not in ("network", "stroke_size")}
    return before.request.model_copy(update={"settings": kept})
