"""Pictures in: decoded, upright, in sRGB.

The EXIF orientation is applied, and an embedded ICC profile converted to sRGB. Pillow reads what has 8 bits a
channel; 16-bit PNG and TIFF go through OpenCV, since Pillow opens them as 8 bits without a word.
"""

import io
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar

import numpy as np
import torch
from PIL import ExifTags, Image, ImageCms, ImageOps

from impasto.errors import ImageError, SettingsError
from impasto.machine.files import at_home
from impasto.pictures import profiles
from impasto.pictures.picture import MAX_PIXELS, Depth, Picture, Size
from impasto.pictures.profiles import Array

log = logging.getLogger("impasto")

Decoded = TypeVar("Decoded")

READABLE = ("PNG", "TIFF", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "PPM", "JPEG2000", "TGA", "ICO")
"""The formats that are opened, by Pillow's names. None of them is handed on to another program, as PostScript
would be."""


Encoded: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A picture's file: its path, its bytes, or a binary stream."""
PictureLike: TypeAlias = Encoded | Image.Image | Array | Picture
"""What `load` makes a `Picture` of."""


def load(source: PictureLike) -> Picture:
    """Any picture as a `Picture`.

    ``source`` is a path, the bytes of a file, a binary stream, a Pillow image, a `Picture`, or an array (H,
    W), (H, W, 3) or (H, W, 4): uint8, uint16, or float in [0, 1]. A stream is read once, to its end: from its
    beginning, wherever it stands, or where it stands if it cannot go back. Greyscale, palette, 1-bit and CMYK
    become RGB; of an animation the first frame is taken. Raises ImageError.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    return decoded(source, lambda image: _from_array(np.asarray(image)))


def size_of(path: Path) -> Size:
    """The height and width that a file declares, without decoding it. Raises ImageError for what is no
    picture.
    """
    try:
        with _open(path) as image:
            return image.height, image.width
    except Exception as error:
        raise ImageError(f"{path} is not a picture that can be read.") from error


def decoded(source: Encoded | Image.Image, finish: Callable[[Image.Image | Array], Decoded]) -> Decoded:
    """What ``finish`` makes of the picture, upright and in sRGB.

    It is handed a Pillow image, RGB or RGBA, if the picture has 8 bits a channel, and an array (H, W), (H, W,
    3) or (H, W, 4) if it has 16. Raises ImageError, also for whatever ``finish`` raises.
    """
    if isinstance(source, Image.Image):
        return finish(_from_pillow(source, None))
    name, file = _file(source)
    with file:
        try:
            with _open(file) as image:
                return finish(_from_pillow(image, file))
        except ImageError as error:
            raise ImageError(f"The picture {name} cannot be used: {error}") from error
        except (MemoryError, SettingsError):
            raise
        except Exception as error:  # decoders of hostile files raise whatever they please
            raise ImageError(
                f"The picture {name} cannot be decoded, it is damaged or not a picture ({file.seek(0, os.SEEK_END)} bytes): "
                "save it again as PNG, TIFF, JPEG, WebP or AVIF."
            ) from error


def _file(source: Encoded) -> tuple[str, BinaryIO]:
    """What to call a picture, and its file, opened. Raises ImageError."""
    if isinstance(source, bytes):
        return "that was given as bytes", io.BytesIO(source)
    if isinstance(source, (str, os.PathLike)):
        path = at_home(source)
        try:
            return str(path), path.open("rb")
        except (OSError, ValueError) as error:  # ValueError: no system has such a name
            reason = "it is a folder" if isinstance(error, IsADirectoryError) else getattr(error, "strerror", error)
            raise ImageError(
                f"The picture {path} cannot be read ({reason}): give the path of a picture file."
            ) from error
    try:
        if source.seekable():
            source.seek(0)
        return "that was given as a stream", io.BytesIO(source.read())
    except (
        AttributeError,
        OSError,
        TypeError,
        ValueError,
    ) as error:  # no stream at all, one of text, one that is closed
        raise ImageError(
            f"A picture cannot be read from a {type(source).__name__} ({error}): give a path, bytes, a binary stream, an image or an array."
        ) from error


def read_description(path: Path) -> str:
    """The description embedded by `save`, or an empty string. Raises ImageError when ``path`` is no
    picture.
    """
    try:
        with _open(path) as image:
            return str(image.getexif().get(ExifTags.Base.ImageDescription, ""))
    except Exception as error:
        raise ImageError(f"{path} cannot be read as a picture: give the path of a result of Impasto.") from error


def _from_array(array: Array) -> Picture:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(f"An array of shape {array.shape} is no picture: expected (H, W), (H, W, 3) or (H, W, 4).")
    if array.dtype in (np.uint8, np.uint16):
        peak = np.iinfo(array.dtype).max
    elif np.issubdtype(array.dtype, np.floating):
        peak = 1
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise ImageError("An array of floats must hold values from 0 to 1: divide it by its white value.")
    else:
        raise ImageError(f"An array of {array.dtype} is no picture: expected uint8, uint16, or float in [0, 1].")
    values = np.ascontiguousarray(array.transpose(2, 0, 1)).astype(np.float32)
    values /= peak
    planes = torch.from_numpy(values)[None]
    depth: Depth = 8 if array.dtype == np.uint8 else 16
    pixels = planes[:, :3].expand(-1, 3, -1, -1).contiguous() if planes.shape[1] < 3 else planes[:, :3].contiguous()
    if planes.shape[1] < 4 or bool((planes[:, 3] == 1).all()):
        return Picture(pixels, None, depth)
    alpha = planes[:, 3:].contiguous()
    if not bool(alpha.any()):
        raise ImageError("it is transparent everywhere: there is nothing to see in it.")
    seen = (pixels * alpha).sum((2, 3), keepdim=True) / alpha.sum()
    return Picture(torch.where(alpha > 0, pixels, seen), alpha, depth)


def _from_pillow(image: Image.Image, file: BinaryIO | None) -> Image.Image | Array:
    """Decode an opened image; ``file`` is where it comes from, which a 16-bit decoder reads again."""
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"it declares {image.width}×{image.height} pixels, more than the {MAX_PIXELS // 10**6} million allowed."
        )
    if getattr(image, "n_frames", 1) > 1:
        log.warning("The picture is animated: its first frame is taken.")
        image.seek(0)
    image.load()  # decodes, and so finds a truncated file, also where another decoder reads the 16 bits below
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    profile = profiles.foreign(image)
    if file is not None and _has_16_bits(image, file):
        file.seek(0)
        array = _decode_16_bits(image, file.read())
        if profile is not None:
            array = profiles.convert_16_bits(array, profile)
    elif image.mode in ("I", "F") or image.mode.startswith("I;16"):
        array = np.asarray(image)
        if image.mode == "F" or array.min() < 0 or array.max() > 65535:
            raise ImageError(f"its pixels are {image.mode} (32 bits): convert it to 8 or 16 bits a channel.")
        array = array.astype(np.uint16)
    else:
        return _to_rgb(ImageOps.exif_transpose(image) if orientation != 1 else image, profile)
    return _oriented(array, orientation)


def _has_16_bits(image: Image.Image, file: BinaryIO) -> bool:
    if image.format == "PNG":
        file.seek(24)
        return file.read(1) == b"\x10"  # the bit depth in the header chunk, which always comes first
    if image.format == "TIFF" and image.mode != "CMYK":
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        return bool(max(tags.get(ExifTags.Base.BitsPerSample, (1,))) == 16)
    return False


def _decode_16_bits(image: Image.Image, data: bytes) -> Array:
    import cv2

    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        raise ImageError("its 16-bit pixels cannot be decoded: save it again as PNG.")
    array: Array = decoded if decoded.ndim == 2 else decoded[..., [2, 1, 0, 3][: decoded.shape[2]]]
    if image.format == "TIFF":  # two conventions that OpenCV passes over
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        if tags.get(ExifTags.Base.PhotometricInterpretation) == 0:  # white is zero
            array = 65535 - array
        if tags.get(ExifTags.Base.ExtraSamples) in (1, (1,)) and array.ndim == 3:  # colours multiplied by alpha
            alpha = array[..., 3:].astype(np.float32) / 65535
            colour = (array[..., :3] / np.maximum(alpha, 1e-5)).clip(0, 65535).round().astype(np.uint16)
            array = np.concatenate([colour, array[..., 3:]], -1)
    return array


def _to_rgb(image: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> Image.Image:
    """8-bit RGB or RGBA in sRGB, from any 8-bit mode."""
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    kind = "CMYK" if image.mode == "CMYK" else "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    colour = image if image.mode == kind else image.convert(kind)  # which would copy, and pictures can be large
    if profile is not None:
        colour = profiles.convert(colour, profile)
    if colour.mode != "RGB":
        colour = colour.convert("RGB")
    if alpha is not None:
        colour = Image.merge("RGBA", (*colour.split(), alpha))
    return colour


def _oriented(array: Array, orientation: int) -> Array:
    """Undo the camera's rotation (EXIF tag 274): values 5 to 8 swap the axes, then the picture is flipped as
    needed.
    """
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array


_header_lock = threading.Lock()


def _open(file: BinaryIO | Path) -> Image.Image:
    """Open without Pillow's own limit on pixels: it is lower than `MAX_PIXELS`, global, and comes before the
    size is known.
    """
    with _header_lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=READABLE)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
