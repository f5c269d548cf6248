"""The clock of a clip: what the times mean that its packets and frames tell."""

from fractions import Fraction
from typing import Any

from impasto.video import times

_ANY_TIME = 0x200
"""FFmpeg's flag of forms whose clock may show anything when they begin: recordings of broadcasts."""
_LATE = 60
"""Seconds before the first picture that nobody means: a clock of another form shows anything, too."""


class Clock:
    """Times of an open container with its video stream, in seconds from its beginning on."""

    def __init__(self, container: Any, stream: Any, first: Any) -> None:
        """``first`` is the first frame that can be decoded."""
        self.decodes = container.format.name == "avi"
        """Whether its times say when packets are decoded, and no more."""
        self.counts = self.decodes and bool(stream.codec_context.has_b_frames)
        """Whether frames tell no time of their own: they are decoded in another order than that in which they
        are shown, which decoders alone know."""
        self.zero = Fraction(0)
        """What the clock shows at the beginning: of sound or pictures, whichever comes first."""
        if first.pts is not None:
            seen = times.seconds(first.pts, first.time_base)
            begun = [each for each in container.streams.audio if each.start_time is not None]
            heard = [times.seconds(each.start_time, each.time_base) for each in begun]
            opening = min([seen, *(each for each in heard if abs(each - seen) < _LATE)])  # not another programme's
            if container.format.flags & _ANY_TIME or opening >= _LATE:
                self.zero = opening
        self.opens = None if self.counts or first.pts is None else self.of(first, Fraction(0), 0)
        """The time of the first frame that can be decoded: a recording may begin between two key frames. None
        where frames tell no time."""

    def of(self, told: Any, usual: Fraction, number: int) -> Fraction:
        """The time of a packet or a frame; of one that tells none by its number, at ``usual`` seconds
        each.
        """
        ticks = told.dts if self.decodes else told.pts
        return number * usual if ticks is None else times.seconds(ticks, told.time_base) - self.zero
