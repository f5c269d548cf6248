"""A picture painted over in place, tile by tile, and samples of it from which its statistics are taken."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from impasto.machine import memory
from impasto.pictures.large import LargePicture
from impasto.pictures.picture import Picture, Size
from impasto.pictures.tiles import Window
from impasto.tasks.sweep_budget import SAMPLE


def samples(canvas: Picture | LargePicture, count: int) -> Tensor:
    """About ``count`` parts of a picture, spread evenly over it, (N, 3, h, w).

    Their statistics come much nearer to those of the whole picture than a thumbnail's do, for they show its
    detail at its real size: docs/fast.md, "Any size".
    """
    height, width = canvas.size
    columns = max(1, min(width // SAMPLE, round((count * width / height) ** 0.5)))
    rows = max(1, min(height // SAMPLE, count // columns))
    places = [((row + 0.5) / rows, (column + 0.5) / columns) for row in range(rows) for column in range(columns)]
    return torch.cat([canvas.read(around(canvas.size, *place)) for place in places])


def around(size: Size, down: float, across: float, side: int = SAMPLE) -> Window:
    """A sample's window around a place, given as shares of the height and the width."""
    height, width = size
    sides = min(side, height), min(side, width)
    top, left = (
        round(share * whole - part / 2) for share, whole, part in zip((down, across), size, sides, strict=True)
    )
    return top, top + sides[0], left, left + sides[1]


def paint_tiles(
    canvas: Picture | LargePicture, paint: Callable[[Tensor], Tensor], side: int, reach: int
) -> Iterator[tuple[int, int]]:
    """Paint a picture over in place, in tiles of ``side`` pixels, yielding how many of how many are done.

    Every tile is painted with ``reach`` pixels around it and cut out again, so that it is what it were in the
    whole picture, given that ``paint`` does the same everywhere. ``side`` and ``reach`` are multiples of 4,
    the grid of the network.
    """
    height, width = canvas.size
    tops, lefts = range(0, height, side), range(0, width, side)
    above = canvas.read((0, 0, 0, width))  # of the rows that are painted already: what they were
    for row, top in enumerate(tops):
        bottom = min(top + side, height)
        painted: list[tuple[Window, Tensor]] = []
        for column, left in enumerate(lefts):
            right = min(left + side, width)
            first, last = max(0, left - reach), min(right + reach, width)
            below = canvas.read((top, min(bottom + reach, height), first, last))
            result = paint(torch.cat([above[:, :, :, first:last], below], 2))
            rows, columns = slice(above.shape[2], above.shape[2] + bottom - top), slice(left - first, right - first)
            painted.append(((top, bottom, left, right), result[:, :, rows, columns].to("cpu", copy=True)))
            if right == width:
                above = canvas.read((bottom - min(reach, bottom), bottom, 0, width)).clone()
                for window, tile in painted:
                    canvas.paint(window, tile)
            yield row * len(lefts) + column + 1, len(tops) * len(lefts)
        memory.release()
