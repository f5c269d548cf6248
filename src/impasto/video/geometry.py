"""From how a frame is stored to how it is seen: turned, mirrored, and with square pixels."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Seen:
    """How frames of a stream are seen: whether rows and columns change places, what is mirrored then, and the
    width of a pixel over its height, as it is stored.
    """

    transposed: bool = False
    across: bool = False
    down: bool = False
    aspect: Fraction = Fraction(1)

    def size(self, stored: Size) -> Size:
        """The size at which frames are seen; a pixel that is not square becomes longer, never shorter."""
        height, width = stored
        if self.aspect > 1:
            width = round(width * self.aspect)
        elif self.aspect < 1:
            height = round(height / self.aspect)
        return (width, height) if self.transposed else (height, width)

    def turned(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A frame, or a plane of it, as it is seen."""
        height, width = self.size((plane.shape[0], plane.shape[1]))
        if self.transposed:
            plane = cv2.transpose(plane)
        if self.across or self.down:
            plane = cv2.flip(plane, -1 if self.across and self.down else int(self.across))
        if plane.shape[:2] != (height, width):
            plane = np.clip(cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
        return plane


def seen(matrix: bytes | None, aspect: Fraction | None) -> Seen:
    """By FFmpeg's display matrix (nine numbers of 32 bits, `libavutil/display.h`) and the aspect of a pixel.

    A turn between the right angles is taken for the nearest: no camera writes one.
    """
    square = aspect if aspect and aspect > 0 else Fraction(1)
    if not matrix:
        return Seen(aspect=square)
    a, b, _, c, d, *_ = np.frombuffer(matrix, np.int32, 9).tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Seen(False, a < 0, d < 0, square)
    return Seen(True, c < 0, b < 0, square)
