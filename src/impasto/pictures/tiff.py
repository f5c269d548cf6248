"""TIFF: which page, its pixels segment by segment, and what their numbers mean (TIFF 6.0, 1992).

tifffile reads tags and segments. The canvas is ours and begins as zeros, so that nothing is shown which is
not in the file; what a file may ask for is bounded before it is read.
"""

import logging
import math
from bisect import bisect
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from impasto.errors import ImageError
from impasto.pictures import bounds, encodings, jpeg, measures
from impasto.pictures.encodings import Encoding
from impasto.pictures.profiles import Array
from impasto.pictures.samples import LAB, NUMBERS, Samples

log = logging.getLogger("impasto")

_MOST_PAGES = 32
"""That are looked at for one that is no preview."""
_MOST_SEGMENTS = 2**17
"""Strips or tiles; each takes some 50 µs besides its pixels."""
_PREVIEW, _MASK = 1, 4
"""Bits of NewSubfileType."""
_RAW = (32803, 34892)
"""Photometric interpretations of what a camera's sensor saw."""
_CODECS = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000}
"""None, CCITT's, LZW, JPEG's two, zlib's two, PackBits, LZMA, Zstandard: none unpacks to more than asked."""


@dataclass
class Tiff:
    """A page: its samples, which `Samples.picture` turns into a picture, and what its tags say."""

    samples: Samples
    orientation: int
    profile: bytes | None
    encoding: Encoding | None
    missing: float
    """The share of it that is not there."""


@contextmanager
def page_of(file: BinaryIO) -> Any:
    """The page that is the picture: the first that is neither a preview nor a mask. Raises ImageError."""
    file.seek(0)
    try:
        with tifffile.TiffFile(file, _multifile=False) as tif:
            yield _chosen(tif)
    except MemoryError as error:  # of a tag that claims to be long; pixels are asked for in `bounds`
        raise ImageError("its tags are damaged: save it again as TIFF or PNG.") from error
    except TypeError as error:  # of tifffile, where SampleFormat differs
        raise ImageError(f"its channels differ in kind{_kinds(file)}: save it again with one kind for all.") from error


def _kinds(file: BinaryIO) -> str:
    """What kinds of numbers the channels are, by Pillow, in brackets. Raises TypeError where they are one. Of
    a large file with the largest byte first, which Pillow does not read, nothing.
    """
    file.seek(0)
    head = file.read(16)
    if head[:4] == b"MM\0+":
        return ""
    directory = TiffImagePlugin.ImageFileDirectory_v2(head if 43 in head[2:4] else head[:8])
    file.seek(directory.next)
    directory.load(file)
    found = dict.fromkeys(NUMBERS.get(each, "of an unknown kind") for each in directory[339])
    if len(found) < 2:
        raise TypeError(f"{found} are one kind of numbers")
    return f" ({' and '.join(found)})"


def size_of(page: Any) -> tuple[int, int]:
    """Height and width."""
    return int(page.imagelength), int(page.imagewidth)


def tags_of(file: BinaryIO, page: Any) -> Image.Exif:
    """The tags of the file's first page as those of EXIF, with its directories where Pillow finds its way."""
    found, whole = Image.Exif(), page.parent
    first = whole.pages.first
    if not (whole.is_bigtiff and whole.byteorder == ">"):
        found.endian, found.bigtiff = whole.byteorder, whole.is_bigtiff
        found.load_from_fp(file, first.offset)
        return found
    if ExifTags.IFD.Exif in first.tags:
        log.warning("The picture is a big-endian BigTIFF, of which the time it was taken is not read.")
    for tag in first.tags:
        value = tag.value
        if isinstance(value, (str, bytes)):
            found[tag.code] = value.encode() if isinstance(value, str) and not value.isascii() else value
    return found


def packets(page: Any) -> tuple[bytes, bytes]:
    """Those of XMP and IPTC, b"" for none. Some programs write IPTC as numbers of 32 bits."""
    found = []
    for number in (700, 33723):
        value = page.tags.valueof(number)
        if isinstance(value, tuple):
            value = np.array(value).astype(f"{page.parent.byteorder}u4").tobytes()
        found.append(value if isinstance(value, bytes) else b"")
    return found[0], found[1]


def read(file: BinaryIO, allow_truncated: bool) -> Tiff:
    """The picture in a TIFF file. Raises ImageError for what it cannot be read rightly."""
    with page_of(file) as page:
        _check(page)
        canvas, missing = _canvas(page, file, allow_truncated)
        tags = page.tags
        profile = tags.valueof(34675)
        photometric = page.photometric if 262 in tags else _guessed(page)
        samples = Samples(
            *measures.meant(page, canvas),
            int(page.sampleformat),
            2 if int(photometric) == 6 and page.compression in measures.JPEGS else int(photometric),
            tuple(int(each) for each in page.extrasamples),
            np.asarray(tags.valueof(320)) if photometric == 3 else None,
            int(_first(tags.valueof(332), 1)),
            *measures.ends(page, int(photometric)),
        )
        return Tiff(
            samples,
            int(_first(tags.valueof(274), 1)),
            # A profile of L*a*b* says only what is known of it.
            bytes(profile) if isinstance(profile, (bytes, tuple)) and photometric not in LAB else None,
            _encoding(page),
            missing,
        )


