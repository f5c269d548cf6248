"""A picture as a value: pixels, transparency, depth, and its size."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as nn
from PIL import Image
from torch import Tensor

from impasto.pictures.profiles import Array
from impasto.pictures.tiles import Window

MAX_PIXELS = 2**29
"""Pictures that declare more are refused before they are decoded: 23 170 × 23 170, or 6 GB as float32 RGB."""

Size = tuple[int, int]
"""Height and width in pixels."""

Depth = Literal[8, 16]

LARGE = 2**25
"""Pictures with more pixels than this stay in 8 bits, where they have no more: as float32 they would take 0.4
GB and up."""

STRIP = 256
"""Rows that are encoded at a time where a format takes them so."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture: ``pixels`` (1, 3, H, W) float32 sRGB in [0, 1], ``alpha`` (1, 1, H, W) or None, bits a
    channel of its file.

    Where alpha is zero the colours mean nothing; `load` sets them to the mean of what can be seen.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    depth: Depth = 8

    @property
    def size(self) -> Size:
        """Height and width."""
        height, width = self.pixels.shape[2:]
        return height, width

    def resized(self, size: Size) -> "Picture":
        """The picture at another size, its colours weighted by alpha so that nothing hidden bleeds in."""
        if size == self.size:
            return self
        if self.alpha is None:
            return replace(self, pixels=resize(self.pixels, size))
        alpha = resize(self.alpha, size)
        visible = resize(self.pixels * self.alpha, size) / alpha.clamp_min(1e-6)
        pixels = torch.where(alpha > 1e-3, visible, resize(self.pixels, size)).clamp(0, 1)
        return replace(self, pixels=pixels, alpha=alpha)

    def fitted(self, size: "int | Size") -> "Picture":
        """The picture at a long side (an int), or at exactly (height, width): what overhangs is cropped, then
        it is scaled.
        """
        if isinstance(size, int):
            return self.resized(long_side(self.size, size))
        shape = (
            min(self.size[0], max(1, round(self.size[1] * size[0] / size[1]))),
            min(self.size[1], max(1, round(self.size[0] * size[1] / size[0]))),
        )
        top, left = (self.size[0] - shape[0]) // 2, (self.size[1] - shape[1]) // 2
        window = (..., slice(top, top + shape[0]), slice(left, left + shape[1]))
        alpha = None if self.alpha is None else self.alpha[window]
        return replace(self, pixels=self.pixels[window], alpha=alpha).resized(size)

    def read(self, window: Window) -> Tensor:
        """The colours in a window, (1, 3, h, w), as a view."""
        top, bottom, left, right = window
        return self.pixels[:, :, top:bottom, left:right]

    def paint(self, window: Window, pixels: Tensor) -> None:
        """Set the colours in a window, in place: for the owner of the picture."""
        self.read(window).copy_(pixels)

    def strips(self, depth: Depth) -> Iterator[Array]:
        """The `array` in parts of `STRIP` rows, top to bottom."""
        array = self.array(depth)
        return (array[top : top + STRIP] for top in range(0, len(array), STRIP))

    def array(self, depth: Depth | None = None) -> Array:
        """(H, W, 3) or, with alpha, (H, W, 4): uint8 or uint16 by ``depth``, by default the picture's own."""
        planes = self.pixels if self.alpha is None else torch.cat([self.pixels, self.alpha], 1)
        peak = 2 ** (depth or self.depth) - 1
        values = planes[0].permute(1, 2, 0).clamp(0, 1).mul_(peak).round_().cpu().numpy()
        array: Array = values.astype(np.uint16 if peak > 255 else np.uint8)
        return array

    def image(self) -> Image.Image:
        """As an 8-bit Pillow image, RGB or RGBA."""
        return Image.fromarray(self.array(8))


def outline(size: Size) -> Picture:
    """A picture of that size that takes no memory: a single number."""
    return Picture(torch.zeros(1, 1, 1, 1).expand(1, 3, *size))


def resize(planes: Tensor, size: Size) -> Tensor:
    """Bicubic resampling of (N, C, H, W), antialiased when it shrinks, clamped to [0, 1]."""
    if planes.shape[2:] == size:
        return planes
    return nn.interpolate(planes, size, mode="bicubic", antialias=True).clamp(0, 1)


def long_side(size: Size, length: int) -> Size:
    """(height, width) scaled so that the longer one is ``length``; neither becomes less than one."""
    scale = length / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def scaled_to(own: Size, wanted: int | Size) -> Size:
    """(height, width) of a picture of its ``own`` size at the one that is ``wanted``: a long side, or that
    itself.
    """
    return long_side(own, wanted) if isinstance(wanted, int) else wanted
