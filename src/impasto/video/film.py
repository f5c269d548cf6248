"""A film made ready: what is painted of the clip, in which sizes, styles and form, all settled before the
first frame.
"""

import contextlib
import itertools
import logging
import shutil
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto._version import __version__
from impasto.errors import ImageError, OutputError, SettingsError, VideoError
from impasto.machine import checkpoint
from impasto.machine.devices import choose_device, choose_precision
from impasto.machine.files import at_home
from impasto.pictures import codecs
from impasto.pictures.picture import MAX_PIXELS, long_side
from impasto.settings.fields import AUTO_SIZE, MACHINES
from impasto.tasks import record
from impasto.tasks.inputs import MIN_SIDE, check_side
from impasto.video import framing
from impasto.video.clip import Clip
from impasto.video.fast import Fast
from impasto.video.folder import USUAL_RATE, Folder
from impasto.video.forms import packing
from impasto.video.job import TASK, VideoJob
from impasto.video.joining import check_streams
from impasto.video.masks import Masks
from impasto.video.optimised import Optimised
from impasto.video.shots import Cuts
from impasto.video.source import Frame
from impasto.video.times import written

log = logging.getLogger("impasto")

_ALIKE = 0.25
"""Of the bytes of a film: strokes that are carried along are packed better than such as come and go."""
_LOOKED, _PATIENCE = 240, 3.0
"""So many frames are looked at to tell how often there is a cut, or what is decoded in so many seconds."""


