"""Files of every kind, opened: each by the decoder that reads it rightly, after what it asks for was looked
at.
"""

import io
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image

from impasto.pictures import authors, bounds, boxes, encodings, exif, jpeg, jpeg2000, kinds, old, png, tiff
from impasto.pictures.encodings import Encoding
from impasto.pictures.picture import Size
from impasto.pictures.pillow import by_pillow
from impasto.pictures.profiles import Array
from impasto.pictures.samples import tell_of_few_bits, widened

log = logging.getLogger("impasto")
for _library in ("PIL", "tifffile", "imagecodecs"):  # what they have to say of damaged files is no news
    logging.getLogger(_library).addHandler(logging.NullHandler())

_IPTC_IN_PHOTOSHOP = 0x0404
"""Among the resources of Photoshop in a JPEG."""


@dataclass(frozen=True)
class Opened:
    """A picture as its file has it: a Pillow image of 8 bits, or an array (H, W), (H, W, 2), (H, W, 3) or (H,
    W, 4) of uint16.

    ``orientation`` is EXIF's, ``profile`` an ICC profile, and ``encoding`` what else says of the colours,
    None for sRGB.
    """

    pixels: Image.Image | Array
    orientation: int = 1
    profile: bytes | None = None
    encoding: Encoding | None = None


@dataclass(frozen=True)
class Told:
    """What a file says of its picture: the tags of EXIF, which are read from the file when they are asked
    for, an ICC profile, packets of XMP and IPTC, and a PNG's texts by their keywords (`authors.said`).
    """

    tags: Image.Exif
    profile: bytes | None = None
    xmp: bytes = b""
    iptc: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)


def opened(file: BinaryIO, allow_truncated: bool) -> Opened:
    """The picture in a file. Raises ImageError, and whatever a decoder raises for damaged files."""
    return _READERS.get(kind(file), _other)(file, allow_truncated)


def kind(file: BinaryIO) -> str:
    """The name of a file's format, "" if only Pillow can tell. Raises ImageError for what is not opened."""
    return kinds.kind_of(_head(file))


def size_of(file: BinaryIO) -> Size:
    """The height and width that a file declares, without decoding it. Raises as `opened`."""
    match kind(file):
        case "PNG":
            return png.size_of(_head(file))
        case "TIFF":
            with tiff.page_of(file) as page:
                return tiff.size_of(page)
        case "JPEG":
            file.seek(0)
            return jpeg.looked_at(file.read()).size
        case "HEIC":
            file.seek(0)
            width, height = _heif(file.read()).size
            return height, width
        case other:
            with by_pillow(file, other) as image:
                return image.height, image.width


def told_by(file: BinaryIO) -> Told:
    """What a file says of its picture, without decoding it. Raises as `opened`."""
    match kind(file):
        case "PNG":
            parts, texts = png.taken_apart(file, True), png.texts(file)
            xmp = texts.get(authors.XMP_IN_PNG, "").encode(errors="replace")
            return Told(exif.of_bytes(parts.exif), parts.profile, xmp, texts=texts)
        case "TIFF":  # whose own directory is what EXIF took its form from
            with tiff.page_of(file) as page:  # Pillow alone takes IPTC for a number, and no 64-bit header
                tags = tiff.tags_of(file, page)
                return Told(tags, tags.get(ExifTags.Base.InterColorProfile), *tiff.packets(page))
        case "HEIC":
            file.seek(0)
            info = _heif(file.read()).info
            return Told(exif.of_bytes(info.get("exif")), info.get("icc_profile"), info.get("xmp") or b"")
        case other:
            with by_pillow(file, other) as image:
                info = image.info
                iptc = info.get("photoshop", {}).get(_IPTC_IN_PHOTOSHOP, b"")
                return Told(exif.of_image(image), info.get("icc_profile"), info.get("xmp") or b"", iptc)


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(kinds.HEAD)


def _png(file: BinaryIO, allow_truncated: bool) -> Opened:
    parts = png.taken_apart(file, allow_truncated)
    if parts.animated:
        log.warning("The picture is animated: its first frame is taken.")
    if parts.missing:
        log.warning("The picture is cut off: the lower %.0f %% of it are missing and black.", 100 * parts.missing)
    tags = exif.of_bytes(parts.exif)
    pixels: Image.Image | Array
    if parts.depth == 16:
        import imagecodecs

        pixels = imagecodecs.png_decode(parts.file.getvalue())
        tell_of_few_bits(pixels)
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[..., 0]
    else:
        pixels = by_pillow(parts.file, "PNG")
        pixels.load()
    return Opened(pixels, exif.orientation(tags), parts.profile, _said(parts.profile, parts.encoding, tags))


