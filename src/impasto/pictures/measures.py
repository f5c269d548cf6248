"""What a TIFF's tags say of its numbers: how many bits they have, and which are black and white (TIFF 6.0,
1992).
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from impasto.pictures.profiles import Array
from impasto.pictures.samples import GREY, INKS, LUMA, RGB, WHITE_IS_ZERO, YCBCR, Pairs

log = logging.getLogger("impasto")

JPEGS = {6, 7}


def meant(page: Any, canvas: Array) -> tuple[Array, int]:
    """The canvas, and how many bits its numbers have: fewer than there is room for where the page says that
    the largest of so many is the most, as of a scanner with 12. TIFF 6.0 has that tag for statistics, and so
    others mean nothing.
    """
    bits, value = int(page.bitspersample), page.tags.valueof(281)
    told = {*value} if isinstance(value, tuple) else {value}
    most = told.pop() if len(told) == 1 else None
    if page.photometric not in (WHITE_IS_ZERO, GREY, RGB) or page.sampleformat != 1 or 532 in page.tags:
        return canvas, bits
    own = most.bit_length() if isinstance(most, int) else 0
    if not 8 <= own < min(bits, 16) or most != 2**own - 1 or canvas.max() > most:
        return canvas, bits
    return canvas.astype(np.uint16 if own > 8 else np.uint8), own


def ends(page: Any, photometric: int) -> tuple[Pairs, tuple[float, ...]]:
    """What numbers are black and white in each channel, and how light red, green and blue are in Y, of a page
    that says it otherwise than all do; else nothing. What makes no sense is left out, with a warning.
    """
    peak = 2.0 ** int(page.bitspersample) - 1
    if photometric == YCBCR and page.compression not in JPEGS:  # in those libjpeg decides
        usual, count = [0, peak, (peak + 1) / 2, peak, (peak + 1) / 2, peak], 6
        given, luma = ratios(page.tags.valueof(532)), ratios(page.tags.valueof(529))
    elif photometric == RGB and page.compression not in JPEGS:
        usual, count, given, luma = [0, peak] * 3, 6, ratios(page.tags.valueof(532)), []
    elif photometric == INKS:
        usual, count, luma = [0, peak] * 4, 8, []
        given = [float(each) for each in listed(page.tags.valueof(336, default=()))]
        given = given * 4 if len(given) == 2 else given  # one pair for all
    else:
        return (), ()
    pairs = tuple(zip(given[0:count:2], given[1:count:2], strict=False))
    if given and (len(pairs) < count // 2 or any(abs(white - black) < peak / 4 for black, white in pairs)):
        log.warning("What the TIFF says of black and white makes no sense, and is left out.")
        pairs, given = (), []
    if luma and (len(luma) != 3 or not 0.99 < sum(luma) < 1.01 or min(luma) <= 0):
        log.warning("What the TIFF says of its colour differences makes no sense, and is left out.")
        luma = []
    told = given and any(abs(one - other) > 1 for one, other in zip(given, usual, strict=False))
    odd = luma and max(abs(one - other) for one, other in zip(luma, LUMA, strict=True)) > 1e-3
    return pairs if told else (), tuple(luma) if odd else ()


def ratios(value: Any) -> list[float]:
    """A tag's rational numbers, which stand there as pairs."""
    if not isinstance(value, tuple) or len(value) % 2 or not all(value[1::2]):
        return []
    return [value[place] / value[place + 1] for place in range(0, len(value), 2)]


def listed(value: Any) -> Sequence[int]:
    return value if isinstance(value, (tuple, list)) else [int(value)]
