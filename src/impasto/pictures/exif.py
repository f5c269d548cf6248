"""What a camera says in EXIF of how a picture is to be shown: which side is up, and in which colours.

An orientation that stands in XMP alone is not heeded: no browser and few viewers do.
"""

from PIL import ExifTags, Image

from impasto.pictures import encodings
from impasto.pictures.encodings import Encoding


def of_bytes(data: bytes | None) -> Image.Exif:
    """The tags of an EXIF block; none of one that is missing or broken."""
    exif = Image.Exif()
    try:
        exif.load(data or b"")
        dict(exif)  # which reads them
    except Exception:  # as many kinds of errors as there are broken blocks
        return Image.Exif()
    return exif


def of_image(image: Image.Image) -> Image.Exif:
    """The tags that a Pillow image has by EXIF; `Image.getexif` alone looks into XMP, too."""
    if "exif" in image.info:
        return of_bytes(image.info["exif"])
    if "xmp" in image.info or "XML:com.adobe.xmp" in image.info:
        return Image.Exif()
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()


def orientation(exif: Image.Exif) -> int:
    """1 to 8 (EXIF 2.32, tag 274); 1, upright, where there is none or it makes no sense."""
    value = _value(exif, ExifTags.Base.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def encoding(exif: Image.Exif) -> Encoding | None:
    """Adobe RGB, where the camera says so (DCF 2.0, optional colour space: the interoperability index R03, or
    the colour space 2 that many write); None for sRGB, and for what is not said.
    """
    try:
        index = str(exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex, ""))
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    except Exception:
        return None
    return encodings.ADOBE_RGB if index.startswith("R03") or space == 2 else None


def _value(exif: Image.Exif, tag: int) -> object:
    try:
        return exif.get(tag)
    except Exception:
        return None
