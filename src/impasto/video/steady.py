"""Frames that keep still where the world keeps still: what has been painted before is carried along.

    out = new + hold · trust · high(warped − new),    high(d) = d − G ∗ d

The new frame gives all that is broad, and so brightness and colours cannot drift; what is fine, strokes and
their places, follows the flow of the clip as far as that can be trusted. Where something comes into view, or
changes, the new frame alone is seen: no ghosts. ``hold`` is below 1, so that what warping has blurred is
renewed; what is left of that blur is undone in what is shown, as far as the new frame is as crisp, but not in
what is carried on.
"""

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from impasto.video import flow
from impasto.video.colour import Floats

HOLD = 0.98
"""How much of what is fine is carried on from one frame to the next. Measured, as what follows is:
docs/video.md."""
BROAD = 1 / 6
"""The deviation of the Gaussian that parts broad from fine, over the long side."""
_CRISP, _MOST = 0.95, 1.5
"""The share of the new frame's finest energy that is sought, and the most by which what is finest is
raised."""


class Steadied:
    """Steadies frame after frame."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self._seen: NDArray[np.uint8] | None = state["seen"].numpy() if state else None
        self._shown: Floats | None = state["shown"].numpy() if state else None

    def frame(self, source: Floats, painted: Floats, *, begins: bool) -> Floats:
        """The steadied form of a frame that was ``painted`` of a ``source``, both (H, W, 3). ``begins``: it
        is the first of a shot.
        """
        seen, crisp = flow.grey(source), painted
        if not begins and self._seen is not None and self._shown is not None:
            moved = flow.between(seen, self._seen, (painted.shape[0], painted.shape[1]))
            other = moved.warped(self._shown) - painted
            carried = painted + HOLD * moved.trust[..., None] * (other - _broad(other))
            carried = np.clip(carried, 0, 1, out=carried)
            painted, crisp = carried, _sharpened(carried, painted)
        self._seen, self._shown = seen, painted
        return crisp

    def state(self) -> dict[str, Any]:
        """What `Steadied` goes on from."""
        assert self._seen is not None and self._shown is not None
        return {"seen": torch.from_numpy(self._seen), "shown": torch.from_numpy(self._shown)}


def _sharpened(picture: Floats, like: Floats) -> Floats:
    """A picture with as much of what is finest as another one, nearly."""
    finest = picture - cv2.GaussianBlur(picture, (0, 0), 1)
    wanted = _CRISP * float(((like - cv2.GaussianBlur(like, (0, 0), 1)) ** 2).mean())
    gain = float(np.clip((wanted / max(float((finest**2).mean()), 1e-12)) ** 0.5, 1, _MOST))
    sharp: Floats = np.clip(picture + np.float32(gain - 1) * finest, 0, 1)
    return sharp


def _broad(picture: Floats) -> Floats:
    """What is left of a picture under a wide Gaussian: computed where it is small."""
    height, width = picture.shape[:2]
    deviation = BROAD * max(height, width)
    scale = min(1.0, 4 / deviation)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    blurred = cv2.GaussianBlur(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (0, 0), deviation * scale)
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
