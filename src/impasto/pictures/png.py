"""PNG taken apart: the chunks that make the picture, and what the others say of its colours.

Decoders refuse a whole file for metadata that is too long or broken, or complain on stderr. So they are given
the picture's own chunks alone, and the rest is read here, within limits (PNG, 3rd edition, W3C 2025).
"""

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from impasto.errors import ImageError
from impasto.pictures import authors, bounds, encodings
from impasto.pictures.encodings import Encoding
from impasto.pictures.picture import Size

log = logging.getLogger("impasto")

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 200_000
"""More make no picture: encoders write 8 KB to a chunk and up."""
_MOST = 4 * 2**20
"""The bytes of metadata that are read of a chunk, packed and unpacked: profiles of printers have two million.
"""
_COLOURS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_READ = (*_COLOURS, b"eXIf")


@dataclass
class Png:
    """``file`` is the PNG with its picture alone; ``missing`` the share of its rows that is not there."""

    file: io.BytesIO
    size: Size
    depth: int
    animated: bool = False
    profile: bytes | None = None
    encoding: Encoding | None = None
    exif: bytes | None = None
    missing: float = 0.0
    odd: list[str] = field(default_factory=list)
    """The chunks that are left out because they cannot be read."""


def size_of(head: bytes) -> Size:
    """Height and width by a file's first bytes. Raises ImageError."""
    if head[12:16] != b"IHDR" or len(head) < 33:
        raise ImageError("it is cut off within its header: there is nothing to see in it.")
    width, height = struct.unpack(">II", head[16:24])
    return height, width


def taken_apart(file: BinaryIO, allow_truncated: bool) -> Png:
    """The picture of a PNG file and what is said of its colours. Raises ImageError, also where it is cut off
    and that is not allowed.
    """
    file.seek(0)
    head = file.read(33)
    size = size_of(head)
    bounds.check(size)
    png, chunks = Png(io.BytesIO(), size, head[24]), dict[bytes, bytes]()
    png.file.write(head)
    ended, pixels = False, 0
    file.seek(33)
    for kind, length in _chunks(file):
        if kind == b"IEND":
            ended = True
            break
        if kind in (b"PLTE", b"tRNS", b"IDAT"):
            body = file.read(length + 4)
            pixels += kind == b"IDAT"
            if len(body) < length + 4:
                png.file.write(struct.pack(">I4s", max(0, len(body) - 4), kind) + body)
                break
            png.file.write(struct.pack(">I4s", length, kind) + body)
        elif kind == b"acTL":
            png.animated = True
        elif kind in _READ and kind not in chunks:
            chunks[kind] = _body(file, kind, length, png.odd)
        elif not kind[0] & 32:
            raise ImageError(f"it needs the chunk {kind!r}, which is not known: save it again as PNG.")
        elif length > _MOST:
            png.odd.append(kind.decode("ascii", "replace"))
    if not ended:
        _complete(png, head, allow_truncated)
    png.file.write(b"\0\0\0\0IEND\xaeB`\x82")
    _describe(png, {kind: body for kind, body in chunks.items() if body})
    if png.odd:
        log.warning(
            "Parts of the PNG are broken or too long and left out, its pixels are read: %s.",
            ", ".join(sorted({*png.odd})),
        )
    return png


def texts(file: BinaryIO) -> dict[str, str]:
    """Those texts of a PNG file that are among `authors.KEYWORDS` (11.3.3), the first of each; "" where it is
    broken, or longer than `authors.MOST`.
    """
    file.seek(33)
    found: dict[str, str] = {}
    for kind, length in _chunks(file):
        if kind not in (b"tEXt", b"zTXt", b"iTXt") or length > authors.MOST:
            continue
        name, _, body = file.read(length).partition(b"\0")
        keyword = name.decode("latin-1")
        if keyword not in authors.KEYWORDS or keyword in found:
            continue
        found[keyword] = ""
        try:
            if kind == b"iTXt":
                packed, body = body[:1] == b"\1", body[2:].split(b"\0", 2)[2]
                found[keyword] = (_unpacked(body, authors.MOST) if packed else body).decode()
            else:
                body = _unpacked(body[1:], authors.MOST) if kind == b"zTXt" else body
                found[keyword] = body.decode("latin-1")
        except (ValueError, IndexError, zlib.error):
            continue
    return found


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Kind and length of every chunk, the file standing at its body, which may be read or not."""
    place = file.tell()
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if length > 2**31 - 1 or not kind.isalpha():
            raise ImageError("its chunks are damaged: save it again as PNG.")
        yield kind, length
        place += length + 12
    raise ImageError(f"it has more than {_MOST_CHUNKS} chunks: save it again as PNG.")


def _body(file: BinaryIO, kind: bytes, length: int, odd: list[str]) -> bytes:
    """A chunk's body, or nothing of one that is too long or broken."""
    body = file.read(length) if length <= _MOST else b""
    if len(body) == length and file.read(4) == struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))):
        return body
    odd.append(kind.decode())
    return b""


