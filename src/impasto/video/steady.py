"""Frames that keep still where the world keeps still: what has been painted before is carried along.

    out = new + hold · trust · high(warped − new),    high(d) = d − G ∗ d

The new frame gives all that is broad, and so brightness and colours cannot drift; what is fine, strokes and
their places, follows the flow of the clip as far as that can be trusted. Where something comes into view, or
changes, the new frame alone is seen: no ghosts. ``hold`` is below 1, so that what warping has blurred is
renewed.
"""

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from impasto.video import flow
from impasto.video.colour import Floats

HOLD = 0.85
"""How much of what is fine is carried on from one frame to the next."""
BROAD = 1 / 16
"""The deviation of the Gaussian that parts broad from fine, over the long side."""
_STILL = 0.1
"""Pixels: a flow that is shorter than that is none, so that what stands still is not blurred."""


class Steadied:
    """Steadies frame after frame."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self._seen: NDArray[np.uint8] | None = state["seen"].numpy() if state else None
        self._shown: Floats | None = state["shown"].numpy() if state else None

    def frame(self, source: Floats, painted: Floats, *, begins: bool) -> Floats:
        """The steadied form of a frame that was ``painted`` of a ``source``, both (H, W, 3). ``begins``: it
        is the first of a shot.
        """
        seen = flow.grey(source)
        if not begins and self._seen is not None and self._shown is not None:
            moved = flow.between(seen, self._seen, (painted.shape[0], painted.shape[1]))
            moved.steps[np.abs(moved.steps).max(-1) < _STILL] = 0
            other = moved.warped(self._shown) - painted
            broad = _broad(other)
            painted = np.clip(painted + HOLD * moved.trust[..., None] * (other - broad), 0, 1)
        self._seen, self._shown = seen, painted
        return painted

    def state(self) -> dict[str, Any]:
        """What `Steadied` goes on from."""
        assert self._seen is not None and self._shown is not None
        return {"seen": torch.from_numpy(self._seen), "shown": torch.from_numpy(self._shown)}


def _broad(picture: Floats) -> Floats:
    """What is left of a picture under a wide Gaussian: computed where it is small."""
    height, width = picture.shape[:2]
    deviation = BROAD * max(height, width)
    scale = min(1.0, 4 / deviation)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    blurred = cv2.GaussianBlur(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (0, 0), deviation * scale)
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
