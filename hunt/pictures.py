"""Mutated pictures: seeds of every format, and a loop that breaks them and looks at what reading them does.

What is promised of any file: a picture or an ImageError, within ten seconds, and nothing on stderr.
"""

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from numpy.typing import NDArray
from PIL import Image

from impasto.errors import ImageError
from impasto.pictures import profiles
from impasto.pictures.codecs import load
from tests.helpers import photo

SLOW = 10.0
"""Seconds within which every file is read or refused."""

_HEADS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
"""Numbers that decoders have stumbled on."""


@dataclass(frozen=True)
class Finding:
    """What went wrong with a file: ``data`` makes it happen again."""

    name: str
    number: int
    data: bytes
    what: str


def seeds() -> dict[str, bytes]:
    """A small sound file of every kind that is read, by a name with its suffix."""
    colours = photo(40, 56)
    image, deep = Image.fromarray(colours), colours.astype(np.uint16) * 257
    exif = Image.Exif()
    exif[274] = 6

    def written(form: str, image: Image.Image = image, **options: object) -> bytes:
        file = io.BytesIO()
        image.save(file, form, **options)
        return file.getvalue()

    def tiff(array: NDArray[np.generic] = colours, **options: object) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, array, metadata=None, **{"photometric": "rgb"} | options)  # type: ignore[arg-type]
        return file.getvalue()

    heic = io.BytesIO()
    pillow_heif.from_pillow(image).save(heic)
    grey = deep[..., 0]
    return {
        "plain.png": written("PNG", icc_profile=profiles.srgb(), exif=exif),
        "palette.png": written("PNG", image.convert("P"), transparency=3),
        "deep.png": cv2.imencode(".png", deep)[1].tobytes(),
        "plain.jpg": written("JPEG", icc_profile=profiles.srgb(), exif=exif),
        "passes.jpg": written("JPEG", progressive=True),
        "inks.jpg": written("JPEG", image.convert("CMYK")),
        "plain.webp": written("WEBP", exif=exif),
        "lossless.webp": written("WEBP", image.convert("RGBA"), lossless=True),
        "plain.avif": written("AVIF", exif=exif),
        "bare.avif": written("AVIF").replace(b"colrnclx", b"freenclx"),
        "plain.heic": heic.getvalue(),
        "plain.gif": written("GIF", save_all=True, append_images=[Image.new("RGB", image.size)]),
        "plain.bmp": written("BMP"),
        "plain.ppm": written("PPM"),
        "plain.jp2": written("JPEG2000"),
        "deep.jp2": bytes(imagecodecs.jpeg2k_encode(deep, level=0, codecformat="JP2")),
        "plain.tga": written("TGA", compression="tga_rle"),
        "plain.ico": written("ICO", sizes=[(32, 32), (16, 16)]),
        "bitmap.ico": written("ICO", sizes=[(32, 32)], bitmap_format="bmp"),
        "plain.tif": tiff(iccprofile=profiles.srgb()),
        "planes.tif": tiff(deep.transpose(2, 0, 1), planarconfig="separate", compression="lzw", predictor=True),
        "tiles.tif": tiff(np.dstack([deep, grey]), extrasamples=["assocalpha"], tile=(16, 16), compression="zlib"),
        "big.tif": tiff(colours / np.float32(255), bigtiff=True),
        "jpeg.tif": tiff(compression="jpeg"),
        "palette.tif": tiff(colours[..., 0], photometric="palette", colormap=np.repeat(grey.ravel()[:256][None], 3, 0)),
        "fax.tif": written("TIFF", image.convert("1"), compression="group4"),
    }


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """A file with some of its bytes changed, repeated, taken out, or cut off."""
    broken = bytearray(data)
    for _ in range(1 + random.geometric(0.4)):
        # Headers are where numbers decide, so half of the changes are there.
        most = len(broken) if random.random() < 0.5 else min(len(broken), 512)
        place = int(random.integers(max(1, most)))
        match random.integers(6):
            case 0:
                broken[place : place + 1] = bytes([int(random.integers(256))])
            case 1:
                if broken:
                    place = min(place, len(broken) - 1)
                    broken[place] ^= 1 << int(random.integers(8))
            case 2:
                width = int(random.choice([1, 2, 4]))
                value = int(random.choice(_HEADS)) & (256**width - 1)
                broken[place : place + width] = value.to_bytes(width, "big" if random.random() < 0.5 else "little")
            case 3:
                length = len(broken) if random.random() < 0.3 else int(random.integers(1, 64))
                del broken[place : place + length]
            case 4:
                broken[place:place] = broken[place : place + int(random.integers(1, 256))] * int(random.integers(1, 9))
            case _:
                other = int(random.integers(max(1, len(broken))))
                broken[place : place + 16] = broken[other : other + 16]
    return bytes(broken)


def findings(
    files: Mapping[str, bytes],
    count: int,
    seed: int = 0,
    read: Callable[[bytes], object] = lambda data: (load(data), load(data, allow_truncated=True)),
    *,
    seconds: float = float("inf"),
    seen: Path | None = None,
) -> Iterator[Finding]:
    """What goes wrong with ``count`` mutations of each file, or as many as there is time for. The one at hand
    is written to the file ``seen``, for whoever kills the process.
    """
    end = time.monotonic() + seconds
    for number in range(count):
        for name, data in files.items():
            if time.monotonic() > end:
                return
            random = np.random.default_rng([seed, number, *name.encode()])
            broken = mutated(data, random)
            if seen is not None:
                seen.write_bytes(broken)
            if what := _trouble(broken, read):
                yield Finding(name, number, broken, what)


def _trouble(data: bytes, read: Callable[[bytes], object]) -> str:
    started = time.monotonic()
    with _stderr() as said:
        try:
            read(data)
        except ImageError:
            pass
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    return f"{seconds:.0f} s" if seconds > SLOW else said()


@contextlib.contextmanager
def _stderr() -> Iterator[Callable[[], str]]:
    """Catch what the whole process, C libraries included, says on stderr."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)

        def said() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        text: list[str] = []
        try:
            yield lambda: text[0] if text else ""
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            text.append(said())
