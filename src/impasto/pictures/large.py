"""Pictures too large for float32: painted over in place, window by window."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from impasto.errors import ImageError
from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import LARGE, STRIP, Depth, Picture, Size, scaled_to
from impasto.pictures.profiles import Array
from impasto.pictures.tiles import Window


@dataclass(frozen=True, eq=False)
class LargePicture:
    """A Pillow image, RGB or RGBA, that can be read and painted in windows: four bytes a pixel."""

    pillow: Image.Image
    depth: Depth = 8

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.pillow.height, self.pillow.width

    def image(self) -> Image.Image:
        """As a Pillow image: the very one."""
        return self.pillow

    def strips(self, depth: Depth) -> Iterator[Array]:
        """(rows, W, 3 or 4) of uint8 or uint16, top to bottom."""
        height, width = self.size
        for top in range(0, height, STRIP):
            strip = np.asarray(self.pillow.crop((0, top, width, min(top + STRIP, height))))
            yield strip if depth == 8 else strip.astype(np.uint16) * 257

    def outline(self) -> Image.Image | None:
        """Its transparency, in greys; None where it has none."""
        return self.pillow.getchannel("A") if self.pillow.mode == "RGBA" else None

    def read(self, window: Window) -> Tensor:
        """The colours in a window, (1, 3, h, w) float32 in [0, 1]."""
        top, bottom, left, right = window
        array = np.asarray(self.pillow.crop((left, top, right, bottom)))[..., :3]
        return torch.from_numpy(array.transpose(2, 0, 1).astype(np.float32) / 255)[None]

    def paint(self, window: Window, pixels: Tensor) -> None:
        """Set the colours in a window; transparency stays."""
        top, bottom, left, right = window
        tile = Picture(pixels).image()
        if self.pillow.mode == "RGBA":
            tile.putalpha(self.pillow.crop((left, top, right, bottom)).getchannel("A"))
        self.pillow.paste(tile, (left, top))


def resized(picture: Picture | LargePicture, size: Size) -> Picture | LargePicture:
    """The picture at another size, large if that is; one of 16 bits keeps them, as in `load_own`."""
    if isinstance(picture, Picture) and (picture.depth == 16 or size[0] * size[1] <= LARGE):
        return picture.resized(size)
    image = picture.image().resize(size[::-1], Image.Resampling.BICUBIC, reducing_gap=3)
    return LargePicture(_filled(image)) if size[0] * size[1] > LARGE else codecs.load(image)


def load_own(source: PictureLike, fitted: Callable[[Size], int | Size]) -> tuple[Size, Picture | LargePicture]:
    """The size of a picture, and the picture, which may be painted over, at the long side or the (height,
    width) that ``fitted`` names for that size.

    A `LargePicture` where it is large and has 8 bits a channel. Raises ImageError.
    """

    def finish(image: Image.Image | Array) -> tuple[Size, Picture | LargePicture]:
        own = (image.height, image.width) if isinstance(image, Image.Image) else (image.shape[0], image.shape[1])
        wanted = fitted(own)
        size = scaled_to(own, wanted)
        if not isinstance(image, Image.Image) or max(own[0] * own[1], size[0] * size[1]) <= LARGE:
            return own, codecs.of_array(np.asarray(image)).fitted(wanted)
        # ImageOps.fit crops what overhangs, and copies even when there is nothing to do.
        if size != own or image is source:
            image = ImageOps.fit(image, size[::-1], Image.Resampling.BICUBIC)
        return own, LargePicture(_filled(image)) if size[0] * size[1] > LARGE else codecs.load(image)

    if isinstance(source, (Picture, np.ndarray, Tensor)):
        picture = codecs.load(source)
        own = picture.size
        picture = picture.fitted(fitted(own))
        return own, replace(picture, pixels=picture.pixels.clone())
    return codecs.decoded(source, finish)


def _filled(image: Image.Image) -> Image.Image:
    """The same image, RGB or RGBA, in which what cannot be seen has the mean colour of what can, as in
    `codecs.of_array`: a network's statistics are of all of it. Raises ImageError.
    """
    if image.mode != "RGBA":
        return image
    height, width = image.height, image.width
    boxes = [(0, top, width, min(top + STRIP, height)) for top in range(0, height, STRIP)]
    *sums, opacity = sum(np.asarray(image.crop(box).convert("RGBa")).sum((0, 1), dtype=np.int64) for box in boxes)
    if opacity == 0:
        raise ImageError("it is transparent everywhere: there is nothing to see in it.")
    seen = *(round(255 * each / opacity) for each in sums), 0
    for box in boxes:
        strip = image.crop(box)
        strip.paste(seen, mask=strip.getchannel("A").point([255] + [0] * 255))
        image.paste(strip, box)
    return image
