"""Pictures out: encoded by the suffix of their file, tagged as sRGB, whole or not at all.

Pillow writes what has 8 bits a channel; 16-bit PNG goes through OpenCV, and TIFF through tifffile, strip by
strip.
"""

import contextlib
import io
import itertools
import logging
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin
from PIL.ExifTags import IFD, Base

from impasto.errors import OutputError
from impasto.machine.files import at_home, write_atomic
from impasto.pictures import profiles
from impasto.pictures.origin import NOWHERE, Converted, Origin
from impasto.pictures.picture import LARGE, MAX_PIXELS, Depth, Size
from impasto.pictures.profiles import Array

log = logging.getLogger("impasto")


@dataclass(frozen=True)
class Format:
    """What a file format can hold, and how Pillow is asked to write it.

    ``longest`` is the longest side in pixels by the bits a channel that there can be, ``area`` the most
    pixels, ``exif`` the most bytes of EXIF: what is beyond can be neither written nor read again.
    """

    name: str
    alpha: bool
    longest: Mapping[Depth, int]
    area: int = MAX_PIXELS
    exif: int = 2**31 - 1
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def depths(self) -> tuple[Depth, ...]:
        """The bits a channel that there can be."""
        return tuple(self.longest)

    @property
    def told(self) -> int:
        """The most bytes of a record, which leaves room for what a photograph says of itself."""
        return self.exif - 2**14


_PNG = Format("PNG", alpha=True, longest={8: 2**31 - 1, 16: 10**6})
_TIFF = Format("TIFF", alpha=True, longest={8: 2**31 - 1, 16: 2**20})
_JPEG = Format(
    "JPEG",
    alpha=False,
    longest={8: 65500},
    exif=65533,
    options={"quality": 95, "subsampling": "4:4:4"},
)
_AVIF = Format("AVIF", alpha=True, longest={8: 32768}, area=2**28, options={"quality": 90, "subsampling": "4:4:4"})

FORMATS: dict[str, Format] = {
    ".png": _PNG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WEBP", alpha=True, longest={8: 16383}, options={"quality": 95, "method": 4}),
    ".avif": _AVIF,
}
"""The formats that can be written, by file suffix."""


_so_far = ContextVar("_so_far", default=False)


@contextlib.contextmanager
def so_far() -> Iterator[None]:
    """Within it a picture that is written is not the result: of what its format cannot hold nothing is said,
    for it is not lost.
    """
    before = _so_far.set(True)
    try:
        yield
    finally:
        _so_far.reset(before)


class Saveable(Protocol):
    """What `save` asks of a picture."""

    @property
    def size(self) -> Size: ...
    @property
    def depth(self) -> Depth: ...
    def strips(self, depth: Depth) -> Iterator[Array]: ...
    def image(self) -> Image.Image: ...


def save(
    picture: Saveable,
    path: Path,
    *,
    description: str = "",
    depth: Depth | None = None,
    force: bool = False,
    origin: Origin = NOWHERE,
) -> None:
    """Write ``picture`` to ``path`` in the format of its suffix, tagged as sRGB, whole or not at all.

    ``description`` is kept in the EXIF ImageDescription (the same TIFF tag everywhere), where
    `read_description` finds it, and what ``origin`` holds beside it: with a profile, the colours are
    converted, and tagged with that. What is more than the format can hold is left out, with a warning.
    ``depth`` defaults to the picture's own, or to 8 where the format has no more. Transparency is laid on
    white where the format cannot hold it. Raises OutputError.
    """
    path = at_home(path)
    write_atomic(path, _writer(picture, path, description, depth, origin), force)


def encoded(
    picture: Saveable, suffix: str, *, description: str = "", depth: Depth | None = None, origin: Origin = NOWHERE
) -> bytes:
    """The bytes of the file that `save` would write under a name with that ``suffix``. Raises OutputError."""
    file = io.BytesIO()
    _writer(picture, Path(f"picture{suffix}"), description, depth, origin)(file)
    return file.getvalue()


def _writer(
    picture: Saveable, path: Path, description: str, depth: Depth | None, origin: Origin
) -> Callable[[BinaryIO], None]:
    """What writes a picture into a file of that name. Raises OutputError, as it does itself."""
    form = check_format(path, picture.size, depth)
    depth = depth or (picture.depth if picture.depth in form.depths else 8)
    check_format(path, picture.size, depth)
    colours = Converted(picture, origin.profile) if origin.profile else picture
    profile = origin.profile or profiles.srgb()
    exif = _fitting(form, description, origin)

    def write(file: BinaryIO) -> None:
        try:
            _encode(colours, depth, form, file, exif=exif, profile=profile)
        except Exception as error:  # encoders have limits of their own, which they tell in as many ways
            if isinstance(error, OSError) and error.errno is not None:  # what the disk has to say is another matter
                raise
            raise OutputError(f"{path} cannot be encoded as {form.name} ({error}): write a .png.") from error

    return write


