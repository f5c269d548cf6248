"""Frames whose regions are painted in styles of their own: every style paints all of the frame, and masks say
what is seen of it. So a stroke does not end where a region does before the mask cuts it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from impasto.video.colour import Floats
from impasto.video.framing import scaled
from impasto.video.shotpainter import ShotPainter


class PartedPainter:
    """Paints frame after frame."""

    def __init__(self, parts: Sequence[ShotPainter], rest: ShotPainter | None) -> None:
        """One painter for each region, and one for what they leave, None if that is to stay as it is."""
        self._parts, self._rest = parts, rest

    def paint(self, pixels: Floats, time: float, shares: Sequence[Floats] = (), *, begins: bool) -> Floats:
        """A frame (H, W, 3) at a time of the film, painted. ``shares`` are the regions' (H, W). ``begins``:
        it is the first of a shot.
        """
        rest = pixels if self._rest is None else self._rest.paint(pixels, time, begins=begins)
        if not self._parts:
            return rest
        size = (pixels.shape[0], pixels.shape[1])
        painted: Floats = scaled(rest, size) * (1 - np.sum(shares, 0))[..., None]
        for part, share in zip(self._parts, shares, strict=True):
            painted += scaled(part.paint(pixels, time, begins=begins), size) * share[..., None]
        return painted

    def state(self) -> dict[str, Any]:
        """What to go on from."""
        return {"painters": [each.state() for each in (*self._parts, self._rest) if each]}
