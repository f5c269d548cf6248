"""Carrying a job out: computed, and its pictures, checkpoints and record delivered. Whoever shows it only
watches.
"""

import contextlib
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from impasto._version import IMPORTED_AT
from impasto.errors import OutputError, RecordError, SettingsError
from impasto.jobs.job import Job
from impasto.machine import files, interrupts, memory
from impasto.machine.claim import claimed
from impasto.pictures.codecs import check_format, save
from impasto.pictures.picture import Picture
from impasto.progress import Progress
from impasto.tasks import record


class Work:
    """A job in the middle of being carried out. `events` computes; ``record`` is there once it has come to an
    end.
    """

    def __init__(self, job: Job, *, resume: bool = False, force: bool = False) -> None:
        """Prepare the task, and make sure that all files can be written, as far as that can be known
        beforehand.

        Existing files are written over with ``force`` only, and those of the job itself with ``resume``,
        which goes on from the checkpoint that an earlier run of it has left. Raises what `Job.prepared`
        raises, OutputError, CheckpointError and SettingsError.
        """
        self.job, self.run = job, job.prepared()
        self.record: dict[str, Any] | None = None
        self.interrupted = False
        output, delivery = job.output, job.delivery
        self._force = force or resume
        check_format(output, self.run.size, delivery.bits)
        self._numbered = numbered(job)
        self._checkpoint = output.with_name(output.name + ".checkpoint")
        files.check_writable(self._checkpoint, True)
        if resume:
            reached = self.run.resume(self._checkpoint)
        elif self._checkpoint.exists() and not force:
            raise SettingsError(
                f"{self._checkpoint} is of a run that was cut off: `resume` goes on with it, `force` starts afresh."
            )
        else:
            reached = -1
        self._sidecar = output.with_name(output.name + ".json")
        for path in [output, self._sidecar, *self._numbered.values()]:
            files.check_writable(path, self._force)
        self._saved = [str(self._numbered.pop(moment)) for moment in [*self._numbered] if moment <= reached]

    @classmethod
    def of(cls, job: dict[str, Any], *, resume: bool = False, force: bool = False) -> "Work":
        """The work of a job's `dictionary`, in a process that was begun for it."""
        work = cls(Job.of(job), resume=resume, force=force)
        work.run.started_at = IMPORTED_AT
        return work

    def events(self) -> Generator[Progress, None, None]:
        """Compute, save the snapshots and at last the result and its record, telling how far it is.

        On KeyboardInterrupt, when the generator is closed, and on any error the picture so far is saved like
        a result, for hours of work are not to be lost to whatever it was; an error is raised then. Where
        there are to be checkpoints, one is written when the process is asked to stop, if an iteration ends in
        time. A checkpoint stays until the result is complete. Raises OutputError for what cannot be written,
        or is being made by another run, and what the run raises.
        """
        with claimed(self.job.output):
            yield from self._events()

    def _events(self) -> Generator[Progress, None, None]:
        try:
            yield from self._steps()
            for moment in [*self._numbered]:  # the run came to its end early
                self._snapshot(moment)
        except (KeyboardInterrupt, GeneratorExit):
            self.interrupted = True
            if not self.run.has_picture:
                raise
            self._deliver()
        except Exception:
            if self.run.has_picture:
                self._deliver()
                yield Progress(0, event=f"The picture so far is in {self.job.output}.")
            raise
        else:
            self._deliver()
            self._checkpoint.unlink(missing_ok=True)

    def picture(self) -> Picture:
        """The picture so far. Raises NotReadyError before there is one."""
        return self.run.picture()

    def finish(self) -> dict[str, Any]:
        """Carry it out to its end, unseen, and give the record."""
        for _ in self.events():
            pass
        assert self.record is not None
        return self.record

    def _steps(self) -> Generator[Progress, None, None]:
        every, written = self.job.delivery.checkpoint_every, time.monotonic()
        with contextlib.nullcontext() if every is None else interrupts.patient():
            for progress in self.run.steps():
                for moment in [each for each in self._numbered if each <= progress.iteration]:
                    self._snapshot(moment)  # a scale that ends early passes over some
                yield progress
                asked = interrupts.asked()
                if every is not None and (asked or time.monotonic() - written >= every):
                    try:
                        self.run.checkpoint(self._checkpoint)
                    except OutputError as error:  # the one before is still there, and the work goes on
                        yield Progress(progress.done, progress.text, str(error), progress.iteration)
                    written = time.monotonic()
                if asked:
                    raise KeyboardInterrupt

    def _snapshot(self, moment: int) -> None:
        save(self.run.picture(), self._numbered[moment], depth=self.job.delivery.bits, force=self._force)
        self._saved.append(str(self._numbered.pop(moment)))

    @interrupts.held()
    def _deliver(self) -> None:
        """Write the result, or what there is of it."""
        delivery, output = self.job.delivery, self.job.output
        result = self.run.result()
        result.record.update(
            inputs=self.job.inputs, output=str(output), snapshots=self._saved, job=self.job.dictionary()
        )
        own = self._bare()
        bare = replace(result, record=result.record | {"job": own.dictionary(), "inputs": own.inputs})
        bare.save(output, depth=delivery.bits, force=self._force, metadata=delivery.metadata)
        if delivery.metadata:
            files.write_atomic(self._sidecar, record.encoded(result.record), self._force)
        else:
            self._sidecar.unlink(missing_ok=True)  # one of an earlier result would describe another picture
        self.record = result.record

    def _bare(self) -> Job:
        """The job as it travels in the picture: without folders, and without what leaves no trace in it."""
        job = self.job.moved(lambda path: Path(path).name)
        return replace(job, delivery=replace(job.delivery, checkpoint_every=None))


def plan(job: Job) -> dict[str, Any]:
    """What carrying it out would do: sizes, steps, files, and what they are estimated to cost. Nothing is
    written.

    Raises what `Job.prepared` raises, and OutputError for a format that cannot hold the picture.
    """
    run = job.prepared()
    check_format(job.output, run.size, job.delivery.bits)
    seconds, size = run.estimate()
    return {
        "task": run.task,
        "output": str(job.output),
        "snapshots": [str(path) for path in numbered(job).values()],
        "width": run.size[1],
        "height": run.size[0],
        **run.plan(),
        "device": str(run.device),
        "precision": run.precision,
        "threads": torch.get_num_threads(),
        "memory_bytes": memory.budget(run.settings.memory, run.device),
        "estimated_s": round(seconds),
        "estimated_bytes": round(size),
        "recipe": run.recipe,
        "settings": run.settings.dictionary(),
    }


def job_of(result: Path) -> Job:
    """The job that a result came from, by its record: with the paths of its files if the one beside it is
    there, else with their names.

    Raises ImageError for what is no picture, and RecordError where there is no record, or one without a job.
    """
    told = record.read(result)
    beside = result.with_name(result.name + ".json")
    if result.suffix.lower() != ".json" and beside.exists():
        told = record.read(beside)
    if "job" not in told:
        raise RecordError(f"The record of {result} has no job: it was made by an older version, or from Python.")
    return Job.of(told["job"])


def numbered(job: Job) -> dict[int, Path]:
    """The files of a job's snapshots, by their iterations."""
    return {moment: snapshot_file(job.output, moment) for moment in job.delivery.moments(job.iterations)}


def snapshot_file(output: Path, moment: int) -> Path:
    """Where the picture of an iteration lies: beside the result.

    >>> snapshot_file(Path("out/a.png"), 200).name
    'a-00200.png'
    """
    return output.with_stem(f"{output.stem}-{moment:05d}")
