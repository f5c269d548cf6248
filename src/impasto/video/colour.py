"""Y'CbCr and R'G'B': what the numbers of a frame mean (Rec. ITU-T H.273, 8.3), in floating point.

FFmpeg's own conversion is of 8 bits and guesses the matrix and the range where it is not told them; here both
are chosen, and a grey ramp comes back as it went. Colours are (H, W, 3) float32, R'G'B' in [0, 1].
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""float32, which OpenCV's functions do not promise to give back."""

_MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
"""The shares of red and blue in Y', by their code points: H.273, table 4. Of BT.2020's second form, with
constant luminance, which nobody films in, the first is near."""
BT709, BT601, UNSPECIFIED = 1, 6, 2
_HIGH = 720
"""The lines from which a picture that does not say so is taken for BT.709: with fewer, players take it for
BT.601."""


@dataclass(frozen=True)
class Coding:
    """How R'G'B' was made Y'CbCr: the shares of red and blue in Y', whether all numbers are used or those of
    video alone, and the bits of each.
    """

    red: float
    blue: float
    full: bool
    bits: int

    def to_rgb(self, codes: Floats) -> Floats:
        """Numbers as they are in a frame, (H, W, 3) in the order Y', Cb, Cr -> R'G'B' in [0, 1]."""
        forth, offset = _matrix(self)
        back = np.linalg.inv(forth)
        found = cv2.transform(codes, np.column_stack([back, -back @ offset]))
        return np.clip(found, 0, 1, out=found)

    def from_rgb(self, rgb: Floats) -> Floats:
        """R'G'B' in [0, 1] -> the numbers of a frame, not yet rounded."""
        return cv2.transform(rgb, np.column_stack(_matrix(self)))


def coding_of(matrix: int, full: bool, bits: int, lines: int) -> Coding:
    """The coding of H.273's code point for the matrix, of a picture with so many lines."""
    known = matrix if matrix in _MATRICES else BT709 if lines >= _HIGH else BT601
    return Coding(*_MATRICES[known], full, bits)


@cache
def _matrix(coding: Coding) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R'G'B' -> Y'CbCr as a frame has them: a matrix (3, 3) and what is added."""
    red, blue, peak = coding.red, coding.blue, 2**coding.bits - 1
    luma = np.array([red, 1 - red - blue, blue])
    rows = np.stack([luma, (np.eye(3)[2] - luma) / (2 - 2 * blue), (np.eye(3)[0] - luma) / (2 - 2 * red)])
    middle = 2.0 ** (coding.bits - 1)
    if coding.full:
        return rows * peak, np.array([0, middle, middle])
    step = 2.0 ** (coding.bits - 8)
    return rows * step * np.array([[219], [224], [224]]), np.array([16 * step, middle, middle])
