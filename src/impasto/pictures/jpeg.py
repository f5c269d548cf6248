"""JPEG, as far as its markers tell: whether it can be read, how long that takes, what colours it has."""

import re
from dataclasses import dataclass

from impasto.errors import ImageError
from impasto.pictures.picture import MAX_PIXELS, Size

_MOST_SEGMENTS = 5000
"""Before the pixels. A profile or a gain map in the largest allowed has a few hundred."""
_MOST_FILL = 2**16
"""Bytes of 0xFF that may stand before a marker; Pillow takes a microsecond for each."""
_MOST_SCANS = 1000
_MOST_PASSES = 40 * MAX_PIXELS
"""Pixels times scans: a few kilobytes can ask for a thousand passes over a picture of any size."""
_DENSEST = 4096
"""Pixels to a byte: a block of 64 takes a bit at the least, so there are never more than 512."""
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
"""Baseline, extended and progressive, by Huffman's code or arithmetic; 0xF7 is JPEG-LS."""
_FILL = re.compile(rb"\xff+")
_NO_LENGTH = {0x01, *range(0xD0, 0xD8)}


@dataclass(frozen=True)
class Jpeg:
    """What stands before the pixels. ``profiled`` says that there are parts of a colour profile, ``whole``
    that the file has an end.
    """

    size: Size
    progressive: bool
    profiled: bool
    gain_map: bool
    whole: bool


def looked_at(data: bytes) -> Jpeg:
    """The markers of a JPEG file. Raises ImageError for one that has no pixels or that no decoder should be
    given.
    """
    place, size, progressive, precision, frame = 2, (0, 0), False, 8, 0xC0
    profiled = gain_map = False
    for _ in range(_MOST_SEGMENTS):
        fill = _FILL.match(data, max(place, data.find(b"\xff", place)))
        if fill is None or fill.end() >= len(data):
            raise ImageError("it is cut off within its header: there is nothing to see in it.")
        if fill.end() - fill.start() > _MOST_FILL:
            raise ImageError("it is filled up with nothing between its parts: save it again as JPEG.")
        place, marker = fill.end() + 1, data[fill.end()]
        if marker in _NO_LENGTH or marker == 0:
            continue
        if marker == 0xD9:
            raise ImageError("it ends before its first pixel: there is nothing to see in it.")
        length = int.from_bytes(data[place : place + 2], "big")
        body = data[place + 2 : place + max(2, length)]
        if (0xC0 <= marker <= 0xCF or marker == 0xF7) and marker not in (0xC4, 0xC8, 0xCC) and len(body) >= 5:
            frame, precision = marker, body[0]
            size = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            progressive = marker in (0xC2, 0xCA)
        elif marker in (0xE1, 0xE2):
            profiled |= marker == 0xE2 and body.startswith(b"ICC_PROFILE\0")
            gain_map |= b"hdrgm:Version" in body or b"urn:iso:std:iso:ts:21496" in body or b"HDRGainMap" in body
        elif marker == 0xDA:
            break
        place += max(2, length)
    else:
        raise ImageError(f"it has more than {_MOST_SEGMENTS} parts before its pixels: save it again as JPEG.")
    if precision != 8 or frame not in _FRAMES:
        kind = f"of {precision} bits" if precision != 8 else "of a lossless or hierarchical kind"
        raise ImageError(f"it is a JPEG {kind}, which few programs know: save it again as PNG or TIFF.")
    if size[0] * size[1] > _DENSEST * len(data):
        raise ImageError(f"it declares {size[1]}×{size[0]} pixels, which its {len(data)} bytes cannot hold.")
    scans = data.count(b"\xff\xda", place)
    if scans > _MOST_SCANS or scans * size[0] * size[1] > _MOST_PASSES:
        raise ImageError(f"it is built up in {scans} passes over {size[1]}×{size[0]} pixels: save it again as JPEG.")
    return Jpeg(size, progressive, profiled, gain_map, data.find(b"\xff\xd9", place) >= 0)


def ended(data: bytes) -> bytes:
    """A file that is cut off, with an end: what would come after it is filled up by libjpeg. A part that is
    cut off itself, like a table before another pass, is left out.
    """
    for marker in (0xC4, 0xDA, 0xDB, 0xDD, 0xFE):
        place = data.rfind(bytes([0xFF, marker]))
        if place >= 0 and place + 2 + int.from_bytes(data[place + 2 : place + 4], "big") > len(data):
            data = data[:place]
    return data + b"\xff\xd9"
