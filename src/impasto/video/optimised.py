"""Films painted by the optimiser (Ruder, Dosovitskiy and Brox 2016).

The first frame of a shot is a picture like any other. Every following one starts from the frame before,
warped along the flow of the clip, and is held to it where that is to be trusted, by one more term
(`tasks.held`); so it needs few iterations. As in their section 4.2 it is also held to an older frame where
that shows what the one before does not: what was hidden for a moment comes back as it was. Unlike there it
starts from that, too, and one older frame serves, the anchor.

With `keyframes` that is so of every K-th frame alone. Those between two start from what both sides show, the
frame before and the next keyframe, warped, are held to that, and take few iterations: what is painted anew at
a keyframe is there already when it comes.
"""

import contextlib
import functools
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from impasto import weights
from impasto.architecture import BACKBONE
from impasto.machine import checkpoint
from impasto.masks.regions import Region
from impasto.pictures import codecs
from impasto.pictures.picture import Picture
from impasto.progress import Progress
from impasto.settings.applies import fields_of
from impasto.settings.fields import Settings
from impasto.tasks.held import Held
from impasto.tasks.run import Eyes, Run
from impasto.tasks.stylize import plan_stylize
from impasto.video.colour import Floats
from impasto.video.flow import Ways
from impasto.video.geometry import Size
from impasto.video.job import VideoJob
from impasto.video.masks import style_of
from impasto.video.past import Past, Seen
from impasto.video.source import Frame
from impasto.video.span import Span
from impasto.video.styles import Moments, Numbers
from impasto.video.unfinished import Unfinished

_LEAST = 256
"""Pixels of a region; of fewer, its deepest layer sees nothing."""
_FEW = 0.2
"""The share of a keyframe's iterations that a frame between two takes. Measured: docs/video.md."""


class Optimised:
    """How the optimiser paints a film."""

    LENGTH = 8
    """Frames of a part: each takes long, and what is lost when the process is killed is one part."""
    steadies = False

    def __init__(self, job: VideoJob, settings: Settings, size: Size, opening: Callable[[], Frame]) -> None:
        """``opening`` gives the first frame. Raises ImageError and SettingsError."""
        self._job, self._settings, self._opening = job, settings, opening
        self.painted_at, self.together = size, settings.keyframes
        at = [(start, [(path, 1.0)]) for start, path in job.style_at] or [(0.0, list(job.styles))]
        self._styles = Moments([(start, [(codecs.load(path), share) for path, share in some]) for start, some in at])
        self._parts = [codecs.load(style_of(region)) for region in job.regions]
        self._plan()  # or it raises

    def painter(self, state: dict[str, Any] | None = None, unfinished: Unfinished | None = None) -> "FramePainter":
        """What paints its frames, from the first, or from a state on, and keeps what is ``unfinished``."""
        return FramePainter(self._job, self._settings, self._styles, state, parts=self._parts, unfinished=unfinished)

    def known_by(self) -> list[Any]:
        """By what its styles are known again."""
        looks = [picture.pixels for _, some in self._styles.keys for picture, _ in some]
        looks += [each for part in self._parts for each in (part.pixels, part.alpha) if each is not None]
        return [
            checkpoint.digest(looks),
            *([start, *(share for _, share in some)] for start, some in self._styles.keys),
        ]

    def network(self) -> tuple[str, str]:
        """The name of the network, and the SHA-256 of its weights."""
        return BACKBONE, weights.entry(BACKBONE).sha256

    def estimate(self, frames: int, shots: Callable[[], int]) -> tuple[float, float]:
        """Roughly the seconds that so many frames in so many shots take, the first of every shot as a
        picture, and the bytes of memory.
        """
        seconds, size = self._plan().estimate()
        each = self._settings.frame_iterations / self._settings.iterations * (_FEW + (1 - _FEW) / self.together)
        first = shots()
        return seconds * (first + each * (frames - first)), size

    def _plan(self) -> Run:
        """The first frame as a picture to be painted, with all regions in sight."""
        frame = self._opening()
        shares = [np.full_like(share, 1 / len(self._parts)) for share in frame.shares]
        return self.painter().planned(replace(frame, shares=tuple(shares)), [])


class _Kept(NamedTuple):
    """What was painted, (H, W, 3)."""

    painted: Floats


