"""The clock of a clip: what the times mean that its packets and frames tell."""

from fractions import Fraction
from typing import Any

from impasto.video import times

_ANY_TIME = 0x200
"""FFmpeg's flag of forms whose clock may show anything when they begin: recordings of broadcasts."""


class Clock:
    """Times of an open container with its video stream, in seconds from its beginning on."""

    def __init__(self, container: Any, stream: Any, first: Any) -> None:
        """``first`` is the first frame that can be decoded."""
        self.counts = container.format.name == "avi"
        """Whether frames tell no time of their own: AVI says when packets are decoded, and decoders give
        frames in the order in which they are shown."""
        self.zero = Fraction(0)
        """What the clock shows at the beginning: of sound or pictures, whichever comes first."""
        if container.format.flags & _ANY_TIME:
            heard = [each for each in container.streams.audio if each.start_time is not None]
            starts = [times.seconds(each.start_time, each.time_base) for each in heard]
            if first.pts is not None:
                starts.append(times.seconds(first.pts, first.time_base))
            self.zero = min(starts, default=self.zero)
        self.opens = None if self.counts or first.pts is None else self.of(first, Fraction(0), 0)
        """The time of the first frame that can be decoded: a recording may begin between two key frames. None
        where frames tell no time."""

    def of(self, told: Any, usual: Fraction, number: int) -> Fraction:
        """The time of a packet or a frame; of one that tells none by its number, at ``usual`` seconds
        each.
        """
        ticks = told.dts if self.counts else told.pts
        return number * usual if ticks is None else times.seconds(ticks, told.time_base) - self.zero
