"""Pictures in: decoded, upright, in sRGB. docs/formats.md tells of every format what is read and how."""

import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

import numpy as np
import torch
from PIL import ExifTags, Image, ImageCms

from impasto.errors import ImageError, SettingsError, briefly
from impasto.machine import files
from impasto.pictures import bounds, encodings, exif, opened, profiles
from impasto.pictures.opened import Opened, Told
from impasto.pictures.picture import Depth, Picture, Size
from impasto.pictures.profiles import Array
from impasto.pictures.samples import tell_of_few_bits
from impasto.pictures.silence import silence

log = logging.getLogger("impasto")

Decoded = TypeVar("Decoded")

Encoded: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A picture's file: its path, its bytes, or a binary stream."""
PictureLike: TypeAlias = Encoded | Image.Image | Array | torch.Tensor | Picture
"""What `load` makes a `Picture` of."""


_allow_truncated = ContextVar("allow_truncated", default=False)


@contextmanager
def truncation(allowed: bool) -> Iterator[None]:
    """Whether pictures that are cut off may be read within it, by this thread: masks, paintings and all
    others that a task is given, by its setting ``allow_truncated``.
    """
    before = _allow_truncated.set(allowed)
    try:
        yield
    finally:
        _allow_truncated.reset(before)


def truncation_allowed() -> bool:
    """What `truncation` says here."""
    return _allow_truncated.get()


def load(source: PictureLike, allow_truncated: bool | None = None) -> Picture:
    """Any picture as a `Picture`.

    ``source`` is a path, the bytes of a file, a binary stream, a Pillow image, a `Picture`, an array (H, W),
    (H, W, 3) or (H, W, 4) or a tensor (C, H, W) or (1, C, H, W): uint8, uint16, or float in [0, 1]. A stream
    is read once, to its end: from its beginning, wherever it stands, or where it stands if it cannot go back.
    Greyscale, palette, 1-bit and CMYK become RGB; of an animation the first frame is taken. Of a JPEG, PNG or
    TIFF that is cut off what there is is taken if ``allow_truncated`` (by default as `truncation` has it),
    and the rest is of one colour. Raises ImageError.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        if source.dtype == np.uint16:
            tell_of_few_bits(source)
        with _named("The array"):
            return of_array(source)
    if isinstance(source, torch.Tensor):
        with _named("The tensor"):
            return of_array(_planes_last(source))
    if allow_truncated is None:
        return decoded(source, lambda image: of_array(np.asarray(image)))
    with truncation(allow_truncated):
        return load(source)


def size_of(path: Path) -> Size:
    """The height and width that a file declares, without decoding it. Raises ImageError for what is no
    picture.
    """
    return _told(path, opened.size_of)


def read_description(path: Path) -> str:
    """The description embedded by `save`, or an empty string. Raises ImageError when ``path`` is no
    picture.
    """
    return told_by(path, lambda told: str(told.tags.get(ExifTags.Base.ImageDescription, "")))


def told_by(path: Path, finish: Callable[[Told], Decoded]) -> Decoded:
    """What ``finish`` makes of what a file says of its picture. Raises ImageError."""
    return _told(path, lambda file: finish(opened.told_by(file)))


def decoded(source: Encoded | Image.Image, finish: Callable[[Image.Image | Array], Decoded]) -> Decoded:
    """What ``finish`` makes of the picture, upright and in sRGB.

    It is handed a Pillow image, RGB or RGBA, if the picture has 8 bits a channel, and an array (H, W), (H,
    W, 3) or (H, W, 4) if it has 16. What is cut off is read as `truncation` allows. Raises ImageError, also
    for whatever ``finish`` raises.
    """
    if isinstance(source, Image.Image):
        try:
            with _named("The Pillow image"):
                return finish(_upright(_of_pillow(source)))
        except (ImageError, MemoryError, SettingsError):
            raise
        except Exception as error:  # it may be decoded only now
            raise ImageError(f"The Pillow image cannot be used ({briefly(error)}): give one that is whole.") from error
    return _told(source, lambda file: finish(_upright(opened.opened(file, _allow_truncated.get()))))


def _told(source: Encoded, read: Callable[[BinaryIO], Decoded]) -> Decoded:
    """What ``read`` makes of a file. Whatever it raises becomes an ImageError that names the file."""
    name, file = _file(source)
    with file, silence():
        try:
            with _named(f"The picture {name}"):
                return read(file)
        except (ImageError, MemoryError, SettingsError):
            raise
        except Exception as error:  # decoders of hostile files raise whatever they please
            try:
                if isinstance(error, OSError) and error.errno:  # the system's, and no decoder's
                    raise error
                kind, size = opened.kind(file), file.seek(0, os.SEEK_END)
            except OSError as failed:
                raise _unreadable(name, failed) from error
            what = f"it is a damaged {kind}" if kind else "it is damaged or not a picture"
            raise ImageError(
                f"The picture {name} cannot be decoded, {what} ({size} bytes): "
                "get it anew, or save it again as PNG, TIFF, JPEG, WebP or AVIF."
            ) from error


@contextmanager
def _named(subject: str) -> Iterator[None]:
    """Within it, an ImageError says what it is of."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{subject} cannot be used: {error}") from error


