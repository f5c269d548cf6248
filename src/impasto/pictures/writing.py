"""Pictures out: encoded by the suffix of their file, tagged as sRGB, whole or not at all.

Pillow writes what has 8 bits a channel; 16-bit PNG goes through OpenCV, and TIFF through tifffile, strip by
strip.
"""

import itertools
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from PIL import ExifTags, Image

from impasto.errors import OutputError
from impasto.machine.files import at_home, write_atomic
from impasto.pictures import profiles
from impasto.pictures.picture import LARGE, Depth, Size
from impasto.pictures.profiles import Array

log = logging.getLogger("impasto")


@dataclass(frozen=True)
class Format:
    """What a file format can hold, and how Pillow is asked to write it."""

    name: str
    alpha: bool
    depths: tuple[Depth, ...]
    longest: int
    options: dict[str, Any]


_PNG = Format("PNG", alpha=True, depths=(8, 16), longest=2**31 - 1, options={})
_TIFF = Format("TIFF", alpha=True, depths=(8, 16), longest=2**31 - 1, options={})
_JPEG = Format(
    "JPEG", alpha=False, depths=(8,), longest=65500, options={"quality": 95, "subsampling": "4:4:4", "optimize": True}
)

FORMATS: dict[str, Format] = {
    ".png": _PNG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WEBP", alpha=True, depths=(8,), longest=16383, options={"quality": 95, "method": 4}),
    ".avif": Format("AVIF", alpha=True, depths=(8,), longest=65536, options={"quality": 90, "subsampling": "4:4:4"}),
}
"""The formats that can be written, by file suffix."""


class Saveable(Protocol):
    """What `save` asks of a picture."""

    @property
    def size(self) -> Size: ...
    @property
    def depth(self) -> Depth: ...
    def strips(self, depth: Depth) -> Iterator[Array]: ...
    def image(self) -> Image.Image: ...


def save(
    picture: Saveable, path: Path, *, description: str = "", depth: Depth | None = None, force: bool = False
) -> None:
    """Write ``picture`` to ``path`` in the format of its suffix, tagged as sRGB, whole or not at all.

    ``description`` is kept in the EXIF ImageDescription (the same TIFF tag everywhere), where
    `read_description` finds it. ``depth`` defaults to the picture's own, or to 8 where the format has no
    more. Transparency is laid on white where the format cannot hold it. Raises OutputError.
    """
    path = at_home(path)
    form = check_format(path, picture.size, depth)
    depth = depth or (picture.depth if picture.depth in form.depths else 8)

    def write(file: BinaryIO) -> None:
        try:
            _encode(picture, depth, form, description, file)
        except Exception as error:  # encoders have limits of their own, which they tell in as many ways
            if isinstance(error, OSError) and error.errno is not None:  # what the disk has to say is another matter
                raise
            raise OutputError(f"{path} cannot be encoded as {form.name} ({error}): write a .png.") from error

    write_atomic(path, write, force)


def check_format(path: Path, size: Size, depth: Depth | None = None) -> Format:
    """The format of a file name. Raises OutputError for an unknown suffix, or a format that cannot hold the
    picture.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise OutputError(f"{path.name!r} does not end in a known picture format: use one of {', '.join(FORMATS)}.")
    if depth is not None and depth not in form.depths:
        raise OutputError(f"{form.name} holds {form.depths[-1]} bits a channel, not {depth}: write a .png or a .tiff.")
    if max(size) > form.longest:
        raise OutputError(f"{form.name} holds {form.longest} pixels a side, not {max(size)}: write a .png or a .tiff.")
    return form


def _encode(picture: Saveable, depth: Depth, form: Format, description: str, file: BinaryIO) -> None:
    if form.name == "TIFF":
        import tifffile

        strips = picture.strips(depth)
        first = next(strips)
        tifffile.imwrite(
            file,
            (zlib.compress(strip.tobytes()) for strip in itertools.chain([first], strips)),
            shape=(*picture.size, first.shape[2]),
            dtype=first.dtype,
            rowsperstrip=len(first),
            photometric="rgb",
            extrasamples=["unassalpha"] if first.shape[2] == 4 else [],
            compression="zlib",
            iccprofile=profiles.srgb(),
            description=description,
            metadata=None,
        )
        return
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = description
    if depth == 16:
        array = np.concatenate(list(picture.strips(16)))
        order = [2, 1, 0, 3][: array.shape[2]]
        import cv2  # 8-bit pictures do without its 50 ms and 20 MB

        kinds = [cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_ICCP]
        blocks = [exif.tobytes().removeprefix(b"Exif\0\0"), profiles.srgb()]
        chunks = [np.frombuffer(block, np.uint8) for block in blocks]
        done, encoded = cv2.imencodeWithMetadata(".png", np.ascontiguousarray(array[..., order]), kinds, chunks)
        assert done, "OpenCV encodes any uint16 array as PNG"
        file.write(encoded.data)
        return
    image = picture.image()
    if image.mode == "RGBA" and not form.alpha:
        log.warning("%s cannot hold transparency: it is laid on white.", form.name)
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    options = form.options
    if image.width * image.height > LARGE:  # libjpeg would hold all coefficients at once to find the best code for them
        options = options | {"optimize": False}
    image.save(file, form.name, icc_profile=profiles.srgb(), exif=exif, **options)
