"""JPEG 2000, as far as decoders do not tell: its bits, and its colours (ITU-T T.800, annexes A and I).

Pillow reads of colours with more than 8 bits the upper ones, and makes black of white by its rounding; where
colours are smaller than the picture, and its sides odd, it loses its place.
"""

import struct
from dataclasses import dataclass

from impasto.errors import ImageError
from impasto.pictures import boxes
from impasto.pictures.kinds import BOXES, CODESTREAM
from impasto.pictures.picture import Size
from impasto.pictures.profiles import Array
from impasto.pictures.samples import widened

_INKS, _SYCC = 12, 18
_KNOWN = {0, 15, 16, 17, _SYCC}
"""EnumCS that decoders make grey or sRGB of: of one bit, sRGB, grey, sYCC."""
_SMALLER = [[(1, 1), (2, across), (2, across)] for across in (1, 2)]
"""How many pixels wide and high a sample is, of brightness and two colours of which OpenJPEG makes RGB."""
_NAMES = {
    **{11: "CMY", 12: "inks", 13: "YCCK", 14: "CIE L*a*b*", 19: "CIE Jab", 20: "e-sRGB", 21: "ROMM RGB"},
    **dict.fromkeys((1, 3, 4, 9, 22, 24), "of video"),
}


@dataclass(frozen=True)
class Jpeg2000:
    """``bits`` are the most that a channel has; ``whole`` says that all channels are as large as the picture;
    ``profile`` is that of ICC, if it has one.
    """

    size: Size
    bits: int
    whole: bool
    profile: bytes | None


def looked_at(data: bytes) -> Jpeg2000:
    """What a file says of its picture. Raises ImageError for what cannot be read rightly."""
    start = data.find(CODESTREAM)
    if start < 0 or len(data) < start + 42:
        raise ImageError("it is cut off within its header: there is nothing to see in it.")
    right, bottom, left, top = struct.unpack(">4I", data[start + 8 : start + 24])
    count = int.from_bytes(data[start + 40 : start + 42], "big")
    samples = data[start + 42 : start + 42 + 3 * count : 3]
    bits = max(((each & 127) + 1 for each in samples), default=0)
    sizes = [*zip(data[start + 43 :: 3], data[start + 44 :: 3], strict=False)][:count]
    kind, profile = _colours(data)
    whole = len({*sizes}) <= 1
    if (bits > 8 or not whole) and (len({*samples}) > 1 or samples[0] & 128 or bits > 16):
        raise ImageError(
            "its channels have signs, or unlike or too many bits: convert it to 8 or 16 bits without a sign."
        )
    if kind is not None and kind not in _KNOWN and not (kind == _INKS and bits <= 8):
        raise ImageError(f"its colours are {_NAMES.get(kind, f'no. {kind}')}: convert it to sRGB first.")
    told = not profile if count == 3 else kind == _SYCC and sizes[3:] == [(1, 1)]
    if not (whole or (sizes[:3] in _SMALLER and told)):
        raise ImageError("some of its channels are smaller than others: save it with all of one size (4:4:4).")
    return Jpeg2000((bottom - top, right - left), bits, whole, profile)


def pixels(data: bytes, bits: int) -> Array:
    """The picture with numbers of 16 bits, of one whose numbers have so many."""
    import imagecodecs

    return widened(imagecodecs.jpeg2k_decode(data), bits)


def _colours(data: bytes) -> tuple[int | None, bytes | None]:
    """EnumCS or an ICC profile, by the first box that says it in a way that is known; None for neither."""
    for kind, start, end in boxes.found(data, (b"jp2h",)) if data.startswith(BOXES) else ():
        if kind == b"colr" and data[start : start + 1] == b"\1" and end - start >= 7:
            return int.from_bytes(data[start + 3 : start + 7], "big"), None
        if kind == b"colr" and data[start : start + 1] in (b"\2", b"\3"):
            return None, data[start + 3 : end]
    return None, None
