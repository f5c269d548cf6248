"""Frames whose regions are painted in styles of their own: every style paints all of the frame, and masks say
what is seen of it. So a stroke does not end where a region does before the mask cuts it.
"""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from impasto.progress import Progress
from impasto.video.colour import Floats
from impasto.video.framing import scaled
from impasto.video.shotpainter import ShotPainter
from impasto.video.source import Frame


class PartedPainter:
    """Paints frame after frame."""

    def __init__(self, parts: Sequence[ShotPainter], rest: ShotPainter | None) -> None:
        """One painter for each region, and one for what they leave, None if that is to stay as it is."""
        self._parts, self._rest = parts, rest
        self.shown: Sequence[Floats]
        """The frames that have been painted, (H, W, 3) each."""

    def steps(self, frames: Sequence[Frame], *, begins: bool) -> Generator[Progress, None, None]:
        """Paint frames, each at one go. ``begins``: the first of them is the first of a shot."""
        yield from ()
        self.shown = [self._painted(frame, begins=begins and frame is frames[0]) for frame in frames]

    def _painted(self, frame: Frame, *, begins: bool) -> Floats:
        pixels, time = frame.pixels, float(frame.time)
        rest = pixels if self._rest is None else self._rest.paint(pixels, time, begins=begins)
        if not self._parts:
            return rest
        size = (pixels.shape[0], pixels.shape[1])
        painted: Floats = scaled(rest, size) * (1 - np.sum(frame.shares, 0))[..., None]
        for part, share in zip(self._parts, frame.shares, strict=True):
            painted += scaled(part.paint(pixels, time, begins=begins), size) * share[..., None]
        return painted

    def state(self) -> dict[str, Any]:
        """What to go on from."""
        return {"painters": [each.state() for each in (*self._parts, self._rest) if each]}
