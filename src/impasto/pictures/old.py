"""Old formats, of which a decoder is not to see everything, or tells not all: GIF, icons, plain PPM, BMP."""

import io
import logging
import struct
from collections.abc import Sequence
from typing import BinaryIO

from impasto.errors import ImageError
from impasto.pictures import bounds, encodings
from impasto.pictures.encodings import Chromaticities, Encoding

log = logging.getLogger("impasto")

PLAIN = (b"P1", b"P2", b"P3")
GIF, ICON, BITMAP = b"GIF8", b"\0\0\1\0", b"BM"
_MOST_EXTENSIONS, _MOST_BLOCKS = 10_000, 4_000_000
_MOST_TEXT = 10**7
_MOST_PROFILE = 4 * 2**20
_FRAME, _EXTENSION, _CONTROL = b",", b"!", b"!\xf9\x04"
"""How a frame, an extension, and the extension before a frame begin."""
_PROFILE = b"ICCRGBG1012"
"""What an extension is called that holds an ICC profile."""
_CALIBRATED, _EMBEDDED, _LINKED = b"\0\0\0\0", b"DEBM", b"KNIL"
"""How a bitmap says what its colours are."""


def gif(file: BinaryIO) -> BinaryIO:
    """A GIF's first frame alone (GIF89a, 1990). Pillow takes time for every block around it, and for comments
    by the square of their length. Raises ImageError.
    """
    file.seek(0)
    data = file.read()
    place = 13 + (_palette(data[10]) if len(data) > 12 else 0)
    head, control = data[:place], b""
    for _ in range(_MOST_EXTENSIONS):
        if data[place : place + 1] != _EXTENSION:
            break
        end = _end_of_blocks(data, place + 2)
        if data[place + 1 : place + 2] == _CONTROL[1:2]:
            control = data[place:end]
        elif data[place + 3 : place + 14] == _PROFILE:
            log.warning(
                "The picture has a colour profile, which is left out, as viewers do with a GIF's: sRGB is assumed."
            )
        place = end
    else:
        raise ImageError("its comments have no end: save it again as PNG.")
    flags = data[place + 9] if len(data) > place + 9 else 0
    end = _end_of_blocks(data, place + 11 + _palette(flags))
    if data[end : end + 1] == _FRAME or data.find(_CONTROL, end) >= 0:
        log.warning("The picture is animated: its first frame is taken.")
    return io.BytesIO(head + control + data[place:end] + b";")


def _palette(flags: int) -> int:
    """The bytes of a palette by the flags that stand before it."""
    return 3 << (flags & 7) + 1 if flags & 128 else 0


def _end_of_blocks(data: bytes, place: int) -> int:
    """Where a chain of blocks ends, each with its length before it, and zero for the last."""
    for _ in range(_MOST_BLOCKS):
        if place >= len(data):
            return len(data)
        length = data[place]
        place += 1 + length
        if length == 0:
            return place
    raise ImageError("its blocks have no end: save it again as PNG.")


def plain(file: BinaryIO) -> BinaryIO:
    """A PPM in plain text, if it is short enough for Pillow to read it soon. Raises ImageError."""
    if file.seek(0, 2) > _MOST_TEXT:
        raise ImageError(f"its numbers are written out in more than {_MOST_TEXT // 10**6} MB of text: save it as PNG.")
    return file


def bitmap_colours(file: BinaryIO) -> tuple[bytes | None, Encoding | None]:
    """The ICC profile of a BMP, and what else it says of its colours (BITMAPV4HEADER, BITMAPV5HEADER), None
    for what it does not.
    """
    file.seek(0)
    head = file.read(138)
    length = int.from_bytes(head[14:18], "little")
    kind = head[70:74] if length >= 108 and len(head) >= 122 else b""
    if kind == _EMBEDDED and length >= 124:
        place, size = struct.unpack("<II", head[126:134])
        file.seek(14 + place)
        return file.read(min(size, _MOST_PROFILE)), None
    if kind == _LINKED:
        log.warning("The picture's colour profile is in another file: sRGB is assumed.")
    if kind != _CALIBRATED or not any(head[74:122]):
        return None, None
    lights, gammas = struct.unpack("<9I", head[74:110]), struct.unpack("<3I", head[110:122])
    encoding = encodings.of_gamma(3 * 65536 / max(1, sum(gammas)), _chromaticities(lights))
    if encoding is None or max(gammas) - min(gammas) > 0.02 * max(gammas):
        log.warning("What the picture says of its colours makes no sense, and is left out: sRGB is assumed.")
        return None, None
    return None, encoding


def _chromaticities(lights: Sequence[int]) -> Chromaticities | None:
    """Of a bitmap's red, green and blue, as X, Y and Z in any unit, and of their sum, which is white; some
    write x, y and z, which leave the white open. None for nothing.
    """
    colours = [lights[place : place + 3] for place in (0, 3, 6)]
    colours.append(tuple(map(sum, zip(*colours, strict=True))))
    if not all(map(sum, colours)):
        return None
    found = [each / sum(colour) for colour in colours for each in colour[:2]]
    if all(abs(sum(colour) / 2**30 - 1) < 0.01 for colour in colours[:3]):
        found[6:] = encodings.D65
    return tuple(found)  # type: ignore[return-value]


def icon(file: BinaryIO) -> BinaryIO:
    """An icon's largest picture: a PNG file, or an icon with it alone. Raises ImageError for one that is
    larger than icons are.
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
