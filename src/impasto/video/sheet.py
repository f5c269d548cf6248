"""A sheet of some frames of a film, before and after."""

import contextlib
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from impasto.errors import ImageError
from impasto.machine import files
from impasto.pictures import codecs
from impasto.pictures.sheet import contact_sheet
from impasto.video.colour import Floats

COUNT = 8
_CELL = (320, 240)


class Glances:
    """Keeps some frames of a film, small, in a folder: they outlast a run that is cut off."""

    def __init__(self, folder: Path, frames: int) -> None:
        self._folder = folder
        count = min(COUNT, frames)
        self._numbers = sorted({(2 * place + 1) * frames // (2 * count) for place in range(count)})

    def take(self, number: int, before: Floats, after: Floats) -> None:
        """Keep a frame, if it is one of them."""
        if number in self._numbers:
            for name, pixels in (("before", before), ("after", after)):
                image = self._image(pixels)
                files.write_atomic(self._file(number, name), partial(image.save, format="PNG"), force=True)

    def sheet(self, path: Path, force: bool) -> None:
        """Write the sheet, of the frames that are there. Raises OutputError."""
        rows: list[list[tuple[str, Image.Image]]] = [[], []]
        for number in self._numbers:
            with contextlib.suppress(ImageError):
                pair = [(name, codecs.load(self._file(number, name)).image()) for name in ("before", "after")]
                for row, (name, image) in zip(rows, pair, strict=True):
                    row.append((f"{name} {number + 1}", image.convert("RGB")))
        codecs.save(codecs.load(contact_sheet(rows, _CELL)), path, force=force)

    def _file(self, number: int, name: str) -> Path:
        return self._folder / f"glance-{number:06d}-{name}.png"

    @staticmethod
    def _image(pixels: Floats) -> Image.Image:
        scale = min(1.0, _CELL[0] / pixels.shape[1], _CELL[1] / pixels.shape[0])
        size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return Image.fromarray(np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8))
