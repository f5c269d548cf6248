"""Where one shot ends and the next begins."""

from typing import Any

import cv2
import numpy as np

from impasto.video.colour import Floats

_THUMB = (32, 18)
LEAST, TIMES = 0.08, 3.0
"""A cut differs from the frame before by so much of the range of colours at least, on average, and by so many
times what frames of its shot have lately. Measured on drawn scenes and two films: docs/video.md."""
_MEMORY = 0.3


class Cuts:
    """Tells cuts, frame by frame.

    Frames are compared as thumbnails of 32 × 18, in which what moves moves little. A cut is a difference that
    is large, and large for its shot: a camera that is shaken differs at every frame, and cuts do not follow
    one another.
    """

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self._last: Floats | None = state["last"].numpy() if state else None
        self._usual: float = state["usual"] if state else 0.0

    def is_cut(self, pixels: Floats) -> bool:
        """Whether a frame (H, W, 3) is the first of a shot; the very first is."""
        thumb = cv2.resize(pixels, _THUMB, interpolation=cv2.INTER_AREA)
        last, self._last = self._last, thumb
        if last is None:
            return True
        change = float(np.abs(thumb - last).mean())
        if change > LEAST and change > TIMES * self._usual:
            self._usual = 0.0
            return True
        self._usual += _MEMORY * (change - self._usual)
        return False

    def state(self) -> dict[str, Any]:
        """What `Cuts` goes on from."""
        import torch

        assert self._last is not None
        return {"last": torch.from_numpy(self._last), "usual": self._usual}
