"""Carrying a film out: read ahead, painted, steadied, and written part by part; joined, and its record kept.
Whoever shows it only watches.
"""

import contextlib
import logging
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import torch

from impasto.errors import CheckpointError, NotReadyError, OutputError, SettingsError
from impasto.jobs.deliver import hashed, sidecar
from impasto.jobs.underway import Underway
from impasto.machine import files, interrupts, memory
from impasto.machine.devices import convolving
from impasto.pictures.picture import Picture
from impasto.progress import Progress
from impasto.tasks import record
from impasto.video import images, joining
from impasto.video.ahead import Ahead, Behind
from impasto.video.film import Film
from impasto.video.groups import Group, grouped
from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.parts import Parts
from impasto.video.sheet import Glances
from impasto.video.shots import Cuts
from impasto.video.source import Frame
from impasto.video.writing import Painted, Writing

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
        self.run.check_room(self.output.parent)
        self._parts = Parts(self.output, self.run.packing, self.run.source.facts.base)
        if self._parts.folder.exists() and not self._force:
            raise SettingsError(
                f"{self._parts.folder} is of a film that was cut off: `resume` goes on with it, `force` starts afresh."
            )
        self._glances = Glances(self._parts.folder, self.run.count) if job.delivery.sheet else None
        self._writing = Writing(self.run, self._parts, self._glances)
        self._spent = {"decode": 0.0, "paint": 0.0}
        self._shots: list[float] = []
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
            state = self._begun()
            self._shots = list(state["shots"]) if state else []
            self._writing.begin(state)
            try:
                yield from self._painted(state)
            except (KeyboardInterrupt, GeneratorExit):
                self.interrupted, begun = True, self._parts.begun
                if self._kept():
                    return
                if not begun:
                    self._parts.remove()
                if self._key or not begun:
                    raise
                self.output = self._parts.folder
                self.record = self._told()
            except Exception:
                if self._kept():
                    pass
                elif not self._parts.begun:
                    self._parts.remove()
                else:
                    yield Progress(0, event=f"What is done of the film is in {self._parts.folder}.")
                raise
            else:
                self._deliver()

    def _kept(self) -> bool:
        """Make what is painted the film, if it is to be kept; whether it is."""
        reached = self._writing.reached
        if not self.keeps or reached == self.run.first:
            return False
        self.run.last = reached
        self._deliver(whole=False)
        return True

    def _begun(self) -> dict[str, Any] | None:
        """Begin the parts, or go on from those that are there: the state after the last of them."""
        known = self.run.known_by()
        self._hashed = replace(self.job, delivery=VideoDelivery()).moved(self._known).dictionary()
        if self._key:
            known["key"] = self._key
            with contextlib.suppress(CheckpointError):
                return self._parts.begin(known, resume=True)
        return self._parts.begin(known, resume=self._resume)

    def _known(self, path: str) -> str:
        """The SHA-256 of an input; the clip's is known already."""
        clip = self.run.clip
        return clip.known_by() if clip and path == self.job.clip else hashed(path)

    def _painted(self, state: dict[str, Any] | None) -> Generator[Progress, None, None]:
        """Paint the frames that are not done, and write their parts."""
        film, began = self.run, time.perf_counter()
        first, before = self._writing.reached, self._writing.done
        if first >= film.last:
            return
        painter = film.way.painter(state and state["painter"], self._parts.unfinished)
        cuts = Cuts(state and state["cuts"])
        ahead: Ahead[Frame] = Ahead(lambda: film.frames(first))
        behind: Behind[Painted] = Behind(self._writing.take)
        try:
            with memory.reused(), convolving(film.precision):
                for group in grouped(ahead, cuts, before, film.way.together, film.way.LENGTH):
                    started, frames = time.perf_counter(), group.frames
                    if group.begins:
                        self._shots.append(round(float(frames[0].time), 3))
                    with contextlib.closing(painter.steps(frames, begins=group.begins)) as steps:
                        for step in steps:
                            yield self._progress(group, before, began, step)
                    self._spent["paint"] += time.perf_counter() - started
                    ends: dict[str, Any] | None = None
                    if group.ends:
                        after = film.last if group.last else frames[-1].number + 1
                        ends = {"painter": painter.state(), "cuts": cuts.state(), "next": after, "done": group.count}
                        ends["shots"] = list(self._shots)
                    for frame, painted in zip(frames, painter.shown, strict=True):
                        behind.put(Painted(frame, painted, group.begins, ends if frame is frames[-1] else None))
                    yield self._progress(group, before, began)
                    if interrupts.asked():
                        raise KeyboardInterrupt
                behind.finish()
        finally:
            ahead.close()
            behind.close()
            self._writing.close(keeps=self.keeps)
            self._spent["decode"] += ahead.seconds

    def _progress(self, group: Group, before: int, began: float, step: Progress | None = None) -> Progress:
        """How far it is: after a group, or at a ``step`` of it; so many frames were there ``before``."""
        frames, elapsed, count = self.run.count, time.perf_counter() - began, group.count
        reached = count if step is None else count - (1 - step.done) * len(group.frames)
        left = (frames - reached) * elapsed / (reached - before) if reached > before else None
        if step is None:
            rate = (count - before) / elapsed
            text, counts = f"frame {count}/{frames}, {rate:.1f} frames/s", {"frames_per_second": round(rate, 3)}
            return Progress(reached / frames, text, iteration=count, seconds_left=left, counts=counts)
        named = f"frame {min(count, int(reached) + 1)}/{frames}"
        event = step.event and f"{named}: {step.event}"
        return Progress(reached / frames, f"{named}, {step.text}", event, seconds_left=left)

    @interrupts.held()
    def _deliver(self, *, whole: bool = True) -> None:
        """Join the parts, and write the record. Of a film that is not ``whole`` they stay, to go on from."""
        told, delivery, film = self._told(), self.job.delivery, self.run
        moments = self._parts.moments()

        def animate(to: BinaryIO) -> None:
            images.animate(to, film.packing.form.container, self._parts.files(), moments, self._parts.base)

        def join(to: BinaryIO) -> None:
            own = self.job.moved(lambda path: self._named.get(path) or Path(path).name)
            bare = record.embedded(told | {"job": own.dictionary(), "inputs": own.inputs})
            joining.join(
                to, film.packing.form, self._parts.files(), moments, self._parts.base,
                clip=film.clip, copied=film.copied, origin=film.origin, end=self._end(), alpha=film.packing.alpha,
                comment=record.to_json(bare) if delivery.metadata else "",
            )  # fmt: skip

        if film.packing.form.container:
            write = animate if film.packing.form.image else join
            there = self._placed(self.output, lambda path, over: files.write_atomic(path, write, over), self._force)
        else:
            images.number(self.output, self._parts.files(), film.count)
            there = self.output
        self.output, told["output"] = there, str(there)
        if self._glances:
            self._glances.sheet(files.beside(there, ".sheet.png"), self._force)
        if delivery.metadata and (film.packing.form.image or not self._key):
            text = record.encoded(told)
            self._placed(sidecar(there), lambda path, over: files.write_atomic(path, text, over), self._force)
        elif self._key:
            files.remove(sidecar(there))  # one of an earlier result would describe another film
        self.record = told
        if whole or not self._parts.begun:
            self._parts.remove()

    def _told(self) -> dict[str, Any]:
        """The record."""
        elapsed = time.perf_counter() - self.run.started_at
        return self.run.described() | {
            "steps": self._writing.done, "elapsed_s": elapsed, "time_s": self._spent | self._writing.spent,
            "shots": self._shots,
            "inputs": self.job.inputs, "job": self.job.dictionary(), "hashed": self._hashed, "output": str(self.output),
            **({"key": self._key} if self._key else {}),
        }  # fmt: skip

    def _end(self) -> Any:
        """The time of the clip up to which sound goes along; None to its end."""
        facts, film = self.run.source.facts, self.run
        return None if film.last == len(facts.times) else facts.times[film.last]

    def _check(self) -> None:
        """Make sure that all can be written. Raises OutputError."""
        outputs = [sidecar(self.output)] if self.job.delivery.metadata else []
        if self.job.delivery.sheet:
            outputs.append(files.beside(self.output, ".sheet.png"))
        if self.output.suffix:
            outputs.append(self.output)
        elif self.output.exists() and not (self.output.is_dir() and (self._resume or not any(self.output.iterdir()))):
            raise OutputError(f"{self.output} is there already, and not empty: name a new folder.")
        for path in outputs:
            files.check_writable(path, self._force)
        files.refuse_inputs([*outputs, self.output], self.job.files())


def plan(job: VideoJob) -> dict[str, Any]:
    """What carrying it out would do: frames, sizes, form, and what it is estimated to cost. Nothing is
    written. Raises what `Film` raises, and OutputError where there is no room for it.
    """
    film = Film(job)
    film.check_room(job.output.parent)
    seconds, _ = film.estimate()
    return {
        "task": film.task, "output": str(job.output), "width": film.size[1], "height": film.size[0], **film.plan(),
        "device": str(film.device), "precision": film.precision, "threads": torch.get_num_threads(),
        "estimated_s": round(seconds), "estimated_bytes": film.bytes,
        "film_bytes": film.file_bytes, "settings": film.settings.dictionary(),
    }  # fmt: skip
