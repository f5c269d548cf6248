"""Frames that keep still where the world keeps still: what has been painted before is carried along.

    out = new + HOLD · trust · high(before − new) + BROAD_HOLD · trust · lit · low(before − new)

``before`` is the frame before, warped along the flow of the clip, with two fifths of an older one, the
anchor, warped from there at one go: steps from frame to frame add up to a drift, and what was hidden for a
moment is in the anchor still. With every stroke goes what the clip showed when it was painted: where the clip
shows something else by now, because things turn, flow was led astray or light has changed, it is painted
anew. So there are no ghosts, and brightness cannot drift. Both holds are below 1, so that what warping has
blurred is renewed; what is left of that blur is undone in what is shown, as far as the new frame is as crisp,
but not in what is carried on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np

from impasto.pictures.picture import long_side
from impasto.video.colour import Floats
from impasto.video.flow import Flow
from impasto.video.framing import scaled
from impasto.video.geometry import Size
from impasto.video.past import Past, Seen

HOLD, BROAD_HOLD = 0.98, 0.88
"""How much of what is fine, and of what is broad, is carried on from one frame to the next. Measured, as what
follows is: docs/video.md."""
BROAD = 1 / 6
"""The deviation of the Gaussian that parts broad from fine, over the long side."""
OLDER = 0.4
"""The share of the anchor in what is carried on."""
_ALIKE, _LIT = 0.075, 0.02
"""Differences of the clip, of the whole range, at which strokes are mostly painted anew, and at which what is
broad is not carried on, for the light has changed."""
_FILMED = 320
"""The longest side of what is kept of the clip: it tells whether a place is the same still, which needs no
detail, and is half of the work at full size."""
_LITTLE = 1e-3
"""What nothing is trusted of counts so much."""
_MOST = 1.5
"""The most by which what is finest is raised."""


class _Kept(NamedTuple):
    """A frame to carry on from: what has been painted, and what the clip showed when it was, softened and at
    `_FILMED` on its long side at most, both (H, W, 3).
    """

    painted: Floats
    filmed: Floats


class Steadied:
    """Steadies frame after frame."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self._past = Past(_Kept, state)
        self.state = self._past.state
        """What `Steadied` goes on from."""

    def frame(self, source: Floats, painted: Floats, shares: Sequence[Floats] = (), *, begins: bool) -> Floats:
        """The steadied form of a frame that was ``painted`` of a ``source``, both (H, W, 3), with its
        regions' ``shares`` (H, W). ``begins``: it is the first of a shot.
        """
        size = (painted.shape[0], painted.shape[1])
        seen = Seen.of(source, shares, size)
        filmed = cv2.GaussianBlur(scaled(source, long_side(size, min(_FILMED, max(size)))), (0, 0), 1)
        if begins:
            self._past.begin()
        new, shown = _Kept(painted, filmed), painted
        if self._past.kept:
            flows = self._past.flows(seen)
            new = _carried(new, *(_warped(new, *each) for each in zip(flows, self._past.kept, strict=True)))
            shown = _sharpened(new.painted, painted)
        self._past.keep(seen, new)
        return shown


@dataclass(frozen=True)
class _Warped:
    """What was kept with everything where it is now, and how far that is to be trusted, at the size of what
    was filmed.
    """

    painted: Floats
    filmed: Floats
    trust: Floats


def _carried(new: _Kept, near: _Warped, far: _Warped) -> _Kept:
    """A new frame with what is known of it from the frame before and the anchor."""
    share = far.trust * OLDER
    rest = near.trust * (1 - share)
    rest += _LITTLE
    trust = np.maximum(near.trust, far.trust)
    filmed = cv2.blendLinear(near.filmed, far.filmed, rest, share) - new.filmed
    lit = np.exp(-((_size(_broad(filmed)) / _LIT) ** 2))
    filmed *= _thrice(HOLD * trust)
    size = (new.painted.shape[0], new.painted.shape[1])
    rest, share, trust, lit = (_grown(plane, size) for plane in (rest, share, trust, lit))
    other = cv2.blendLinear(near.painted, far.painted, rest, share) - new.painted
    broad = _broad(other)
    other -= broad
    other *= _thrice(HOLD * trust)
    broad *= _thrice(BROAD_HOLD * trust * lit)
    painted = new.painted + other + broad
    return _Kept(np.clip(painted, 0, 1, out=painted), new.filmed + filmed)


def _warped(new: _Kept, moved: Flow, kept: _Kept) -> _Warped:
    small = moved.scaled((new.filmed.shape[0], new.filmed.shape[1]))
    filmed = small.warped(kept.filmed, cv2.INTER_LINEAR)
    alike = np.exp(-((_size(filmed - new.filmed) / _ALIKE) ** 2))
    return _Warped(moved.warped(kept.painted), filmed, small.trust * alike)


def _grown(plane: Floats, size: Size) -> Floats:
    """A plane at the size of what is painted."""
    if plane.shape == size:
        return plane
    return cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR)


def _thrice(plane: Floats) -> Floats:
    """A plane (H, W) for every colour: NumPy's own way takes several times as long."""
    return cv2.merge([plane] * 3)


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
