"""Where everything in a frame was in an earlier one, and where that is known.

Optical flow by OpenCV's DIS (Kroeger et al. 2016). It is believed where the flow forth and back come out at
the same place (Sundaram, Brox and Keutzer 2010, equation 5), and where the colours agree.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from impasto.video.colour import Floats

LONGEST = 480
"""The long side at which flow is sought: finer costs more and finds little more."""
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
        return cv2.remap(earlier, *_ends(self.steps), interpolation, borderMode=cv2.BORDER_REPLICATE)


def grey(pixels: Floats) -> NDArray[np.uint8]:
    """What flow is sought on: lightness in 8 bits, `LONGEST` on its long side at the most."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    small = cv2.resize(
        pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    return np.rint(np.clip(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), 0, 1) * 255).astype(np.uint8)


def between(now: NDArray[np.uint8], earlier: NDArray[np.uint8], size: tuple[int, int]) -> Flow:
    """The flow from one `grey` frame to an earlier one, for pictures of a height and width."""
    seeker: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    back = seeker.calc(now, earlier, None)
    forth = seeker.calc(earlier, now, None)
    flow = Flow(back, np.ones(now.shape, np.float32))
    returned = flow.warped(forth, cv2.INTER_LINEAR)
    off = _squared(back + returned)
    length = _squared(back) + _squared(returned)
    unlike = np.abs(now.astype(np.float32) - flow.warped(earlier.astype(np.float32), cv2.INTER_LINEAR)) / 255
    trust: Floats = np.where(off < 0.01 * length + 0.5, np.exp(-((unlike / _ALIKE) ** 4)), 0).astype(np.float32)
    height, width = size
    across, down = _ends(back)
    inside = (
        (across >= -0.5) & (across <= now.shape[1] - 0.5) & (down >= -0.5) & (down <= now.shape[0] - 0.5)
    )  # fmt: skip
    # Flow is of patches, and so is wrong a little beyond what is hidden, too.
    trust = cv2.erode(trust * inside, np.ones((3, 3)), borderType=cv2.BORDER_REPLICATE)
    if now.shape != size:
        scale = np.array([width / now.shape[1], height / now.shape[0]], np.float32)
        back = cv2.resize(back, (width, height), interpolation=cv2.INTER_LINEAR) * scale
        return Flow(back, cv2.resize(trust, (width, height), interpolation=cv2.INTER_LINEAR))
    return Flow(back, trust)


def _ends(steps: Floats) -> tuple[Floats, Floats]:
    """The columns and the rows where steps (H, W, 2) lead."""
    height, width = steps.shape[:2]
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return steps[..., 0] + columns, steps[..., 1] + rows[:, None]


def _squared(steps: Floats) -> Floats:
    squared: Floats = steps[..., 0] ** 2 + steps[..., 1] ** 2
    return squared
