"""The boxes of AVIF and HEIC files (ISO/IEC 14496-12 and 23008-12), as far as decoders do not tell. Those of
JPEG 2000 are built alike.
"""

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from impasto.pictures import av1, encodings, hevc
from impasto.pictures.encodings import Encoding

_PROPERTIES = (b"meta", b"iprp", b"ipco")
_UNSPECIFIED = struct.pack(">HH", 2, 2)
_MOST = 10_000
_HEARD = 64
"""Coded pictures that are asked for their colours: a picture can be made of many, and all say the same."""
_BEGINNING = 4096
"""Bytes of a coded picture in which it says what it is."""


@dataclass(frozen=True)
class Properties:
    """Of the first picture: its ``encoding`` by code points, or None where an ICC profile or nothing says it;
    whether one is said that is ``unknown`` here; and how many bits a channel has.
    """

    encoding: Encoding | None = None
    unknown: bool = False
    depth: int = 8


def properties(data: bytes) -> Properties:
    """The properties in an AVIF file's bytes; none where its boxes are damaged."""
    encoding, unknown, depth, told = None, False, 8, False
    for kind, start, end in found(data, _PROPERTIES):
        if not told and _has_points(data, kind, start, end):
            primaries, transfer = struct.unpack(">HH", data[start + 4 : start + 8])
            encoding = encodings.of_code_points(primaries, transfer)  # the range is the decoder's business
            unknown, told = encoding is None, True
        elif kind == b"av1C" and end - start >= 4:
            own = 8 if not data[start + 2] & 64 else 12 if data[start + 2] & 32 else 10  # AV1-ISOBMFF, 2.3.3
            depth = max(depth, own)
    if not told and (points := _of_stream(data)):
        encoding = encodings.of_code_points(*points)
        unknown = encoding is None
    return Properties(encoding, unknown, depth)


def known(data: bytes) -> bytes:
    """A HEIC file's bytes with code points that are not known here made unspecified ones: decoders refuse the
    whole picture for some of them.
    """
    known = bytearray(data)
    for kind, start, end in found(data, _PROPERTIES):
        if _has_points(data, kind, start, end):
            points = slice(start + 4, start + 8)
            if encodings.of_code_points(*struct.unpack(">HH", data[points])) is None:
                known[points] = _UNSPECIFIED
    return bytes(known)


def of_hevc(data: bytes) -> tuple[int, int] | None:
    """The code points that the coded pictures of a HEIC file say themselves, the first that does."""
    told = (data[start:end] for kind, start, end in found(data, _PROPERTIES) if kind == b"hvcC")
    return next(filter(None, map(hevc.code_points, itertools.islice(told, _HEARD))), None)


def _has_points(data: bytes, kind: bytes, start: int, end: int) -> bool:
    """Whether a box tells code points: primaries and transfer, after four bytes."""
    return kind == b"colr" and data[start : start + 4] == b"nclx" and end - start >= 11


def _of_stream(data: bytes) -> tuple[int, int] | None:
    """The code points that the coded pictures say themselves, the first that does."""
    try:
        return next(filter(None, map(av1.code_points, itertools.islice(_coded(data), _HEARD))), None)
    except (IndexError, struct.error):
        return None


def _coded(data: bytes) -> Iterator[bytes]:
    """The beginnings of the coded pictures in a file, by the box of their places (14496-12, 8.11.3)."""
    box = next((each for each in found(data, (b"meta",)) if each[0] == b"iloc"), None)
    if box is None:
        return
    version, place = data[box[1]], box[1] + 4
    of_offset, of_length, of_base, of_index = (
        data[place] >> 4,
        data[place] & 15,
        data[place + 1] >> 4,
        data[place + 1] & 15,
    )
    of_count = 2 if version < 2 else 4
    place += 2

    def number(size: int) -> int:
        nonlocal place
        place += size
        return int.from_bytes(data[place - size : place], "big")

    for _ in range(min(number(of_count), _MOST)):
        number(of_count)
        within = number(2) & 15 if version in (1, 2) else 0
        number(2)
        base, count = number(of_base), number(2)
        after = place + count * ((of_index if version in (1, 2) else 0) + of_offset + of_length)
        if count and within == 0:
            number(of_index if version in (1, 2) else 0)
            offset, length = base + number(of_offset), number(of_length)
            yield data[offset : offset + min(length or _BEGINNING, _BEGINNING)]
        place = after


def found(data: bytes, path: tuple[bytes, ...]) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in the first box at a path: kind, start and end of their bodies."""
    start, end = 0, len(data)
    for name in path:
        place = next((each for each in _within(data, start, end) if each[0] == name), None)
        if place is None:
            return
        start, end = place[1] + (4 if name == b"meta" else 0), place[2]
    yield from _within(data, start, end)


def _within(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for _ in range(_MOST):
        if start + 8 > end:
            return
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        body = start + 8
        if length == 1 and start + 16 <= end:
            length, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        after = end if length == 0 else min(end, start + length)
        if after < body:
            return
        yield kind, body, after
        start = after