def _unreadable(name: object, error: Exception) -> ImageError:
    return ImageError(f"The picture {name} cannot be read ({briefly(error)}): give the path of a picture file.")


def _file(source: Encoded) -> tuple[str, BinaryIO]:
    """What to call a picture, and its file, opened. Raises ImageError."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "that was given as bytes", io.BytesIO(source)
    if isinstance(source, (str, os.PathLike)):
        path = files.at_home(source)
        try:
            return str(path), files.opened(path)
        except (OSError, ValueError) as error:  # ValueError: no system has such a name
            raise _unreadable(path, error) from error
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
            f"A picture cannot be read from a {type(source).__name__}: give a path, bytes, a binary stream, an image, an array or a tensor."
        ) from error


def _planes_last(tensor: torch.Tensor) -> Array:
    """A tensor (C, H, W) or (1, C, H, W) as an array (H, W, C). Raises ImageError."""
    planes = tensor[0] if tensor.ndim == 4 and len(tensor) == 1 else tensor
    if planes.ndim != 3 or planes.shape[0] not in (1, 3, 4):
        raise ImageError(
            f"its shape is {tuple(tensor.shape)}, where (C, H, W) or (1, C, H, W) is expected, with 1, 3 or 4 channels."
        )
    planes = planes.detach().cpu()
    return (planes.float() if planes.is_floating_point() else planes).permute(1, 2, 0).numpy()


def of_array(array: Array) -> Picture:
    """An array as `load` takes it, of numbers that something has been said of already. Raises ImageError."""
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(f"its shape is {array.shape}, where (H, W), (H, W, 3) or (H, W, 4) is expected.")
    bounds.check((array.shape[0], array.shape[1]), held=8 * max(2, array.shape[2]))
    if array.dtype in (np.uint8, np.uint16):
        peak = np.iinfo(array.dtype).max
    elif np.issubdtype(array.dtype, np.floating):
        peak = 1
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise ImageError("floats from 0 to 1 are expected, and it holds others: divide them by the white value.")
    else:
        raise ImageError(f"it is of {array.dtype}, where uint8, uint16, or float in [0, 1] is expected.")
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


def _of_pillow(image: Image.Image) -> Opened:
    """A Pillow image as if it came from a file."""
    bounds.check((image.height, image.width))
    image.load()
    pixels: Image.Image | Array = image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        pixels = np.asarray(image)
        if image.mode == "F" or pixels.min() < 0 or pixels.max() > 65535:
            raise ImageError(f"its pixels are {image.mode} (32 bits): convert it to 8 or 16 bits a channel.")
        pixels = pixels.astype(np.uint16)
        tell_of_few_bits(pixels)
    tags, profile = exif.of_image(image), image.info.get("icc_profile")
    return Opened(pixels, exif.orientation(tags), profile, None if profile else exif.encoding(tags))


def _upright(picture: Opened) -> Image.Image | Array:
    """In sRGB and turned as EXIF says."""
    pixels, encoding = picture.pixels, picture.encoding
    if encoding is not None and encoding.is_srgb:
        encoding = None
    if isinstance(pixels, Image.Image):
        if pixels.mode in ("I", "F") or pixels.mode.startswith("I;16"):
            return _upright(_of_pillow(pixels))
        profile = profiles.foreign(picture.profile, pixels.mode)
        if (turn := _TURNS.get(picture.orientation)) is not None:  # careless programs write others, which mean nothing
            pixels = pixels.transpose(turn)
        image = _to_rgb(pixels, profile)
        if encoding is None or pixels.mode == "CMYK":
            return image
        return Image.fromarray(encodings.to_srgb(np.asarray(image), encoding))
    alpha = None
    if pixels.ndim == 3 and pixels.shape[2] == 2:  # grey, and transparent
        pixels, alpha = pixels[..., 0], pixels[..., 1:]
    profile = profiles.foreign(picture.profile, "RGB" if pixels.ndim == 3 else "L")
    if profile is not None:
        pixels = profiles.convert_16_bits(pixels, profile)
    elif encoding is not None:
        pixels = encodings.to_srgb(pixels, encoding)
    if alpha is not None:
        pixels = np.concatenate([pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2), alpha], 2)
    return _oriented(pixels, picture.orientation)


def _to_rgb(image: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> Image.Image:
    """8-bit RGB or RGBA in sRGB, from any 8-bit mode."""
    if image.mode == "La":  # which becomes nothing else
        image = image.convert("LA")
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    kind = "CMYK" if image.mode == "CMYK" else "L" if image.mode in ("1", "L", "LA") else "RGB"
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


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What `_oriented` does, by Pillow."""
