"""The style of every moment: one, or several that follow one another and melt into each other."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from impasto.colour import grey
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


class Numbers(Moments[float]):
    """A number that changes over time."""

    def at(self, time: float) -> float:
        """What it is at a time."""
        return sum(number * share for number, share in self.between(time)[0])


@dataclass(frozen=True)
class Styles(Moments[StyleCode]):
    """Styles of a network, which are mixed as codes: one with another, and with ``plain``, the clip's own, of
    which ``shares``, from 0 to 1, leave as much as they are below 1.
    """

    shares: Numbers = Numbers(((0.0, 1.0),))
    plain: StyleCode | None = None

    @property
    def stays(self) -> bool:
        """Whether it is one style all the time."""
        return len(self.keys) == len(self.shares.keys) == 1

    def greyness(self, time: float) -> float:
        """How much of the style at a time is of paintings without colour, from 0 to 1."""
        greys = sum(share for code, share in self.between(time)[0] if grey.are_grey(code.colours))
        return greys * min(1.0, self.shares.at(time))

    def at(self, time: float) -> tuple[StyleCode, tuple[float, ...]]:
        """The style at a time, and what it is known by: as in `between`, and its share."""
        found, key = self.between(time)
        code = found[0][0] if len(found) == 1 else codes.mixed(found)
        share = self.shares.at(time)
        if self.plain is not None and share < 1:
            code = codes.mixed([(self.plain, 1 - share), (code, share)])
        return code, (*key, share)
