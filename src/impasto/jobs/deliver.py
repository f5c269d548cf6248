"""Carrying a job out: computed, and its pictures, checkpoints and record delivered. Whoever shows it only
watches.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from impasto.errors import CheckpointError, OutputError, RecordError, SettingsError
from impasto.jobs.checkpointed import checkpointed
from impasto.jobs.job import Delivery, Job
from impasto.jobs.underway import Underway
from impasto.machine import files, interrupts, memory
from impasto.pictures.codecs import NOWHERE, check_format, origin_of, save, so_far
from impasto.pictures.picture import Depth, Picture
from impasto.progress import Progress
from impasto.settings.names import bare
from impasto.tasks import record
from impasto.tasks.result import Prepared, Result

log = logging.getLogger("impasto")


class Work(Underway[Job]):
    """A job for a picture in the middle of being carried out."""

    KIND = Job
    run: Prepared

    def __init__(self, job: Job, *, resume: bool = False, force: bool = False, key: str = "") -> None:
        """Make sure that all files can be written, as far as that can be known beforehand, and prepare the
        task.

        Existing files are written over with ``force`` only, and those of the job itself with ``resume``,
        which goes on from the checkpoint that an earlier run of it has left. With a ``key`` it is one of
        many: the result is written in its place and whole, or not at all, and the key stands in its record,
        which is in the picture alone; a checkpoint of the very same is gone on from, and any other is not.
        Raises what `Job.prepared` raises, OutputError, CheckpointError and SettingsError.
        """
        super().__init__(job, resume=resume, force=force, key=key)
        self._saved: list[str] = []
        self._numbered = numbered(job)
        self._checkpoint = files.beside(job.output, ".checkpoint")
        self._check(keeps=resume or job.delivery.checkpoint_every is not None)
        self.run = job.prepared()
        check_format(job.output, self.run.size, job.delivery.bits)
        if resume:
            self._pass_over(self.run.resume(self._checkpoint))
        elif key and job.iterations:
            with contextlib.suppress(CheckpointError):
                self.run.resume(self._checkpoint, exact=True)
        kept = job.delivery.keep_metadata or ("some" if job.delivery.metadata else "none")
        self._origin = origin_of(job.content, kept, job.delivery.profile) if job.content else NOWHERE
        self._hashed = replace(job, delivery=Delivery()).moved(hashed).dictionary()
        files.create_folder(job.output.parent)

    def events(self) -> Generator[Progress, None, None]:
        """Compute, save the snapshots and at last the result and its record, telling how far it is.

        On KeyboardInterrupt, when the generator is closed, and on any error the picture so far is saved like
        a result, for hours of work are not to be lost to whatever it was; an error is raised then. Where
        there are to be checkpoints, one is written when the process is asked to stop, if an iteration ends in
        time. A checkpoint stays until the result is complete. Raises OutputError for what cannot be written,
        or is being made by another run, and what the run raises.
        """
        with self._alone():
            yield from self._events()

    def _events(self) -> Generator[Progress, None, None]:
        try:
            yield from self._steps()
            for moment in [*self._numbered]:  # the run came to its end early
                self._snapshot(moment)
        except (KeyboardInterrupt, GeneratorExit):
            self.interrupted = True
            if self._key or not self.run.has_picture:
                raise
            self._deliver()
        except Exception:
            if self.run.has_picture and not self._key:
                self._deliver()
                yield Progress(0, event=f"The picture so far is in {self.output}.")
            raise
        else:
            self._deliver(complete=True)

    def picture(self) -> Picture:
        """The picture so far. Raises NotReadyError before there is one."""
        return self.run.picture()

    def lend(self, path: Path) -> None:
        """Write the picture so far, over what is there, with the record that it would have if it were the
        last. Raises NotReadyError and OutputError.
        """
        with so_far():
            self._save(self._result(), path, force=True)

    def checkpoint(self) -> None:
        if self.job.delivery.checkpoint_every is not None and self.run.has_picture:
            self.run.checkpoint(self._checkpoint)

    def _steps(self) -> Generator[Progress, None, None]:
        steps = checkpointed(self.run, self._checkpoint, self.job.delivery.checkpoint_every)
        with contextlib.closing(steps):
            for progress in steps:
                for moment in [each for each in self._numbered if each <= progress.iteration]:
                    self._snapshot(moment)  # a scale that ends early passes over some
                yield progress

    def _check(self, *, keeps: bool) -> None:
        """Make sure that all files can be written; one that ``keeps`` checkpoints has another one. Raises
        OutputError and SettingsError.
        """
        output, kept = self.job.output, self._checkpoint
        if os.path.exists(kept) and not self._force:  # noqa: PTH110  # which raises nothing
            raise SettingsError(
                f"{kept} is of a run that was cut off: `resume` goes on with it, `force` starts afresh."
            )
        results = [output, sidecar(output), *self._numbered.values()]
        for path in results:
            files.check_writable(path, self._force)
        if keeps:
            files.check_writable(kept, True)
        check_format(output, (1, 1), self.job.delivery.bits)
        files.refuse_inputs([*results, kept], self.job.files())

    def _pass_over(self, reached: int) -> None:
        """Go on after an iteration: of its snapshots and those before there are those that were written."""
        past = {moment: self._numbered.pop(moment) for moment in [*self._numbered] if moment <= reached}
        self._saved = [str(path) for path in past.values() if path.exists()]
        if missing := [str(moment) for moment, path in past.items() if not path.exists()]:
            log.warning("No picture can be had of what is past any more: iteration %s.", ", ".join(missing))

    def _snapshot(self, moment: int) -> None:
        path, picture = self._numbered.pop(moment), self.run.picture()

        def write(to: Path, force: bool) -> None:
            save(picture, to, depth=self.job.delivery.bits, force=force, origin=self._origin)

        try:
            there = self._placed(path, write, self._force)
            self._saved.append(str(there))
        except OutputError as error:  # there may be room for the result
            log.error("%s", error)

    @interrupts.held()
    def _deliver(self, *, complete: bool = False) -> None:
        """Write the result, or what there is of it. A checkpoint stays until it is ``complete`` and in its
        place.
        """
        result = self._result()

        def write(path: Path, force: bool) -> None:
            result.record["output"] = str(path)
            self._save(result, path, force=force, depth=self.job.delivery.bits)

        try:
            self.output = self._placed(self.job.output, write, self._force)
        except OutputError:
            if not complete or not self._checkpoint.exists():
                raise
            files.remove(self._checkpoint)  # there may be room now
            try:
                write(self.output, self._force)
            except OutputError:
                if self.job.iterations:
                    with contextlib.suppress(OutputError):  # the room that it had may be taken
                        self.run.checkpoint(self._checkpoint)
                raise
        in_place = self.output == self.job.output
        if self.misplaced:
            result.record["events"] = [*result.record.get("events", []), *self.misplaced]
        self.record = result.record
        if self.job.delivery.metadata and not self._key:
            told = record.encoded(result.record)
            self._placed(
                sidecar(self.output),
                lambda to, force: files.write_atomic(to, told, force),
                self._force and in_place,
            )
        elif in_place:
            files.remove(sidecar(self.output))  # one of an earlier result would describe another picture
        if complete and in_place:
            files.remove(self._checkpoint)

    def _result(self) -> Result:
        """The picture so far, with all that its record says. Raises NotReadyError."""
        result, job = self.run.result(), self.job
        result.record.update(inputs=job.inputs, snapshots=self._saved, job=job.dictionary(), hashed=self._hashed)
        if self._key:
            result.record["key"] = self._key
        result.record["output"] = str(job.output)
        return result

    def _save(self, result: Result, path: Path, *, force: bool, depth: Depth | None = None) -> None:
        """Write it with the part of its record that travels in the picture. Raises OutputError."""
        own, told = self._bare(), self.job.delivery.metadata
        bare = replace(result, record=result.record | {"job": own.dictionary(), "inputs": own.inputs})
        bare.save(path, depth=depth, force=force, metadata=told, origin=self._origin)

    def _bare(self) -> Job:
        """The job as it travels in the picture: without folders, and without what leaves no trace in it."""
        job = self.job.moved(bare(self.job.files()))
        output = self.job.delivery.output and self.job.output.name  # also where a folder was named
        return replace(job, delivery=replace(job.delivery, output=output, checkpoint_every=None))


def forecast(job: Job) -> dict[str, Any]:
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


def hashed(path: str) -> str:
    """The SHA-256 of a file, by which it is known wherever it lies."""
    try:
        return files.sha256_of(files.at_home(path))
    except OSError:  # it was read once, and is gone, or is a pipe
        return "unknown"


def job_of(result: Path) -> Job:
    """The job that a picture came from, by its record; see `job_told`. Raises ImageError for what is no
    picture, and RecordError.
    """
    return Job.of(job_told(result, record.read))


def job_told(result: Path, read: Callable[[Path], dict[str, Any]]) -> Any:
    """The job in what a result tells of itself, which is ``read`` from it: with the paths of its files if the
    record beside it is there, else with their names. Raises what reading it does, and RecordError for a
    record without a job.
    """
    told = read(result)
    if result.suffix.lower() != ".json":
        with contextlib.suppress(RecordError):  # there is none, or it is of another program
            beside = record.read(sidecar(result))
            if beside.get("hashed") == told.get("hashed", beside.get("hashed")):  # or it is of another result
                told = beside
    if "job" not in told:
        raise RecordError(f"The record of {result} has no job: it was made by an older version, or from Python.")
    return told["job"]


def numbered(job: Job) -> dict[int, Path]:
    """The files of a job's snapshots, by their iterations."""
    return {moment: snapshot_file(job.output, moment) for moment in job.delivery.moments(job.iterations)}


def snapshot_file(output: Path, moment: int) -> Path:
    """Where the picture of an iteration lies: beside the result.

    >>> snapshot_file(Path("out/a.png"), 200).name
    'a-00200.png'
    """
    return output.with_name(files.named(output.stem, f"-{moment:05d}{output.suffix}"))


def sidecar(output: Path) -> Path:
    """Where the record of a result lies beside it.

    >>> sidecar(Path("out/a.png")).name
    'a.png.json'
    """
    return files.beside(output, ".json")
