"""A film made ready: what is painted of the clip, in which sizes, styles and form, all settled before the
first frame.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto import weights
from impasto._version import __version__
from impasto.errors import OutputError, SettingsError
from impasto.machine import checkpoint, memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision
from impasto.machine.files import at_home, sha256_of
from impasto.networks import codes
from impasto.networks.codes import StyleCode, learnt_style
from impasto.networks.zoo import FILES, is_file, network
from impasto.pictures import codecs
from impasto.pictures.picture import MAX_PIXELS, Picture, long_side
from impasto.settings.applies import chosen_settings
from impasto.settings.fields import LEARNT
from impasto.tasks import record
from impasto.tasks.budget import Sweep
from impasto.tasks.inputs import MIN_SIDE, check_side, style_code
from impasto.video import framing
from impasto.video.clip import Clip
from impasto.video.folder import USUAL_RATE, Folder
from impasto.video.forms import packing
from impasto.video.job import TASK, VideoJob
from impasto.video.joining import check_streams
from impasto.video.shotpainter import ShotPainter
from impasto.video.source import Frame
from impasto.video.styles import Styles

log = logging.getLogger("impasto")


class Film:
    """The frames of a job's clip from its start to its end, and how they are to be painted and written."""

    task = TASK

    def __init__(self, job: VideoJob) -> None:
        """Raises VideoError, ImageError, SettingsError, StyleCodeError and WeightsError."""
        self.job = job
        self.started_at = time.perf_counter()
        # What the network reads is what the fast method does.
        self.settings = chosen_settings("default", dict(job.settings), TASK).changed(method="fast")
        self.device = choose_device(self.settings.device)
        self.precision = choose_precision(self.settings.precision, self.device)
        allowed = self.settings.allow_truncated
        self.clip = None if at_home(job.clip).is_dir() else Clip(job.clip, allow_truncated=allowed)
        rate = Fraction(str(job.rate)) if job.rate else USUAL_RATE
        self.source = self.clip or Folder(at_home(job.clip), rate, allow_truncated=allowed)
        facts = self.source.facts
        self.first, self.last = self._range()
        self.origin = Fraction(str(job.start)) if job.start else min(Fraction(0), facts.times[0])
        delivery = job.delivery
        self.packing = packing(
            job.output, codec=delivery.codec, crf=delivery.crf, bits=delivery.bits, depth=facts.depth, alpha=facts.alpha
        )
        named = job.output.suffix or "a folder"
        self.copied = check_streams(self.clip, self.packing.form, named) if self.clip else []
        check_side(facts.size, "content")
        wanted = self.settings.size
        own: Any = max(facts.size) if isinstance(wanted, str) else wanted if isinstance(wanted, int) else wanted[::-1]
        self.size = framing.final_size(facts.size, own, even=self.packing.codec.halved)
        self.painted_at = long_side(self.size, self.settings.stroke_size or max(self.size))
        self._check_sizes()
        with codecs.truncation(allowed):
            self.styles = Styles(self._keys())
        self._check_memory()
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

    def frames(self, first: int) -> Iterator[Frame]:
        """Its frames from that number of the clip's on, at its size, with times of its own."""
        for frame in self.source.frames(first):
            if frame.number >= self.last:
                return
            pixels = framing.fitted(framing.filled(frame.pixels, frame.alpha), self.size)
            alpha = None if frame.alpha is None else framing.fitted(frame.alpha, self.size)
            yield Frame(frame.number, pixels, alpha, frame.time - self.origin, frame.duration)

    def painter(self, state: dict[str, Any] | None = None) -> ShotPainter:
        """What paints its frames, from the first, or from a state on."""
        frozen = self.settings.steady != "off"
        return ShotPainter(
            self.styles, self.painted_at, frozen=frozen, device=self.device, precision=self.precision, state=state
        )

    def known_by(self) -> dict[str, Any]:
        """By what it is known again when it is gone on with."""
        job = self.job.moved(lambda path: Path(path).name).dictionary()
        looks = [code.values for _, code in self.styles.keys]
        facts = self.source.facts
        return {
            "impasto": __version__, "settings": job["settings"], "delivery": job["delivery"], "precision": self.precision,
            "range": [self.first, self.last], "times": checkpoint.digest([float(each) for each in facts.times]),
            "styles": [checkpoint.digest(looks), *(start for start, _ in self.styles.keys)], "size": list(self.size),
            "clip": sha256_of(self.clip.path) if self.clip else checkpoint.digest([float(len(facts.times))]),
        }  # fmt: skip

    def plan(self) -> dict[str, Any]:
        """What painting it will do, for people to read."""
        (height, width), (tall, wide) = self.source.facts.size, self.painted_at
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

    def estimate(self) -> float:
        """Roughly the seconds that it will take, by painting its first frame."""
        painter, frame = self.painter(), next(self.frames(self.first))
        painter.paint(frame.pixels, 0.0, begins=True)
        began = time.perf_counter()
        painter.paint(frame.pixels, 0.0, begins=True)
        return (time.perf_counter() - began) * self.count

    def described(self) -> dict[str, Any]:
        """What its record says of it, whatever came of it."""
        name = self.styles.keys[0][1].network
        digest = sha256_of(Path(name)) if is_file(name) else weights.entry(FILES[name]).sha256
        return {
            "impasto": TASK, "width": self.size[1], "height": self.size[0], "recipe": "default",
            "settings": self.settings.dictionary(), "version": __version__, "network": name, "weights_sha256": digest,
            "device": str(self.device), "precision": self.precision, "machine": record.machine(),
            "peak_rss_bytes": record.peak_rss_bytes(), **self.plan(),
        }  # fmt: skip

    def check_room(self, folder: Path) -> None:
        """Raises OutputError where the disk has no room for it."""
        there = next(each for each in [folder.absolute(), *folder.absolute().parents] if each.exists())
        free = shutil.disk_usage(there).free
        if self.bytes > free:
            raise OutputError(
                f"The film will take about {self.bytes / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB are free: "
                "choose another place, a smaller `size`, or a part of it with `start` and `end`."
            )

    def _range(self) -> tuple[int, int]:
        """The numbers of its first frame and of that after its last. Raises SettingsError."""
        times, job = self.source.facts.times, self.job
        chosen = [
            number for number, moment in enumerate(times)
            if (not job.start or moment >= job.start) and (job.end is None or moment < job.end)
        ]  # fmt: skip
        if not chosen:
            ends = float(self.source.facts.end)
            raise SettingsError(f"There is no frame between `start` and `end`: {job.clip} ends at {ends:.2f} s.")
        return chosen[0], chosen[-1] + 1

    def _check_sizes(self) -> None:
        (height, width), (tall, wide) = self.size, self.painted_at
        if height * width > MAX_PIXELS or min(height, width, tall, wide) < MIN_SIDE:
            raise SettingsError(
                f"The film would be {width}×{height}, painted at {wide}×{tall} pixels, and {MIN_SIDE} a side are the least: "
                "give another `size` or `stroke_size`."
            )

    def _check_memory(self) -> None:
        stylizer = network(self.styles.keys[0][1].network).stylizer
        needed = Sweep(self.painted_at, 12, stylizer.reach, DTYPES[self.precision], self.device).needed(None)
        room = memory.budget("auto", self.device)
        if needed > room:
            raise SettingsError(
                f"A frame of {self.painted_at[1]}×{self.painted_at[0]} needs {needed / 1e9:.1f} GB to be painted, and there are "
                f"{room / 1e9:.1f} GB: give a smaller `stroke_size` or `size`."
            )

    def _keys(self) -> list[tuple[float, StyleCode]]:
        """The styles with their times, with as much of the clip's own in them as ``strength`` leaves. Raises
        SettingsError for styles of several networks.
        """
        job, chosen = self.job, self.settings.network
        if job.style_index:
            name = LEARNT if chosen == "auto" else chosen
            keys = [(0.0, learnt_style(job.style_index, name))]
        elif job.styles:
            keys = [(0.0, style_code(list(job.styles), chosen))]
        else:
            keys = [(start, style_code(path, chosen)) for start, path in job.style_at]
        codes.mixed([(code, 1 / len(keys)) for _, code in keys])  # or it raises
        share = min(1.0, 2 * self.settings.strength)
        if share < 1:
            plain = codes.plain(self._opening(), keys[0][1].network)
            keys = [(start, codes.mixed([(plain, 1 - share), (code, share)])) for start, code in keys]
        return keys

    def _opening(self) -> Picture:
        """The first frame, as a picture."""
        return codecs.load(_eight_bits(next(self.frames(self.first))))


def _eight_bits(frame: Frame) -> Any:
    return (frame.pixels * 255).round().astype("uint8")