def _chosen(tif: Any) -> Any:
    seen: list[Any] = []
    for number in range(_MOST_PAGES):
        try:
            seen.append(tif.pages[number])
        except Exception:  # no more of them, or none that can be read; the first one will do
            break
    if not seen:
        raise ImageError("its directory is cut off or damaged: get the whole file.")
    first = seen[0]
    if (
        50706 in first.tags  # DNGVersion
        or any(int(page.photometric) in _RAW for page in seen)
        or (first.subfiletype & _PREVIEW and 330 in first.tags and 271 in first.tags)  # SubIFDs, Make
    ):
        raise ImageError(
            "it is a camera's raw file: develop it to TIFF or JPEG first, with the camera's own program, darktable or "
            "RawTherapee."
        )
    whole = [page for page in seen if not page.subfiletype & (_PREVIEW | _MASK)]
    page = whole[0] if whole else first
    if page is not first:
        log.warning("Page %d of the TIFF is taken: those before it are previews or masks.", seen.index(page) + 1)
    elif len(whole) > 1:
        log.warning("The TIFF has several pages: the first is taken.")
    return page


def _check(page: Any) -> None:
    """Raises ImageError for a page that cannot be read rightly, or asks for too much."""
    if isinstance(page.bitspersample, tuple):
        raise ImageError(f"its channels have {page.bitspersample} bits: save it again with the same number for all.")
    if page.imagedepth != 1:
        raise ImageError("it is a volume of several layers: save one of them as a picture.")
    if page.compression not in _CODECS:
        name = getattr(page.compression, "name", page.compression)
        raise ImageError(f"it is compressed by {name}, which is not read in TIFF: save it again with LZW or without.")
    if page.compression in measures.JPEGS and int(page.photometric) not in (0, 1, 2, 5, 6):
        raise ImageError("it is a JPEG within a TIFF of other colours than JPEG has: save it again as RGB.")
    if page.samplesperpixel < 1 or page.dtype is None:
        raise ImageError(f"its {page.bitspersample}-bit pixels are of an unknown kind: save it again as PNG or TIFF.")
    bounds.check(size_of(page), held=page.samplesperpixel * page.dtype.itemsize + 6)
    if math.prod(page.chunked) > _MOST_SEGMENTS:
        raise ImageError(
            f"it is cut into {math.prod(page.chunked)} pieces, more than {_MOST_SEGMENTS}: save it again as PNG."
        )


def _canvas(page: Any, file: BinaryIO, allow_truncated: bool) -> tuple[Array, float]:
    """All samples, (H, W, channels), and the share of segments that are missing. Raises ImageError."""
    height, width = size_of(page)
    channels = page.samplesperpixel
    canvas = np.zeros((height, width, channels), page.dtype)
    count, end = math.prod(page.chunked), file.seek(0, 2)
    places, lengths = measures.listed(page.dataoffsets), measures.listed(page.databytecounts)
    if 0 in lengths:  # it is not known how long a part is: at the most to where the next one begins, as in libtiff
        begins = sorted({*places, end})
        lengths = [
            length if length or not 0 < place < end else begins[bisect(begins, place)] - place
            for place, length in zip(places, lengths, strict=False)
        ]
    if sum(lengths[:count]) > 4 * end + 2**20 and any(
        place + length <= end for place, length in zip(places, lengths, strict=False)
    ):
        lengths = [min(length, end) for length in lengths]
        if sum(lengths[:count]) > 64 * end + 2**20:
            raise ImageError("its strips lie over one another: save it again as TIFF or PNG.")
    tables: dict[str, Any] = {}
    if page.compression in measures.JPEGS:
        tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
    parts = []
    for index in range(count):
        place, length = (row[index] if index < len(row) else 1 for row in (places, lengths))
        there = max(0, min(length, end - place)) if place > 0 else 0
        # A tile of nothing is left out by GDAL, with zeros for both.
        parts.append((place, there, length if place or length else 0))
    missing = sum(1 - there / length for _, there, length in parts if length > 0) / count
    if missing:
        bounds.check_missing(missing, allow_truncated)
    for index, (place, there, length) in enumerate(parts):
        if (there < length and page.compression != 1) or not there:
            continue
        file.seek(place)
        data = file.read(there)
        if there < length:
            data += bytes(min(length, canvas.nbytes) - there)
        segment, (plane, _, top, left, _), _ = _decoded(page, data, index, tables)
        planes = slice(plane, plane + 1) if page.planarconfig == 2 else slice(None)
        part = canvas[top : top + segment.shape[1], left : left + segment.shape[2], planes]
        part[:] = segment[0, : part.shape[0], : part.shape[1]]
    return canvas, missing


def _decoded(page: Any, data: bytes, index: int, tables: dict[str, Any]) -> Any:
    if page.compression in measures.JPEGS:
        height, width = jpeg.looked_at(data).size
        if height * width > 4 * page.imagelength * page.imagewidth + 2**16:
            raise ImageError("its parts are larger than the whole: save it again as TIFF or PNG.")
    try:
        return page.decode(data, index, **tables, _fullsize=False)
    except NotImplementedError as error:  # as for chroma of a lower resolution without JPEG
        raise ImageError(f"it cannot be read ({error}): save it again as RGB.") from error


def _encoding(page: Any) -> Encoding | None:
    """What other tags than the profile say of the colours."""
    exif = page.tags.valueof(34665)
    if isinstance(exif, dict) and exif.get("ColorSpace") == 2:
        return encodings.ADOBE_RGB
    white, primaries = measures.ratios(page.tags.valueof(318)), measures.ratios(page.tags.valueof(319))
    if 301 in page.tags:
        log.warning("The TIFF has a transfer function of its own, which is left out: sRGB's curve is assumed.")
    if len(primaries) == 6 and len(white) == 2:
        return encodings.of_gamma(None, (*primaries, *white))  # type: ignore[arg-type]
    return None


def _first(value: Any, otherwise: int) -> Any:
    return otherwise if value is None else value[0] if isinstance(value, tuple) else value


def _guessed(page: Any) -> int:
    """What is meant by a page that does not say it: fax pages have white as zero."""
    return 2 if page.samplesperpixel >= 3 else 0 if page.compression in (2, 3, 4) else 1
