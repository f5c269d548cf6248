"""Old formats, of which a decoder is not to see everything: GIF, icons and plain PPM."""

import io
import struct
from typing import BinaryIO

from impasto.errors import ImageError
from impasto.pictures import bounds

PLAIN = (b"P1", b"P2", b"P3")
GIF, ICON = b"GIF8", b"\0\0\1\0"
_MOST_BLOCKS = 100_000
_MOST_TEXT = 10**7
_FRAME, _EXTENSION, _CONTROL = 0x2C, 0x21, 0xF9


def gif(file: BinaryIO) -> BinaryIO:
    """A GIF without the comments before its first frame, for which Pillow takes time by the square of their
    length (GIF89a, 1990). Raises ImageError.
    """
    file.seek(0)
    data = file.read()
    place = 13 + (3 << (data[10] & 7) + 1 if len(data) > 12 and data[10] & 128 else 0)
    kept = [data[:place]]
    for _ in range(_MOST_BLOCKS):
        if data[place : place + 1] != bytes([_EXTENSION]) or place + 2 > len(data):
            break
        label, start = data[place + 1], place
        place += 2
        for _ in range(_MOST_BLOCKS):
            length = data[place] if place < len(data) else 0
            place += 1 + length
            if length == 0:
                break
        else:
            raise ImageError("its comments have no end: save it again as PNG.")
        if label == _CONTROL:
            kept = [kept[0], data[start:place]]
    else:
        raise ImageError("its comments have no end: save it again as PNG.")
    kept.append(data[place:])
    return io.BytesIO(b"".join(kept))


def plain(file: BinaryIO) -> BinaryIO:
    """A PPM in plain text, if it is short enough for Pillow to read it soon. Raises ImageError."""
    if file.seek(0, 2) > _MOST_TEXT:
        raise ImageError(f"its numbers are written out in more than {_MOST_TEXT // 10**6} MB of text: save it as PNG.")
    return file


def icon(file: BinaryIO) -> BinaryIO:
    """An icon's largest picture: a PNG file, or an icon with it alone. Raises ImageError for one that is
    larger than
    icons are.
    """
    file.seek(0)
    data = file.read()
    count = int.from_bytes(data[4:6], "little")
    entries = [data[place : place + 16] for place in range(6, 6 + 16 * count, 16)]
    entries = [each for each in entries if len(each) == 16]
    if not entries:
        raise ImageError("it is an icon without a picture.")
    best = max(entries, key=lambda each: ((each[0] or 256) * (each[1] or 256), int.from_bytes(each[6:8], "little")))
    length, place = struct.unpack("<II", best[8:])
    body = data[place : place + length]
    if body.startswith(b"\x89PNG"):
        return io.BytesIO(body)
    if len(body) < 40:
        raise ImageError("it is an icon whose picture is cut off.")
    width, height = struct.unpack("<ii", body[4:12])
    if not (0 < width <= 1024 and 0 < abs(height) <= 2048):
        raise ImageError(
            f"it is an icon of {width}×{abs(height) // 2} pixels, which no icon has: save it again as PNG."
        )
    bounds.check((abs(height) // 2, width))
    return io.BytesIO(data[:4] + b"\1\0" + best[:12] + struct.pack("<I", 22) + body)
