"""From one keyframe to the next: where everything in the frames between them was, and where it will be."""

import functools
import itertools
from collections.abc import Sequence

import cv2

from impasto.video import flow
from impasto.video.colour import Floats
from impasto.video.flow import Ways
from impasto.video.past import Seen, trusted

_LITTLE = 1e-3
"""What nothing is trusted of counts so much."""


class Span:
    """A keyframe, the frames after it, and the next one, numbered from 0. Far flow is sought from near flow
    on, for at one go it is lost on what moves.
    """

    def __init__(self, seen: Sequence[Seen]) -> None:
        self._seen = seen
        self._steps = [flow.ways(now.grey, before.grey) for before, now in itertools.pairwise(seen)]
        """From every frame but the first to the one before."""

    def back(self) -> Ways:
        """Nearly, the ways from the last frame to the first."""
        found = self._steps[0]
        for number in range(2, len(self._seen)):
            found = self._steps[number - 1].after(found)
            if number + 1 < len(self._seen):
                found = flow.ways(self._seen[number].grey, self._seen[0].grey, found)
        return found

    def carried(self, number: int, before: Floats, last: Floats) -> tuple[Floats, Floats]:
        """What is known of a frame, (H, W, 3), by the painted one before it and the last, and how far that is
        to be trusted, (H, W). The nearer the last is, the more it counts, so that it is not seen to begin.
        """
        now = self._seen[number]
        behind = trusted(now, self._seen[number - 1], self._steps[number - 1])
        ahead = trusted(now, self._seen[-1], self._ahead[number])
        share = number / (len(self._seen) - 1)
        known = cv2.blendLinear(
            behind.warped(before), ahead.warped(last), behind.trust * (1 - share) + _LITTLE, ahead.trust * share
        )
        return known.clip(0, 1), cv2.max(behind.trust, ahead.trust)

    @functools.cached_property
    def _ahead(self) -> dict[int, Ways]:
        """From every frame between the two to the last."""
        last = len(self._seen) - 1
        found = {last - 1: _turned(self._steps[-1])}
        for number in range(last - 2, 0, -1):
            guess = _turned(self._steps[number]).after(found[number + 1])
            found[number] = flow.ways(self._seen[number].grey, self._seen[-1].grey, guess)
        return found


def _turned(ways: Ways) -> Ways:
    return Ways(ways.back, ways.there)
