"""Where everything in a frame was in an earlier one, and where that is known.

Optical flow by OpenCV's DIS (Kroeger et al. 2016). It is believed where the flow forth and back come out at
the same place (Sundaram, Brox and Keutzer 2010, equation 5), and where the colours agree. Far steps are lost
on it; so flow over several frames is sought from the sum of those from frame to frame on.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from impasto.video.colour import Floats

LONGEST = 480
"""The long side at which flow is sought: finer costs more and finds little more."""
_COLUMNS = 120
"""The coarsest grid on which it may be sought, on its long side, the one that DIS itself has of `LONGEST`:
on fewer, small things are not told from what is behind them."""
_ALIKE = 0.08
"""The difference in lightness, of the whole range, at which two places are no longer the same thing: far less
is film grain, a little less still compression."""


@dataclass(frozen=True)
class Flow:
    """From a frame to an earlier one: ``steps`` (H, W, 2), right and down, in pixels, and ``trust`` (H, W),
    from 0 where the place was hidden then to 1.
    """

    steps: Floats
    trust: Floats

    def warped(self, earlier: Floats, interpolation: int = cv2.INTER_CUBIC) -> Floats:
        """An earlier picture (H, W) or (H, W, C), with everything where it is now."""
        return cv2.remap(earlier, *self._ends, interpolation, borderMode=cv2.BORDER_REPLICATE)

    def scaled(self, size: tuple[int, int]) -> "Flow":
        """The same for pictures of another size."""
        (height, width), (own_height, own_width) = size, self.trust.shape
        if size == self.trust.shape:
            return self
        scale = np.array([width / own_width, height / own_height], np.float32)
        steps = cv2.resize(self.steps, (width, height), interpolation=cv2.INTER_LINEAR) * scale
        return Flow(steps, cv2.resize(self.trust, (width, height), interpolation=cv2.INTER_LINEAR))

    @functools.cached_property
    def _ends(self) -> tuple[Any, Any]:
        """`_ends`, in the 32nds of a pixel that OpenCV computes with anyhow."""
        return cv2.convertMaps(*_ends(self.steps), cv2.CV_16SC2)


@dataclass(frozen=True)
class Ways:
    """The steps from one `grey` frame ``there``, to an earlier one, and ``back`` from that, both (H, W, 2) in
    their pixels.
    """

    there: Floats
    back: Floats

    def after(self, earlier: "Ways") -> "Ways":
        """The ways of two, one after the other, of which this is the later one."""
        there = self.there + _moved(earlier.there, self.there)
        return Ways(there, earlier.back + _moved(self.back, earlier.back))


def grey(pixels: Floats) -> NDArray[np.uint8]:
    """What flow is sought on: lightness in 8 bits, `LONGEST` on its long side at the most."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    small = cv2.resize(
        pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    return np.rint(np.clip(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), 0, 1) * 255).astype(np.uint8)


def ways(now: NDArray[np.uint8], earlier: NDArray[np.uint8], guess: Ways | None = None) -> Ways:
    """The ways between two `grey` frames, near a ``guess`` where it is right."""
    seeker: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    seeker.setFinestScale(max(0, int(math.log2(max(now.shape) / _COLUMNS))))
    there, back = (guess.there.copy(), guess.back.copy()) if guess else (None, None)
    return Ways(seeker.calc(now, earlier, there), seeker.calc(earlier, now, back))


def between(now: NDArray[np.uint8], earlier: NDArray[np.uint8], found: Ways, size: tuple[int, int]) -> Flow:
    """The flow from one `grey` frame to an earlier one by their `ways`, for pictures of a size."""
    steps, returned = found.there, _moved(found.back, found.there)
    off = _squared(steps + returned)
    length = _squared(steps) + _squared(returned)
    unlike = np.abs(now.astype(np.float32) - _moved(earlier.astype(np.float32), steps)) / 255
    alike = np.exp(-(((unlike / _ALIKE) ** 2) ** 2))
    trust: Floats = np.where(off < 0.01 * length + 0.5, alike, 0).astype(np.float32)
    across, down = _ends(steps)
    inside = (
        (across >= -0.5) & (across <= now.shape[1] - 0.5) & (down >= -0.5) & (down <= now.shape[0] - 0.5)
    )  # fmt: skip
    # Flow is of patches, and so is wrong a little beyond what is hidden, too.
    trust = cv2.erode(trust * inside, np.ones((3, 3)), borderType=cv2.BORDER_REPLICATE)
    return Flow(steps, trust).scaled(size)


def _moved(plane: Floats, steps: Floats) -> Floats:
    """What of a plane is where steps lead."""
    return cv2.remap(plane, *_ends(steps), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _ends(steps: Floats) -> tuple[Floats, Floats]:
    """The columns and the rows where steps (H, W, 2) lead."""
    height, width = steps.shape[:2]
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return steps[..., 0] + columns, steps[..., 1] + rows[:, None]


def _squared(steps: Floats) -> Floats:
    squared: Floats = steps[..., 0] ** 2 + steps[..., 1] ** 2
    return squared
