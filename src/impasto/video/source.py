"""What moving pictures come from: the frames, and what is known of them before the first is decoded."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from impasto.errors import VideoError
from impasto.video.colour import Floats
from impasto.video.geometry import Size
from impasto.video.times import written

FASTEST = 1000
"""Frames a second: what claims more has a broken header, or is of a camera whose film nobody paints."""


@dataclass(frozen=True)
class Frame:
    """One frame as it is seen: its number, ``pixels`` (H, W, 3) float32 sRGB in [0, 1], ``alpha`` (H, W) or
    None, its time and duration in seconds, exact, and what of it is whose of the regions, (H, W) each.
    """

    number: int
    pixels: Floats
    alpha: Floats | None
    time: Fraction
    duration: Fraction
    shares: tuple[Floats, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is known of moving pictures: the height and width as they are seen, bits a channel, whether they
    are transparent, the times of all frames and how long they last, the time base that they are counted in,
    and how bright they are ("", "PQ" or "HLG").
    """

    size: Size
    depth: int
    alpha: bool
    times: tuple[Fraction, ...]
    durations: tuple[Fraction, ...]
    base: Fraction
    bright: str = ""

    @property
    def end(self) -> Fraction:
        """The time at which the last frame ends."""
        return self.times[-1] + self.durations[-1]

    def between(self, start: float, end: float | None) -> list[int]:
        """The numbers of the frames from ``start`` on, of which 0 is the very first, that begin before
        ``end``, None being the end of all.
        """
        first, last = written(start), None if end is None else written(end)
        times = enumerate(self.times)
        return [n for n, time in times if (not first or time >= first) and (last is None or time < last)]

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average; of the last one it is seldom told how long it lasts."""
        if len(self.times) == 1:
            return 1 / self.durations[0]
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


class Source(Protocol):
    """Moving pictures that can be read, again and again."""

    @property
    def facts(self) -> Facts: ...

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """All frames from a number on, in the order of their times. Close the iterator to stop.

        Raises VideoError for what cannot be decoded, naming the time.
        """
        ...

    def known_by(self) -> object:
        """By what they are known again, as plain values. Raises OSError."""
        ...


def check_rate(facts: Facts, name: str) -> None:
    """Raises VideoError for more frames a second than there can be."""
    if facts.rate > FASTEST:
        raise VideoError(
            f"{name} has {float(facts.rate):.0f} frames a second by its times, and {FASTEST} are the most: "
            "its times are damaged, write it anew."
        )
