"""Frames that keep still where the world keeps still: what has been painted before is carried along.

    out = new + HOLD · trust · high(before − new) + BROAD_HOLD · trust · lit · low(before − new)

``before`` is the frame before, warped along the flow of the clip, with a fifth of an older one, the anchor,
warped from there at one go: steps from frame to frame add up to a drift, and what was hidden for a moment is
in the anchor still. With every stroke goes what the clip showed when it was painted: where the clip shows
something else by now, because things turn, flow was led astray or light has changed, it is painted anew. So
there are no ghosts, and brightness cannot drift. Both holds are below 1, so that what warping has blurred
is renewed; what is left of that blur is undone in what is shown, as far as the new frame is as crisp, but not
in what is carried on.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from impasto.video import flow
from impasto.video.colour import Floats
from impasto.video.framing import scaled
from impasto.video.past import Past

HOLD, BROAD_HOLD = 0.98, 0.9
"""How much of what is fine, and of what is broad, is carried on from one frame to the next. Measured, as what
follows is: docs/video.md."""
BROAD = 1 / 6
"""The deviation of the Gaussian that parts broad from fine, over the long side."""
OLDER = 0.2
"""The share of the anchor in what is carried on."""
_ALIKE, _LIT = 0.08, 0.02
"""Differences of the clip, of the whole range, at which strokes are mostly painted anew, and at which what is
broad is not carried on, for the light has changed."""
_MOST = 1.5
"""The most by which what is finest is raised."""


class _Kept(NamedTuple):
    """A frame to carry on from: `flow.grey` of the clip's, what has been painted, and what the clip showed
    when it was, softened, both (H, W, 3).
    """

    seen: NDArray[np.uint8]
    painted: Floats
    filmed: Floats


class Steadied:
    """Steadies frame after frame."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self._past = Past(_Kept, state)
        self.state = self._past.state
        """What `Steadied` goes on from."""

    def frame(self, source: Floats, painted: Floats, *, begins: bool) -> Floats:
        """The steadied form of a frame that was ``painted`` of a ``source``, both (H, W, 3). ``begins``: it
        is the first of a shot.
        """
        seen, size = flow.grey(source), (painted.shape[0], painted.shape[1])
        filmed = cv2.GaussianBlur(scaled(source, size), (0, 0), 1)
        if begins:
            self._past.begin()
        new, shown = _Kept(seen, painted, filmed), painted
        if self._past.kept:
            new = _carried(new, self._past.kept)
            shown = _sharpened(new.painted, painted)
        self._past.keep(new)
        return shown


def _carried(new: _Kept, kept: list[_Kept]) -> _Kept:
    """A new frame with what is known of it from the frame before and the anchor."""
    near, far = (_warped(new, each) for each in kept)
    share = far.trust * OLDER
    rest = near.trust * (1 - share)
    share = (share / np.maximum(share + rest, 1e-6))[..., None]
    trust = np.maximum(near.trust, far.trust)[..., None]
    filmed = near.filmed + share * (far.filmed - near.filmed) - new.filmed
    other = near.painted + share * (far.painted - near.painted) - new.painted
    broad = _broad(other)
    lit = np.exp(-((_size(_broad(filmed)) / _LIT) ** 2))[..., None]
    painted = new.painted + trust * (HOLD * (other - broad) + BROAD_HOLD * lit * broad)
    return _Kept(new.seen, np.clip(painted, 0, 1, out=painted), new.filmed + HOLD * trust * filmed)


@dataclass(frozen=True)
class _Warped:
    painted: Floats
    filmed: Floats
    trust: Floats


def _warped(new: _Kept, kept: _Kept) -> _Warped:
    """What was kept with everything where it is now, and how far that is to be trusted, (H, W)."""
    moved = flow.between(new.seen, kept.seen, (new.painted.shape[0], new.painted.shape[1]))
    filmed = moved.warped(kept.filmed, cv2.INTER_LINEAR)
    alike = np.exp(-((_size(filmed - new.filmed) / _ALIKE) ** 2))
    return _Warped(moved.warped(kept.painted), filmed, moved.trust * alike)


def _size(difference: Floats) -> Floats:
    """The mean of the channels' absolute values; NumPy's own takes ten times as long."""
    return cv2.transform(np.abs(difference), np.full((1, 3), 1 / 3))


def _sharpened(picture: Floats, like: Floats) -> Floats:
    """A picture with as much of what is finest as another one, nearly."""
    finest = picture - cv2.GaussianBlur(picture, (0, 0), 1)
    wanted = float(((like - cv2.GaussianBlur(like, (0, 0), 1)) ** 2).mean())
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
