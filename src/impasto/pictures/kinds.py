"""What a file is, by its first bytes and not by its name; and what to do with those that are not opened."""

import re

from impasto.errors import ImageError

HEAD = 4096
"""The bytes that are looked at."""
JPEG2000 = BOXES, CODESTREAM = b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"
"""How JPEG 2000 begins: within boxes, or bare, by SOC and then SIZ."""
_NOTHING = 64
"""Zeros with which no picture begins."""

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif", ".webp", ".gif", ".bmp", ".dib",
    ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".tga", ".ico",
)  # fmt: skip
"""How the names of what is opened end, in small letters: for whole folders, in which other things lie."""

_CONVERT = "export it as PNG, TIFF or JPEG from the program that made it"
_DEVELOP = "develop it to TIFF or JPEG first, with the camera's own program, darktable or RawTherapee"
_FRAME = "take a frame of it, as with `ffmpeg -i FILE -frames:v 1 frame.png`"
_DRAWN = "render it as PNG first, at the size at which it shall be painted"
_TONE = "map its tones to PNG or TIFF first, with a program for such pictures"

_OTHERS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\x0a", "a JPEG XL picture", "convert it to PNG, as with djxl or ImageMagick"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture", "convert it to PNG, as with djxl or ImageMagick"),
    (0, b"II\xbc\x01", "a JPEG XR picture", _CONVERT),
    (0, b"8BPS", "a Photoshop document", _CONVERT),
    (0, b"gimp xcf", "a GIMP document", _CONVERT),
    (0, b"\0\xffKA", "an Affinity document", _CONVERT),
    (0, b"%PDF", "a PDF document", "render the page as PNG, as with `pdftoppm -png -r 300`"),
    (0, b"%!PS", "a PostScript drawing", _DRAWN),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript drawing", _DRAWN),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile", _DRAWN),
    (40, b" EMF", "a Windows metafile", _DRAWN),
    (0, b"\1\0\x09\0\0\3", "a Windows metafile", _DRAWN),
    (0, b"/* XPM */", "a picture of XPM", _CONVERT),
    (0, b"\x01\xda", "a Silicon Graphics picture", _CONVERT),
    (0, b"\x59\xa6\x6a\x95", "a Sun raster", _CONVERT),
    (0, b"\xabKTX 1", "a Khronos texture", _CONVERT),
    (0, b"\xabKTX 2", "a Khronos texture", _CONVERT),
    (0, b"BLENDER", "a Blender document", _CONVERT),
    (0, b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5", "an InDesign document", _CONVERT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an older Office", _CONVERT),
    (0, b"\x93NUMPY", "a NumPy array", _CONVERT),
    (0, b"\x89HDF", "a file of HDF5", _CONVERT),
    (0, b"v/1\x01", "an OpenEXR picture", _TONE),
    (0, b"#?RA", "a Radiance picture", _TONE),
    (0, b"#?RG", "a Radiance picture", _TONE),
    (0, b"PF\n", "a picture of floats (PFM)", _TONE),
    (0, b"Pf\n", "a picture of floats (PFM)", _TONE),
    (0, b"P7\n", "a PAM picture", _CONVERT),
    (0, b"DDS ", "a DirectDraw texture", _CONVERT),
    (0, b"SIMPLE  =", "a FITS image", _CONVERT),
    (128, b"DICM", "a DICOM image", _CONVERT),
    (0, b"qoif", "a QOI picture", _CONVERT),
    (0, b"BPG\xfb", "a BPG picture", _CONVERT),
    (0, b"FLIF", "a FLIF picture", _CONVERT),
    (0, b"\x8aMNG", "an MNG animation", _CONVERT),
    (0, b"icns", "an icon of macOS", _CONVERT),
    (8, b"CR\x02", "a camera's raw file (Canon CR2)", _DEVELOP),
    (4, b"ftypcrx ", "a camera's raw file (Canon CR3)", _DEVELOP),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file (Fujifilm RAF)", _DEVELOP),
    (0, b"IIRO", "a camera's raw file (Olympus ORF)", _DEVELOP),
    (0, b"IIRS", "a camera's raw file (Olympus ORF)", _DEVELOP),
    (0, b"MMOR", "a camera's raw file (Olympus ORF)", _DEVELOP),
    (0, b"IIU\0", "a camera's raw file (Panasonic RW2)", _DEVELOP),
    (0, b"FOVb", "a camera's raw file (Sigma X3F)", _DEVELOP),
    (0, b"\0MRM", "a camera's raw file (Minolta MRW)", _DEVELOP),
    (8, b"AVI ", "a video", _FRAME),
    (0, b"\x1aE\xdf\xa3", "a video", _FRAME),
    (0, b"FLV\x01", "a video", _FRAME),
    (0, b"OggS", "a video", _FRAME),
    (0, b"\0\0\x01\xba", "a video", _FRAME),
    (0, b"\0\0\x01\xb3", "a video", _FRAME),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a video", _FRAME),
    (4, b"moov", "a video", _FRAME),
    (0, b"PK\x03\x04", "a zip archive, as some documents are", "take the picture out of it"),
    (0, b"\x1f\x8b", "compressed by gzip", "unpack it"),
    (0, b"BZh", "a bzip2 archive", "take the picture out of it"),
    (0, b"\xfd7zXZ\0", "a compressed (xz) archive", "take the picture out of it"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", "take the picture out of it"),
    (257, b"ustar", "a tar archive", "take the picture out of it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "take the picture out of it"),
    (0, b"Rar!", "a RAR archive", "take the picture out of it"),
    (0, b"\0\5\x16\7", "what macOS keeps beside a file", "name the file itself, without ._ before it"),
    (0, b"version https://git-lfs", "a pointer of Git LFS", "fetch the picture with `git lfs pull`"),
    (0, b"/annex/objects/", "a pointer of git-annex", "fetch the picture with `git annex get`"),
)
"""Where, which bytes, what that is, and what to do."""

_PICTURES = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "HEIC"
)
"""Brands of the ISO base media file format (ISO/IEC 23008-12, annex B; AVIF 1.1, section 8)."""


def kind_of(head: bytes) -> str:
    """The kind of a picture that is opened by name of its format, or "" if only its decoder can tell.

    ``head`` are the file's first `HEAD` bytes. Raises ImageError for what is known and is not opened.
    """
    if not head:
        raise ImageError("it is empty: the file has no bytes in it.")
    if len(head) > _NOTHING and not any(head):
        raise ImageError("it holds nothing but zeros, as what was not copied to its end does: get it anew.")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    for place, mark, what, advice in _OTHERS:
        if head[place : place + len(mark)] == mark:
            raise ImageError(f"it is {what}: {advice}.")
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head.startswith(JPEG2000):
        return "JPEG2000"
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in text:
        raise ImageError(f"it is an SVG drawing: {_DRAWN}.")
    if text.startswith((b"<!doctype html", b"<html")):
        raise ImageError("it is a web page: save the picture itself, and not the page that shows it.")
    return ""


def _of_brands(head: bytes) -> str:
    length = int.from_bytes(head[:4], "big")
    brands = re.findall(b"(?s)....", head[8:12] + head[16 : max(16, length)])
    for brand in brands:
        if brand in _PICTURES:
            return _PICTURES[brand]
    if brands and brands[0] in (b"mif1", b"msf1", b"miaf"):  # of some other codec, which libheif may know
        return "HEIC"
    raise ImageError(f"it is a video: {_FRAME}.")