def check_format(path: Path, size: Size, depth: Depth | None = None) -> Format:
    """The format of a file name. Raises OutputError for an unknown suffix, or a format that cannot hold the
    picture.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise OutputError(f"{path.name!r} does not end in a known picture format: use one of {', '.join(FORMATS)}.")
    if depth is not None and depth not in form.depths:
        raise OutputError(f"{form.name} holds {form.depths[-1]} bits a channel, not {depth}: write a .png or a .tiff.")
    longest = form.longest[depth or form.depths[0]]
    if max(size) > longest:
        raise OutputError(f"{form.name} holds {longest} pixels a side, not {max(size)}: write a .png or a .tiff.")
    if size[0] * size[1] > form.area:
        raise OutputError(f"{form.name} holds {form.area} pixels, not {size[0] * size[1]}: write a .png or a .tiff.")
    return form


def _fitting(form: Format, description: str, origin: Origin) -> Image.Exif:
    """What is said of a picture, or as much of it as a format can hold."""
    for told, said in ((description, origin), ("", origin), (description, NOWHERE)):
        exif = said.exif(told)
        if len(exif.tobytes()) <= form.exif:
            break
    else:
        exif = NOWHERE.exif("")
    if told != description:
        _warn("%s has no room for the record (%d bytes): it is left out of it.", form.name, len(description))
    if said is not origin:
        _warn("%s has no room for what the photograph says of itself: it is left out.", form.name)
    return exif


def _warn(lost: str, *of: Any) -> None:
    """Tell what a result has ``lost`` by its format."""
    if not _so_far.get():
        log.warning(lost, *of)


def _encode(picture: Saveable, depth: Depth, form: Format, file: BinaryIO, *, exif: Image.Exif, profile: bytes) -> None:
    if form.name == "TIFF":
        _encode_tiff(picture, depth, exif, profile, file)
    elif depth == 16:
        _encode_deep_png(picture, exif, profile, file)
    else:
        image = picture.image()
        if image.mode == "RGBA" and not form.alpha:
            _warn("%s cannot hold transparency: it is laid on white.", form.name)
            white = Image.new("RGB", image.size, "white")
            white.paste(image, mask=image.getchannel("A"))
            image = white
        options = {"icc_profile": profile, "exif": exif, **form.options}
        if form.name != "JPEG":
            image.save(file, form.name, **options)
            return
        whole = io.BytesIO()  # into a file, Pillow writes a JPEG itself, and on a full disk half of one without a word
        image.save(whole, form.name, optimize=_optimizable(image, options), **options)
        file.write(whole.getbuffer())


def _optimizable(image: Image.Image, options: dict[str, Any]) -> bool:
    """Whether the best code of a JPEG can be looked for.

    libjpeg holds all coefficients at once for it, and Pillow a buffer of two bytes a pixel: noise takes more,
    and the attempt to write it so fails, and says so on the standard error.
    """
    area = image.width * image.height
    if area > LARGE:
        return False
    plain = io.BytesIO()
    image.save(plain, "JPEG", **options | {"optimize": False})
    return plain.tell() <= max(ImageFile.MAXBLOCK, 2 * area)


def _encode_deep_png(picture: Saveable, exif: Image.Exif, profile: bytes, file: BinaryIO) -> None:
    import cv2  # 8-bit pictures do without its 50 ms and 20 MB

    array = np.concatenate(list(picture.strips(16)))
    order = [2, 1, 0, 3][: array.shape[2]]
    kinds = [cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_ICCP]
    chunks = [np.frombuffer(block, np.uint8) for block in (exif.tobytes().removeprefix(b"Exif\0\0"), profile)]
    done, encoded = cv2.imencodeWithMetadata(".png", np.ascontiguousarray(array[..., order]), kinds, chunks)
    assert done, "OpenCV encodes any uint16 array as PNG"
    file.write(encoded.data)


def _encode_tiff(picture: Saveable, depth: Depth, exif: Image.Exif, profile: bytes, file: BinaryIO) -> None:
    import tifffile

    strips = picture.strips(depth)
    first = next(strips)
    own = {
        tag: value for tag, value in exif.items() if isinstance(value, (str, bytes)) and tag != Base.ImageDescription
    }
    parts = {each: tags for each in (IFD.Exif, IFD.GPSInfo) if (tags := exif.get_ifd(each))}
    tifffile.imwrite(
        file,
        (zlib.compress(strip.tobytes()) for strip in itertools.chain([first], strips)),
        byteorder="<",
        shape=(*picture.size, first.shape[2]),
        dtype=first.dtype,
        rowsperstrip=len(first),
        photometric="rgb",
        extrasamples=["unassalpha"] if first.shape[2] == 4 else [],
        compression="zlib",
        iccprofile=profile,
        description=exif[Base.ImageDescription],
        metadata=None,
        extratags=[
            *((tag, 2, None, value, True) for tag, value in own.items()),
            *((part - 1, 4, 1, 0, True) for part in parts),
        ],
    )
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        # tifffile writes no directories within: they are put at the end, and the tags of the numbers before
        # theirs become those that lead there.
        for part, tags in parts.items():
            directory = TiffImagePlugin.ImageFileDirectory_v2(group=part)
            directory.update(tags)
            place = file.seek(0, os.SEEK_END)
            file.write(directory.tobytes(place))
            tag = tiff.pages.first.tags[part - 1]
            tag.overwrite(place)
            file.seek(tag.offset)
            file.write(part.to_bytes(2, "little"))