def _describe(png: Png, chunks: dict[bytes, bytes]) -> None:
    """What the chunks say of the colours, by their precedence: cICP, iCCP, sRGB, then gAMA and cHRM (4.3)."""
    exif = chunks.get(b"eXIf", b"").removeprefix(b"Exif\0\0")
    if exif[:4] in (b"II*\0", b"MM\0*"):
        png.exif = exif
    elif exif:
        png.odd.append("eXIf")
    for kind in _COLOURS:
        if kind not in chunks:
            continue
        try:
            if kind == b"cICP":
                primaries, transfer, matrix, full = chunks[kind]
                png.encoding = encodings.of_code_points(primaries, transfer, narrow=full == 0)
                if png.encoding is None or matrix:
                    raise ValueError(kind)
            elif kind == b"iCCP":
                png.profile = _unpacked(chunks[kind].split(b"\0", 1)[1][1:])
            elif kind != b"sRGB":
                png.encoding = _of_gamma(chunks)
            return
        except (ValueError, IndexError, zlib.error, struct.error):
            png.encoding, png.profile = None, None
            png.odd.append(kind.decode())


def _of_gamma(chunks: dict[bytes, bytes]) -> Encoding:
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / 1e5 if b"gAMA" in chunks else None
    given = [each / 1e5 for each in struct.unpack(">8I", chunks[b"cHRM"])] if b"cHRM" in chunks else None
    found = encodings.of_gamma(gamma, (*given[2:], *given[:2]) if given else None)
    if found is None:
        raise ValueError(chunks)
    return found


def _unpacked(packed: bytes, most: int = _MOST) -> bytes:
    """What zlib has packed, as far as it may be long. Raises ValueError."""
    unpacked = zlib.decompressobj().decompress(packed, most)
    if len(unpacked) == most:
        raise ValueError("too long")
    return unpacked


def _complete(png: Png, head: bytes, allow_truncated: bool) -> None:
    """Fill up what is not there of a file that is cut off, with zeros. Raises ImageError."""
    raw = _raw_length(head)
    data, kept = png.file.getvalue(), [head]
    unpack, rows, place = zlib.decompressobj(), bytearray(), 33
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"IDAT":
            try:
                rows += unpack.decompress(data[place + 8 : place + 8 + length], raw - len(rows) or 1)
            except zlib.error:
                break
        else:
            kept.append(data[place : place + 12 + length])
        place += 12 + length
    if len(rows) >= raw:  # nothing but the end is missing
        rows = rows[:raw]
    elif not rows:
        raise ImageError("it is cut off before its first row: there is nothing to see in it.")
    else:
        png.missing = 1 - len(rows) / raw
        bounds.check_missing(png.missing, allow_truncated)
    rows.extend(bytes(raw - len(rows)))
    packed = zlib.compress(rows, 1)
    body = struct.pack(">I4s", len(packed), b"IDAT") + packed
    png.file = io.BytesIO()
    png.file.write(b"".join(kept) + body + struct.pack(">I", zlib.crc32(body[4:])))


def _raw_length(head: bytes) -> int:
    """The bytes of the rows, a filter's number before each; of all seven passes where it is interlaced."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", head[16:29])
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(kind, 1)
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    total = 0
    for left, top, across, down in passes if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total
