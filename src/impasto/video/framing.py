"""From a frame as it was filmed to the frame that is painted: its size, and what is behind transparency."""

import cv2
import numpy as np

from impasto.pictures.picture import scaled_to
from impasto.video.colour import Floats
from impasto.video.geometry import Size


def final_size(own: Size, wanted: int | Size, *, even: bool) -> Size:
    """The size of the film: a long side, or height and width, ``even`` where its colours are halved: then one
    row and one column at the most are cropped, rather than invented.
    """
    height, width = scaled_to(own, wanted)
    return (height - height % 2, width - width % 2) if even else (height, width)


def fitted(plane: Floats, size: Size) -> Floats:
    """A frame (H, W, 3), or a plane of it, at a size: what overhangs is cropped, then it is scaled. A row or
    a column more than there are to be is left out without scaling.
    """
    own, (height, width) = plane.shape[:2], size
    if 0 <= own[0] - height <= 1 and 0 <= own[1] - width <= 1:
        return plane[:height, :width]
    tall = min(own[0], max(1, round(own[1] * height / width)))
    wide = min(own[1], max(1, round(own[0] * width / height)))
    # A long side that is rounded to pixels is no reason to crop.
    tall, wide = (full if full - part <= 1 else part for full, part in zip(own, (tall, wide), strict=True))
    top, left = (own[0] - tall) // 2, (own[1] - wide) // 2
    return scaled(plane[top : top + tall, left : left + wide], size)


def scaled(plane: Floats, size: Size) -> Floats:
    """At another size, averaged where it shrinks."""
    height, width = size
    if plane.shape[:2] == size:
        return plane
    way = cv2.INTER_AREA if height < plane.shape[0] else cv2.INTER_CUBIC
    return np.clip(cv2.resize(plane, (width, height), interpolation=way), 0, 1)


def filled(pixels: Floats, alpha: Floats | None) -> Floats:
    """What cannot be seen takes the mean colour of what can, so that nothing hidden bleeds in."""
    if alpha is None or bool((alpha > 0).all()):
        return pixels
    total = float(alpha.sum())
    mean = (pixels * alpha[..., None]).sum((0, 1)) / total if total else np.full(3, 0.5)
    return np.where(alpha[..., None] > 0, pixels, mean.astype(np.float32))
