"""Times of frames: exact fractions of a second, and ticks of a stream's time base.

PyAV gives time bases as fractions up to version 18, and as `AVRational` from 19 on: this is the one place
that knows.
"""

import math
from fractions import Fraction
from typing import Any


def exact(base: Any) -> Fraction:
    """A time base or a rate as a fraction.

    >>> exact(Fraction(1001, 24000))
    Fraction(1001, 24000)
    """
    return Fraction(base.numerator, base.denominator)


def seconds(ticks: int, base: Any) -> Fraction:
    """The time of so many ticks."""
    return ticks * exact(base)


def written(number: float) -> Fraction:
    """The seconds that somebody wrote, who means by 0.2 a fifth, and not the binary number nearest to it.

    >>> written(0.2)
    Fraction(1, 5)
    """
    return Fraction(str(number))


def ticks(time: Fraction, base: Any) -> int:
    """The tick that is nearest to a time.

    >>> ticks(Fraction(1001, 24000), Fraction(1, 1000))
    42
    """
    return math.floor(time / exact(base) + Fraction(1, 2))


def told(time: Fraction) -> str:
    """A time in hundredths of a second that is surely not behind it: as an `end`, it is before the frame.

    >>> told(Fraction(5, 24)), told(Fraction(1, 5))
    ('0.20', '0.20')
    """
    return f"{math.floor(100 * time) / 100:.2f}"
