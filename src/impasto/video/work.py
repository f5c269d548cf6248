"""Carrying a film out: read ahead, painted, steadied, and written part by part; joined, and its record kept.
Whoever shows it only watches.
"""

import contextlib
import logging
import os
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

import torch

from impasto.errors import CheckpointError, NotReadyError, OutputError, SettingsError
from impasto.jobs.deliver import hashed, sidecar
from impasto.jobs.underway import Underway
from impasto.machine import files, interrupts, limits
from impasto.machine.devices import one_thread
from impasto.pictures.picture import Picture
from impasto.progress import Progress
from impasto.settings.names import bare
from impasto.tasks import record
from impasto.video import images, joining
from impasto.video.film import Film
from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.painting import Painting
from impasto.video.parts import Parts, writing
from impasto.video.sheet import Glances
from impasto.video.times import written
from impasto.video.writing import Writing

log = logging.getLogger("impasto")


class VideoWork(Underway[VideoJob]):
    """A film in the middle of being made; where it was cut off, its ``output`` is the folder of its parts."""

    KIND = VideoJob
    run: Film

    def __init__(
        self, job: VideoJob, *, resume: bool = False, force: bool = False, key: str = "",
        keeps: bool = False, named: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Make sure that all can be written, as far as that can be known beforehand, and prepare the film.

        Existing files are written over with ``force`` only. ``resume`` goes on from the parts that an earlier
        run has left. With a ``key`` it is one of many, as of a `deliver.Work`: its parts are gone on from if
        they are of the very same, and the record, with the key, is in the film, or beside one that has no
        place for it. It ``keeps`` what is painted when it is cut short as the film, beside the parts to go on
        from. In the record that the film carries, files are ``named`` so by their paths, or else as they are.
        Raises what `Film` raises, OutputError, CheckpointError and SettingsError.
        """
        super().__init__(job, resume=resume, force=force, key=key)
        self._resume, self.keeps, self._named = resume, keeps, named or {}
        self._check()
        self.run = Film(job)
        self._parts = Parts(self.output, self.run.packing, self.run.source.facts.base, self.run.first)
        self._check_parts()
        self._glances = Glances(self._parts.folder, self.run.count) if job.delivery.sheet else None
        self._writing = Writing(self.run, self._parts, self._glances)
        self._painting = Painting(self.run, self._parts, self._writing, keeps=keeps)
        self._hashed: dict[str, Any] = {}
        files.create_folder(self.output.parent)

    def picture(self) -> Picture:
        """The frame that was painted last. Raises NotReadyError before there is one."""
        if (shown := self._writing.shown) is None:
            raise NotReadyError("There is no frame yet: take a step of events() first.")
        return Picture(torch.from_numpy(shown.copy()).permute(2, 0, 1)[None])

    def events(self) -> Generator[Progress, None, None]:
        """Paint, telling of every frame, and write the film.

        When it is cut short, by KeyboardInterrupt, by closing the generator or by an error, the parts that
        are whole stay in a folder beside the output, to be looked at and gone on from. Raises OutputError for
        what cannot be written, or is being made by another run, and VideoError for what cannot be decoded.
        """
        with self._alone():
            self._begin()
            try:
                yield from self._steps()
            except (KeyboardInterrupt, GeneratorExit):
                self.interrupted = True
                if self._kept():
                    return
                if not self._leaves_parts() or self._key:
                    raise
                self.output = self._parts.folder
                self.record = self._told()
            except Exception:
                if not self._kept() and self._leaves_parts():
                    yield Progress(0, event=f"What is done of the film is in {self._parts.folder}.")
                raise
            else:
                self._deliver()

    def _steps(self) -> Generator[Progress, None, None]:
        """Make the parts."""
        return self._painting.steps()

    def _leaves_parts(self) -> bool:
        """Whether it leaves anything to go on from; else it leaves nothing."""
        if not self._parts.begun:
            self._parts.remove()
        return self._parts.begun

    def _kept(self) -> bool:
        """Make what is painted the film, if it is to be kept; whether it is."""
        parts = self._parts.all()
        if not self.keeps or not parts:
            return False
        self.run.last = parts[-1].next
        self._deliver(whole=False)
        return True

    def _begin(self) -> None:
        """Begin the parts, or go on from those that are there."""
        self._note_hashes()
        known = self.run.known_by()
        if self._key:
            known["key"] = self._key
            with contextlib.suppress(CheckpointError):
                self._parts.begin(known, resume=True)
                return
        self._parts.begin(known, resume=self._resume)

    def _note_hashes(self) -> None:
        """Keep for the record by what its inputs are known."""
        self._hashed = replace(self.job, delivery=VideoDelivery()).moved(self._known).dictionary()

    def _known(self, path: str) -> str:
        """The SHA-256 of an input; the clip's is known already."""
        clip = self.run.clip
        return clip.known_by() if clip and path == self.job.clip else hashed(path)

    @interrupts.held()
    def _deliver(self, *, whole: bool = True) -> None:
        """Join the parts, and write the record. Of a film that is not ``whole`` they stay, to go on from."""
        told, delivery, film = self._told(), self.job.delivery, self.run
        moments = [moment for part in self._parts.all() for moment in part.moments]

        def animate(to: BinaryIO) -> None:
            images.animate(to, film.packing.form.container, self._parts.files(), moments, self._parts.base)

        def join(to: BinaryIO) -> None:
            plain = bare(self.job.files())
            own = self.job.moved(lambda path: self._named.get(path) or plain(path))
            within = record.embedded(told | {"job": own.dictionary(), "inputs": own.inputs})
            joining.join(
                to, film.packing.form, self._parts.files(), moments, self._parts.base,
                clip=film.clip, copied=film.copied, origin=film.origin, end=self._end(), alpha=film.packing.alpha,
                comment=record.to_json(within) if delivery.metadata else "",
            )  # fmt: skip

        with writing(self.output):
            if film.packing.form.container:
                write = animate if film.packing.form.image else join
                there = self._placed(self.output, lambda path, over: files.write_atomic(path, write, over), self._force)
            else:
                images.number(self.output, self._parts.files(), len(moments), within=self._parts.folder)
                there = self.output
        in_place = there == self.output
        self.output, told["output"] = there, str(there)
        if self._glances:
            self._glances.sheet(files.beside(there, ".sheet.png"), self._force)
        if delivery.metadata and (film.packing.form.image or not self._key):
            text = record.encoded(told)
            self._placed(sidecar(there), lambda path, over: files.write_atomic(path, text, over), self._force)
        elif in_place:
            files.remove(sidecar(there))  # one of an earlier result would describe another film
        self.record = told
        if whole or not self._parts.begun:
            self._parts.remove()

    def _told(self) -> dict[str, Any]:
        """The record."""
        elapsed, parts = time.perf_counter() - self.run.started_at, self._parts.all()
        return self.run.described() | {
            "steps": sum(len(part.moments) for part in parts), "elapsed_s": elapsed,
            "time_s": self._painting.spent | self._writing.spent, "shots": [time for part in parts for time in part.shots],
            "inputs": self.job.inputs, "job": self.job.dictionary(), "hashed": self._hashed, "output": str(self.output),
            **({"key": self._key} if self._key else {}),
        }  # fmt: skip

    def _end(self) -> Any:
        """The time of the clip up to which sound goes along; None to its end."""
        facts, film = self.run.source.facts, self.run
        if film.last < len(facts.times):
            return facts.times[film.last]
        return None if self.job.end is None else max(written(self.job.end), facts.end)

    def _check_parts(self) -> None:
        """Raises SettingsError for parts that nothing is said of, and OutputError where there is no room for
        the rest.
        """
        if self._parts.folder.exists() and not self._force:
            raise SettingsError(
                f"{self._parts.folder} is of a film that was cut off: `resume` goes on with it, `force` starts afresh."
            )
        self.run.check_room(self.output.parent, self._parts.bytes)

    def _check(self) -> None:
        """Make sure that all can be written. Raises OutputError."""
        outputs = []
        if self.output.suffix or not os.path.lexists(self.output):
            outputs.append(self.output)
        elif not (self.output.is_dir() and (self._resume or not any(self.output.iterdir()))):
            raise OutputError(f"{self.output} is there already, and not empty: name a new folder.")
        outputs.append(sidecar(self.output))  # which is written, or would be of another film
        if self.job.delivery.sheet:
            outputs.append(files.beside(self.output, ".sheet.png"))
        for path in outputs:
            files.check_writable(path, self._force)
        files.refuse_inputs([*outputs, self.output], self.job.files())


def plan(job: VideoJob, sharers: int = 0) -> dict[str, Any]:
    """What carrying it out would do: frames, sizes, form, and what it is estimated to cost, by so many
    ``sharers`` with one thread each, or by this process alone. Nothing is written. Raises what `Film` raises,
    and OutputError where there is no room for it.
    """
    with one_thread() if sharers else contextlib.nullcontext():
        film = Film(job)
        film.check_room(job.output.parent)
        seconds, _ = film.estimate()
        if sharers > 1 and film.device.type == "cpu":  # of which each has a processor, and of shots its own
            seconds /= min(sharers, limits.processors(), film.shots())
        threads = torch.get_num_threads()
    return {
        "task": film.task, "output": str(job.output), "width": film.size[1], "height": film.size[0], **film.plan(),
        "device": str(film.device), "precision": film.precision, "threads": threads,
        "estimated_s": round(seconds), "estimated_bytes": film.bytes,
        "film_bytes": film.file_bytes, "settings": film.settings.dictionary(),
    }  # fmt: skip