def _jpeg(file: BinaryIO, allow_truncated: bool) -> Opened:
    file.seek(0)
    data = file.read()
    found = jpeg.looked_at(data)
    bounds.check(found.size)
    image = by_pillow(io.BytesIO(data), "JPEG")
    try:
        image.load()
    except OSError:
        if found.whole:
            raise
        bounds.check_missing(0, allow_truncated)
        image = by_pillow(io.BytesIO(jpeg.ended(data)), "JPEG")
        image.load()
        what = (
            "what its last passes would have added is missing"
            if found.progressive
            else f"the lower {_flat_share(image):.0%} of it are missing and of one colour"
        )
        log.warning("The picture is cut off: %s.", what)
    if found.profiled and not image.info.get("icc_profile"):
        log.warning("The picture's colour profile is broken or incomplete: sRGB is assumed.")
    if found.gain_map:
        log.warning("The picture has a gain map for screens of a high dynamic range, which is left out.")
    return _told(image)


def _flat_share(image: Image.Image) -> float:
    """The share of rows at the end that are of one colour."""
    rows = np.asarray(image.convert("L").resize((64, image.height), Image.Resampling.BOX)).astype(int)
    flat = np.ptp(rows, 1) <= 1
    return float(np.argmin(flat[::-1]) / len(flat)) if not flat.all() else 1.0


def _tiff(file: BinaryIO, allow_truncated: bool) -> Opened:
    found = tiff.read(file, allow_truncated)
    if found.missing:
        log.warning("The picture is cut off: %.0f %% of its parts are missing and black.", 100 * found.missing)
    return Opened(found.samples.picture(), found.orientation, found.profile, found.encoding)


def _avif(file: BinaryIO, _: bool) -> Opened:
    file.seek(0)
    data = file.read()
    found = boxes.properties(data)
    image = by_pillow(io.BytesIO(data), "AVIF")
    bounds.check((image.height, image.width), "AVIF")
    _animated(image)
    tags = exif.of_image(image)
    profile = image.info.get("icc_profile")
    if found.unknown and not profile:
        _unknown()
    pixels: Image.Image | Array = image
    if found.depth > 8:
        import imagecodecs

        pixels = widened(imagecodecs.avif_decode(data, index=0), found.depth)
    else:
        image.load()
    return Opened(pixels, exif.orientation(tags), profile, _said(profile, found.encoding, tags))


def _heif(data: bytes) -> Any:
    import pillow_heif

    return pillow_heif.open_heif(io.BytesIO(boxes.known(data)), convert_hdr_to_8bit=False)


def _heic(file: BinaryIO, _: bool) -> Opened:
    file.seek(0)
    data = file.read()
    found = _heif(data)
    bounds.check(found.size[::-1], "HEIC")
    profile, said, encoding = found.info.get("icc_profile"), found.info.get("nclx_profile"), None
    if not profile:
        own = said and (int(said["color_primaries"]), int(said["transfer_characteristics"]))
        points = own or boxes.of_hevc(data)
        encoding = encodings.of_code_points(*points) if points else None
        if boxes.known(data) != data or (points and encoding is None):
            _unknown()
    array, bits = np.asarray(found), int(found.info.get("bit_depth", 8))
    pixels: Image.Image | Array = Image.fromarray(array) if bits == 8 else widened(array >> (16 - bits), bits)
    return Opened(pixels, 1, profile, encoding)  # upright, for libheif turns it


def _jpeg2000(file: BinaryIO, _: bool) -> Opened:
    file.seek(0)
    data = file.read()
    found = jpeg2000.looked_at(data)
    bounds.check(found.size, "JPEG2000")
    if found.bits > 8 or not found.whole:
        pixels = jpeg2000.pixels(data, found.bits)
        image = pixels if found.bits > 8 else Image.fromarray((pixels // 257).astype(np.uint8))
        return Opened(image, 1, found.profile)
    image = by_pillow(file, "JPEG2000")
    image.load()
    return Opened(image, 1, found.profile)


def _other(file: BinaryIO, _: bool) -> Opened:
    head = _head(file)
    if head.startswith(old.ICON):
        file = old.icon(file)
        if _head(file).startswith(png.SIGNATURE):
            return _png(file, False)
    elif head.startswith(old.GIF):
        file = old.gif(file)
    elif head.startswith(old.PLAIN):
        file = old.plain(file)
    image = by_pillow(file, "")
    bounds.check((image.height, image.width), image.format or "")
    _animated(image)
    image.load()
    found = _told(image)
    if head.startswith(old.BITMAP):
        profile, encoding = old.bitmap_colours(file)
        return replace(found, profile=profile, encoding=encoding)
    return found


_READERS: dict[str, Callable[[BinaryIO, bool], Opened]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "TIFF": _tiff,
    "AVIF": _avif,
    "HEIC": _heic,
    "JPEG2000": _jpeg2000,
}


def _told(image: Image.Image) -> Opened:
    """A decoded Pillow image with what it says of itself."""
    tags = exif.of_image(image)
    profile = image.info.get("icc_profile")
    return Opened(image, exif.orientation(tags), profile, _said(profile, None, tags))


def _said(profile: bytes | None, encoding: Encoding | None, tags: Image.Exif) -> Encoding | None:
    """What says of the colours what a profile does not."""
    return None if profile else encoding or exif.encoding(tags)


def _unknown() -> None:
    log.warning("The picture's colours are encoded in a way that is not known here: sRGB is assumed.")


def _animated(image: Image.Image) -> None:
    if getattr(image, "is_animated", False):
        log.warning("The picture is animated: its first frame is taken.")
        image.seek(0)