class FramePainter:
    """Paints frame after frame."""

    def __init__(
        self, job: VideoJob, settings: Settings, styles: Moments[Any], state: dict[str, Any] | None = None,
        *, parts: Sequence[Picture] = (), unfinished: Unfinished | None = None,
    ) -> None:  # fmt: skip
        """``styles`` are of what the regions leave, and ``parts`` the regions' paintings."""
        own = {each.name for each in fields_of("iterative")} - {"size", "method", "feather"}
        self._first = {name: value for name, value in job.settings.items() if name in own}
        of_scales = ("init", "places_photo", "finest_layer")  # later frames have one alone
        later = {name: value for name, value in self._first.items() if name not in of_scales}
        self._later = later | {"scales": "single", "iterations": settings.frame_iterations}
        self._between = self._later | {"iterations": max(1, round(_FEW * settings.frame_iterations))}
        if settings.places_weight > 0:
            self._between["last_pass"] = 0.0  # what it would seek is there, in what is carried along
        self.styles, self._parts = styles, parts
        self._recipe, self._settings = job.recipe, settings
        self._strengths = Numbers(job.strength_at or ((0.0, settings.strength),))
        self._unfinished = unfinished
        self._past = Past(_Kept, state)
        self.state = self._past.state
        """What to go on from."""
        self._eyes: Eyes | None = None
        self.shown: list[Floats]
        """The frames that have been painted, (H, W, 3) each."""

    def steps(self, frames: Sequence[Frame], *, begins: bool) -> Generator[Progress, None, None]:
        """Paint frames, telling of every iteration: the last, a keyframe, and then those between it and the
        one before. ``begins``: it is the first of a shot, and alone.
        """
        if begins:
            self._past.begin()
        *between, key = frames
        span = Span([self._past.before, *map(_seen, frames)]) if between else None
        held, before = self.held(key, span.back() if span else None), self._past.kept[:1]
        last, shown = yield from self._painted(key, lambda: self.planned(key, held), 0, len(frames))
        self._past.keep(_seen(key), _Kept(last), len(frames))
        self.shown = [shown]
        for number, frame in enumerate(between, 1):
            assert span
            known, trust = span.carried(number, before[0].painted, last)
            carried = Held(_tensor(known), _tensor(trust), self._settings.steady_weight)
            plan = functools.partial(self.planned, frame, [carried], between=True)
            painted, shown = yield from self._painted(frame, plan, number, len(frames))
            before = [_Kept(painted)]
            self.shown.insert(-1, shown)

    def planned(self, frame: Frame, held: Sequence[Held], *, between: bool = False) -> Run:
        """A frame as a picture to be painted that is `held`, ``between`` two keyframes or one itself."""
        styles, picture = self._styles(frame) or None, Picture(_tensor(frame.pixels))
        always = dict[str, Any](method="iterative", size="native", strength=self._strengths.at(float(frame.time)))
        always["regions"] = self._regions(frame)
        if not held:
            first: Run = plan_stylize(picture, styles, self._recipe, **self._first | always)
            return first
        start = held[0].pixels
        for older in held[1:]:
            start = torch.lerp(start, older.pixels, older.trust)
        own = (self._between if between else self._later) | always
        run: Run = plan_stylize(picture, styles, self._recipe, held=held, start=Picture(start), **own)
        return run

    def held(self, frame: Frame, guess: Ways | None = None) -> list[Held]:
        """What is known of a keyframe: from the one before, to which flow is sought near a ``guess``, and
        where that shows nothing from the anchor (section 4.2, equation 10). Of a shot's first one, nothing.
        """
        if not self._past.kept:
            return []
        near, far = self._past.flows(_seen(frame), guess)
        trusted = near.trust, np.maximum(far.trust - near.trust, 0)
        return [
            Held(_tensor(found.warped(each.painted).clip(0, 1)), _tensor(trust), self._settings.steady_weight)
            for found, each, trust in zip((near, far), self._past.kept, trusted, strict=True)
        ]

    def _painted(
        self, frame: Frame, plan: Callable[[], Run], done: int, count: int
    ) -> Generator[Progress, None, tuple[Floats, Floats]]:
        """A frame as it was painted, and as it is shown; of so many frames some are ``done``."""
        kept = self._unfinished and self._unfinished.frame(frame.number)
        if not kept and not self._styles(frame) and not self._regions(frame):
            return frame.pixels, frame.pixels
        if not kept:
            run = plan()
            run.eyes = self._eyes = self._eyes or run.eyes
            steps = self._unfinished.steps(run, frame.number) if self._unfinished else run.steps()
            with contextlib.closing(steps):
                for step in steps:
                    yield replace(step, done=(done + step.done) / count)
            assert run.last is not None
            kept = run.last.pixels.cpu(), run.picture().pixels
            if self._unfinished:
                self._unfinished.keep(frame.number, kept)
        painted, shown = map(_array, kept)
        return painted, shown

    def _styles(self, frame: Frame) -> list[tuple[Picture, float]]:
        found, _ = self.styles.between(float(frame.time))
        return [(picture, own * share) for some, share in found for picture, own in some]

    def _regions(self, frame: Frame) -> list[Region]:
        """The regions that can be seen."""
        seen = zip(self._parts, frame.shares, strict=bool(frame.shares))
        return [
            Region(Picture(_tensor(share).expand(1, 3, -1, -1)), part) for part, share in seen if share.sum() >= _LEAST
        ]


def _seen(frame: Frame) -> Seen:
    return Seen.of(frame.pixels, frame.shares, (frame.pixels.shape[0], frame.pixels.shape[1]))


def _tensor(plane: Floats) -> Tensor:
    """(H, W) or (H, W, C) -> (1, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(plane), np.float32)).permute(2, 0, 1)[None].contiguous()


def _array(pixels: Tensor) -> Floats:
    return np.ascontiguousarray(pixels[0].float().cpu().permute(1, 2, 0).numpy())
