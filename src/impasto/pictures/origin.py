"""What a photograph says of itself beside its pixels, for its results to say it too: when it was taken, by
whom, whose it is; and the colours that it was saved in.
"""

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from impasto.errors import ImageError
from impasto.pictures import authors, profiles
from impasto.pictures.opened import Told
from impasto.pictures.picture import Depth, Size
from impasto.pictures.profiles import Array
from impasto.pictures.reading import told_by

log = logging.getLogger("impasto")

Kept = Literal["all", "some", "none"]
Profile = Literal["keep", "srgb"]

MAIN = 0
"""The directory of EXIF that the others hang from."""

_SOME = {
    MAIN: (Base.Artist, Base.Copyright),
    IFD.Exif: (Base.DateTimeOriginal, Base.OffsetTimeOriginal, Base.SubsecTimeOriginal),
}
_MORE = (Base.DocumentName, Base.Make, Base.Model, Base.DateTime)
"""Of the main directory, and text as `_SOME` is; the rest of it is about the file that was."""
_OF_THE_FILE = (
    Base.MakerNote, Base.ExifImageWidth, Base.ExifImageHeight, Base.ColorSpace, Base.ExifInteroperabilityOffset,
    Base.ComponentsConfiguration, Base.CompressedBitsPerPixel, Base.RelatedSoundFile,
)  # fmt: skip
"""Of the photograph's directory: what is not true of a result, and its maker's notes, which hold previews."""
_CODE = 8
"""Bytes of a comment that say how the others are to be read."""
_MOST = 2000
"""Bytes of one value: more is nobody's name, and would push the record out of a JPEG."""


@dataclass(frozen=True)
class Origin:
    """``tags`` of EXIF by directory (`MAIN`, or an `ExifTags.IFD`) and number, as Pillow has them, and a
    ``profile`` to save colours in, b"" for sRGB.
    """

    tags: Mapping[int, Mapping[int, Any]] = field(default_factory=dict)
    profile: bytes = b""

    def exif(self, description: str) -> Image.Exif:
        """The EXIF block of a result, with a description of its own."""
        made = Image.Exif()
        for directory, tags in self.tags.items():
            (made.get_ifd(directory) if directory else made).update(tags)
        made[Base.ImageDescription] = description
        return made


NOWHERE = Origin()
"""What is known of a picture that is of no photograph."""


def origin_of(path: str | Path, keep: Kept = "some", profile: Profile = "srgb") -> Origin:
    """What the results of a photograph keep of it.

    ``some`` is the time it was taken, with its offset and fractions, the author and the copyright; ``all`` is
    also the camera, the exposure, the place and the description. Author, copyright and description are also
    taken from XMP and IPTC. Neither is ever the orientation, a thumbnail, or what a maker notes in a form of
    his own. A ``profile`` is kept if it is one of RGB and can be converted to; otherwise
    it is sRGB, with a warning, and so is what cannot be read left out.
    """
    if keep == "none" and profile == "srgb":
        return NOWHERE
    try:
        return told_by(
            Path(path),
            lambda told: Origin(
                {} if keep == "none" else _tags(told, keep), _usable(told.profile) if profile == "keep" else b""
            ),
        )
    except ImageError as error:  # the pixels are there already
        log.warning("What the photograph says of itself cannot be read (%s): it is left out.", error)
        return NOWHERE


def _tags(told: Told, keep: Kept) -> dict[int, dict[int, Any]]:
    exif, said = told.tags, authors.said(told.xmp, told.iptc, told.texts)
    main, taken = dict(exif), dict(exif.get_ifd(IFD.Exif))
    for tag, text in ((Base.Artist, said.author), (Base.Copyright, said.rights)):
        if text and _is_blank(main.get(tag)):
            main[tag] = text.encode()
    if said.description and _is_blank(taken.get(Base.UserComment, b"")[_CODE:]):  # a result's description is its record
        taken[Base.UserComment] = b"UNICODE\0" + said.description.encode("utf-16-le")
    of_main = [*_SOME[MAIN], *(_MORE if keep == "all" else ())]
    of_taken = [each for each in taken if each not in _OF_THE_FILE] if keep == "all" else []
    found = {
        MAIN: {tag: main[tag] for tag in of_main if tag in main},
        # TIFF/EP has the time in the main directory.
        IFD.Exif: {tag: (main | taken)[tag] for tag in {*of_taken, *_SOME[IFD.Exif]} if tag in main | taken},
        IFD.GPSInfo: dict(exif.get_ifd(IFD.GPSInfo)) if keep == "all" else {},
    }
    return {
        directory: {tag: _bytes(value) for tag, value in sorted(tags.items()) if _sound(directory, tag, value)}
        for directory, tags in found.items()
        if tags
    }


def _is_blank(value: Any) -> bool:
    """Whether a tag has nothing to tell: some cameras fill them up with spaces."""
    return not (value.strip("\0 ") if isinstance(value, str) else bytes(value or b"").strip(b"\0 "))


def _bytes(value: Any) -> Any:
    """Text beyond ASCII as the bytes that it was, in whatever encoding: Pillow reads Latin-1, but writes
    ASCII.
    """
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value


def _sound(directory: int, tag: int, value: Any) -> bool:
    """Whether a value can be written, and is not too long."""
    try:
        return (
            isinstance(value, (str, bytes) if directory == MAIN else object)
            and len(Origin({directory: {tag: _bytes(value)}}).exif("").tobytes()) < _MOST
        )
    except Exception:  # of any type and size, for files say what they please
        return False


def _usable(embedded: bytes | None) -> bytes:
    """The profile of a photograph, if results can be saved in it; b"" also for sRGB."""
    if not embedded:
        return b""
    with contextlib.suppress(ImageCms.PyCMSError, OSError):
        if ImageCms.ImageCmsProfile(io.BytesIO(embedded)).profile.xcolor_space.strip() == "RGB":
            profile = profiles.foreign(embedded, "RGB")
            if profile is None:
                return b""
            profiles.from_srgb(np.zeros((1, 1, 3), np.uint8), profile)
            return embedded
    log.warning(
        "The photograph's colour profile cannot be that of a result, for it is not one for RGB both ways: sRGB is."
    )
    return b""


@dataclass(frozen=True)
class Converted:
    """A picture in the colours of another profile, as it is saved."""

    picture: Any
    icc: bytes

    @property
    def size(self) -> Size:
        size: Size = self.picture.size
        return size

    @property
    def depth(self) -> Depth:
        depth: Depth = self.picture.depth
        return depth

    def strips(self, depth: Depth) -> Iterator[Array]:
        """As `Picture.strips`."""
        profile = ImageCms.ImageCmsProfile(io.BytesIO(self.icc))
        return (profiles.from_srgb(strip, profile) for strip in self.picture.strips(depth))

    def image(self) -> Image.Image:
        """As `Picture.image`."""
        return Image.fromarray(np.concatenate(list(self.strips(8))))
