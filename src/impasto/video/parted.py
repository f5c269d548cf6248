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
        self.shown: Floats
        """The frame that has been painted, (H, W, 3)."""

    def steps(self, frame: Frame, *, begins: bool) -> Generator[Progress, None, None]:
        """Paint a frame, at one go. ``begins``: it is the first of a shot."""
        yield from ()
        pixels, time = frame.pixels, float(frame.time)
        self.shown = pixels if self._rest is None else self._rest.paint(pixels, time, begins=begins)
        if not self._parts:
            return
        size = (pixels.shape[0], pixels.shape[1])
        self.shown = scaled(self.shown, size) * (1 - np.sum(frame.shares, 0))[..., None]
        for part, share in zip(self._parts, frame.shares, strict=True):
            self.shown += scaled(part.paint(pixels, time, begins=begins), size) * share[..., None]

    def state(self) -> dict[str, Any]:
        """What to go on from."""
        return {"painters": [each.state() for each in (*self._parts, self._rest) if each]}