class Film:
    """The frames of a job's clip from its start to its end, and how they are to be painted and written."""

    task = TASK

    def __init__(self, job: VideoJob) -> None:
        """Raises VideoError, ImageError, SettingsError, StyleCodeError and WeightsError."""
        self.job = job
        self.started_at = time.perf_counter()
        self.settings = job.chosen()
        self.device = choose_device(self.settings.device)
        self.precision = choose_precision(self.settings.precision, self.device)
        allowed = self.settings.allow_truncated
        self.clip = None if at_home(job.clip).is_dir() else Clip(job.clip, allow_truncated=allowed)
        if job.rate and self.clip:
            raise SettingsError(
                f"`rate` is for a folder of pictures, and {job.clip} has times of its own: leave it out."
            )
        rate = _exact(job.rate) if job.rate else USUAL_RATE
        self.source = self.clip or Folder(at_home(job.clip), rate, allow_truncated=allowed)
        facts = self.source.facts
        self.first, self.last = self._range()
        self.origin = written(job.start) if job.start else min(Fraction(0), facts.times[0])
        delivery = job.delivery
        self.packing = packing(
            job.output, codec=delivery.codec, crf=delivery.crf, bits=delivery.bits, depth=facts.depth, alpha=facts.alpha
        )
        named = job.output.suffix or "a folder"
        self.copied = check_streams(self.clip, self.packing.form, named) if self.clip else []
        check_side(facts.size, "content")
        wanted = self.settings.size
        own: Any = wanted if isinstance(wanted, int) else wanted[::-1]
        if isinstance(wanted, str):
            optimised = self.settings.method == "iterative" and wanted == "auto"
            own = min(max(facts.size), AUTO_SIZE["iterative"]) if optimised else max(facts.size)
        self.size = framing.final_size(facts.size, own, even=self.packing.codec.halved)
        self._check_size()
        self._masks = Masks(job.regions, facts, self.size, self.settings.feather, allow_truncated=allowed)
        with codecs.truncation(allowed):
            self.way = self._way()
        if self.count == 1:
            log.warning("Of %s this is one frame alone: a picture is painted by the command stylize.", job.clip)
        if facts.bright:
            log.warning(
                "%s is of a high dynamic range (%s): it is drawn in to that of a picture.", job.clip, facts.bright
            )
        if self.packing.bits < facts.depth:
            log.warning("%s has %d bits a channel, and the film will have 8.", job.clip, facts.depth)

    @property
    def count(self) -> int:
        """How many frames it has."""
        return self.last - self.first

    def frames(self, first: int, last: int) -> Iterator[Frame]:
        """Its frames from one number of the clip's to before another, at its size, with times of its own."""
        shares = enumerate(self._masks.frames(first) if self.job.regions else itertools.repeat(()), first)
        for frame in self.source.frames(first):
            if frame.number >= last:
                return
            own = next(each for number, each in shares if number == frame.number)  # some cannot be decoded
            pixels = framing.fitted(framing.filled(frame.pixels, frame.alpha), self.size)
            alpha = None if frame.alpha is None else framing.fitted(frame.alpha, self.size)
            yield Frame(frame.number, pixels, alpha, frame.time - self.origin, frame.duration, own)
            if frame.number == last - 1:
                return  # what follows may be what the film ends before: it need not be such as can be read

    def opening(self) -> Frame:
        """Its first frame. Raises VideoError."""
        for frame in self.frames(self.first, self.last):
            return frame
        raise VideoError(
            f"{self.job.clip} has no frame that can be decoded where the film begins: choose another `start`."
        )

    def estimate(self) -> tuple[float, float]:
        """Roughly the seconds and the bytes of memory that painting it will take, by painting a little of it,
        small. Raises VideoError.
        """
        return self.way.estimate(self.count, self.shots)

    def shots(self) -> int:
        """Roughly how many shots it has: as if cuts came on as often as in its first frames, which are
        decoded for that.
        """
        cuts, found, began = Cuts(), list[bool](), time.monotonic()
        # What cannot be read is told when it is painted, and the film kept up to there.
        with contextlib.suppress(VideoError, ImageError):
            for frame in itertools.islice(self.source.frames(self.first), min(self.count, _LOOKED)):
                found.append(cuts.is_cut(framing.filled(frame.pixels, frame.alpha)))
                if time.monotonic() - began > _PATIENCE:
                    break
        return 1 + round(sum(found[1:]) * (self.count - 1) / max(1, len(found) - 1))

    def known_by(self) -> dict[str, Any]:
        """By what it is known again when it is gone on with."""
        job = self.job.moved(lambda path: Path(path).name).dictionary()
        settings = {name: value for name, value in job["settings"].items() if name not in MACHINES}
        return {
            "impasto": __version__, "settings": settings, "delivery": job["delivery"], "precision": self.precision,
            "recipe": job["recipe"], "range": [self.first, self.last], "times": checkpoint.digest([float(each) for each in self.source.facts.times]),
            "styles": self.way.known_by(), "strengths": job["strength_at"], "masks": self._masks.known_by(), "size": list(self.size),
            "clip": self.source.known_by(), "length": self.way.LENGTH,
        }  # fmt: skip

    def plan(self) -> dict[str, Any]:
        """What painting it will do, for people to read."""
        (height, width), (tall, wide) = self.source.facts.size, self.way.painted_at
        return {
            "frames": self.count, "seconds": round(float(self.seconds), 3),
            "frames_per_second": round(float(self.source.facts.rate), 3), "clip": f"{width}x{height}",
            "painted_at": f"{wide}x{tall}", "codec": "" if self.packing.form.image else self.packing.name,
            "crf": self.packing.crf, "bits": self.packing.bits, "transparent": self.packing.alpha,
            "streams_copied": len(self.copied),
        }  # fmt: skip

    @property
    def seconds(self) -> Fraction:
        """How long it is."""
        facts = self.source.facts
        return facts.times[self.last - 1] + facts.durations[self.last - 1] - facts.times[self.first]

    @property
    def bytes(self) -> int:
        """Roughly what the disk needs: the parts, and then the film."""
        return round(2 * self.packing.codec.bytes * self.size[0] * self.size[1] * self.count)

    @property
    def file_bytes(self) -> int:
        """Roughly those of the film alone."""
        alike = self.settings.steady == "light" and self.packing.codec.quality is not None
        return round(self.bytes / 2 * (_ALIKE if alike else 1))

    def described(self) -> dict[str, Any]:
        """What its record says of it, whatever came of it."""
        name, digest = self.way.network()
        return {
            "impasto": TASK, "width": self.size[1], "height": self.size[0], "recipe": self.job.recipe,
            "settings": self.settings.dictionary(), "version": __version__, "network": name, "weights_sha256": digest,
            "device": str(self.device), "precision": self.precision, "machine": record.machine(),
            "peak_rss_bytes": record.peak_rss_bytes(), **self.plan(),
        }  # fmt: skip

    def check_room(self, folder: Path, taken: int = 0) -> None:
        """Raises OutputError where the disk has no room for it, beside the bytes that are ``taken`` by it."""
        there = next(each for each in [folder.absolute(), *folder.absolute().parents] if each.exists())
        free = shutil.disk_usage(there).free
        if (needed := self.bytes - taken) > free:
            raise OutputError(
                f"The film will take about {needed / 1e6:.0f} MB in {folder}, and {free / 1e6:.0f} MB are free: "
                "choose another place, a smaller `size`, or a part of it with `start` and `end`."
            )

    def _range(self) -> tuple[int, int]:
        """The numbers of its first frame and of that after its last. Raises SettingsError."""
        job = self.job
        chosen = self.source.facts.between(job.start, job.end)
        if not chosen:
            ends = float(self.source.facts.end)
            raise SettingsError(f"There is no frame between `start` and `end`: {job.clip} ends at {ends:.2f} s.")
        return chosen[0], chosen[-1] + 1

    def _way(self) -> Fast | Optimised:
        if self.settings.method == "iterative":
            return Optimised(self.job, self.settings, self.size, self.opening)
        return Fast(self.job, self.settings, self.size, self.opening, device=self.device, precision=self.precision)

    def _check_size(self) -> None:
        (height, width), (tall, wide) = self.size, long_side(self.size, self.settings.stroke_size or max(self.size))
        if height * width > MAX_PIXELS or min(height, width, tall, wide) < MIN_SIDE:
            raise SettingsError(
                f"The film would be {width}×{height}, painted at {wide}×{tall} pixels, and {MIN_SIDE} a side are the least: "
                "give another `size` or `stroke_size`."
            )


def _exact(rate: float) -> Fraction:
    """A rate as a fraction that films hold.

    >>> _exact(24000 / 1001), _exact(23.976), _exact(0.0004)
    (Fraction(24000, 1001), Fraction(2997, 125), Fraction(1, 2500))
    """
    told = Fraction(str(rate))
    near = told.limit_denominator(1001)
    return near if abs(near - told) < told / 10**9 else told
