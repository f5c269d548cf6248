"""The style of every moment: one, or several that follow one another and melt into each other."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from impasto.networks import codes
from impasto.networks.codes import StyleCode

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Moments(Generic[Kind]):
    """What changes over time: values with the times from which they are, in seconds of the film, the first
    from the beginning.

    Between two times it goes evenly from the one to the other; from the last time on it stays.
    """

    keys: Sequence[tuple[float, Kind]]

    def between(self, time: float) -> tuple[list[tuple[Kind, float]], tuple[int, float]]:
        """The values at a time with their shares, and what it is known by: the number of the key before, and
        how far it is on the way to the next.
        """
        starts = [start for start, _ in self.keys]
        number = max(0, bisect.bisect_right(starts, time) - 1)
        start, value = self.keys[number]
        if number + 1 == len(self.keys) or time <= start:
            return [(value, 1.0)], (number, 0.0)
        after, following = self.keys[number + 1]
        share = (time - start) / (after - start)
        return [(value, 1 - share), (following, share)], (number, share)


class Styles(Moments[StyleCode]):
    """Styles of a network, which are mixed as codes."""

    def at(self, time: float) -> tuple[StyleCode, tuple[int, float]]:
        """The style at a time, and what it is known by, as in `between`."""
        found, key = self.between(time)
        return (found[0][0] if len(found) == 1 else codes.mixed(found)), key
