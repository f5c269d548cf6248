"""The style of every moment: one, or several that follow one another and melt into each other."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from impasto.networks import codes
from impasto.networks.codes import StyleCode


@dataclass(frozen=True)
class Styles:
    """Styles with the times from which they are, in seconds of the film, the first from the beginning.

    Between two times the style goes evenly from the one to the other, as codes are mixed; from the last time
    on it stays.
    """

    keys: Sequence[tuple[float, StyleCode]]

    def at(self, time: float) -> tuple[StyleCode, tuple[int, float]]:
        """The style at a time, and what it is known by: the number of the key before, and how far it is on
        the way to the next.
        """
        starts = [start for start, _ in self.keys]
        number = max(0, bisect.bisect_right(starts, time) - 1)
        start, code = self.keys[number]
        if number + 1 == len(self.keys) or time <= start:
            return code, (number, 0.0)
        after, following = self.keys[number + 1]
        share = (time - start) / (after - start)
        return codes.mixed([(code, 1 - share), (following, share)]), (number, share)
