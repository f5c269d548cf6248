"""Tiles of a picture: the part each one owns, and the surroundings that have to be seen along with it.

Cut at multiples of the network's coarsest step, tiles own whole positions of every layer, and what they own
adds up to the picture. A tile is seen with a margin of what its outermost positions reach: then their
features are those of the whole picture, and the gradients of what is owned, spread over all that is seen, add
up to the whole picture's. Zeros or repeated borders are met at the picture's own border only.
"""

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

Window = tuple[int, int, int, int]
"""Top, bottom, left and right of a part of a map or a picture; bottom and right are outside."""


@dataclass(frozen=True)
class Tile:
    """Windows (top, bottom, left, right) in pixels: what the tile owns, and what is seen of the picture of
    ``size`` for it.
    """

    owned: Window
    seen: Window
    size: tuple[int, int]

    @property
    def is_whole(self) -> bool:
        return self.owned == (0, self.size[0], 0, self.size[1])

    def of(self, layer: Tensor, depth: int = 0) -> Tensor:
        """What is seen of the picture, or of a layer ``depth`` poolings deep: a view."""
        return cropped(layer, _shrunk(self.seen, depth))

    def owned_at(self, depth: int) -> Window:
        """What it owns of a layer ``depth`` poolings deep, in that layer's positions: poolings leave out what
        is odd at the end.
        """
        return _shrunk(self.owned, depth)

    def inside(self, depth: int) -> Window:
        """The same within the layer as it is computed from what is seen."""
        top, bottom, left, right = self.owned_at(depth)
        above, _, before, _ = _shrunk(self.seen, depth)
        return top - above, bottom - above, left - before, right - before


def cut(size: tuple[int, int], side: int | None, step: int, reach: int) -> list[Tile]:
    """The tiles of a picture, in reading order, of at most about ``side`` pixels a side; None is one tile,
    the picture itself.

    ``step`` is the pixels to a position of the coarsest layer, ``reach`` what a position sees beyond its own.

    >>> [tile.owned for tile in cut((32, 48), 32, step=16, reach=10)]
    [(0, 32, 0, 16), (0, 32, 16, 48)]
    """
    rows, columns = _cut(size, side, step, reach)
    return [Tile((*down, *across), (*below, *beyond), size) for down, below in rows for across, beyond in columns]


def seen(size: tuple[int, int], side: int | None, step: int, reach: int) -> tuple[int, int]:
    """How many pixels the tiles of `cut` see together, and how many the largest sees."""
    heights, widths = ([end - start for _, (start, end) in each] for each in _cut(size, side, step, reach))
    return sum(heights) * sum(widths), max(heights) * max(widths)


_Span = tuple[int, int]


def _cut(size: tuple[int, int], side: int | None, step: int, reach: int) -> list[list[tuple[_Span, _Span]]]:
    """From top to bottom and from left to right, what tiles own and what they see."""
    height, width = size
    margin = math.ceil(reach / step) * step
    return [
        [
            ((top, bottom), (max(0, top - margin), min(height, bottom + margin)))
            for top, bottom in _spans(height, side or height, step)
        ],
        [
            ((left, right), _widened(left - margin, right + margin, width, step))
            for left, right in _spans(width, side or width, step)
        ],
    ]


@functools.cache
def _lane() -> int:
    """Of what a width in pixels is best a multiple: with AMX of one that stays a multiple of 16 through the
    poolings, for others take rather more than a third longer. Processors without it do not care.
    """
    return 128 if torch.cpu.get_capabilities().get("amx_bf16") else 1


def _widened(left: int, right: int, width: int, step: int) -> _Span:
    """Within the picture, and as wide as the processor likes it, where there is room."""
    left, right = max(0, left), min(width, right)
    lacking = -(right - left) % _lane()
    if lacking % step:  # it ends at the border of a picture of an odd width
        return left, right
    if right + lacking <= width // step * step:
        return left, right + lacking
    return (left - lacking, right) if lacking <= left else (left, right)


def cropped(x: Tensor, window: Window) -> Tensor:
    """A window of (N, C, H, W), a view."""
    top, bottom, left, right = window
    return x[:, :, top:bottom, left:right]


def _shrunk(window: Window, depth: int) -> Window:
    top, bottom, left, right = window
    return top >> depth, bottom >> depth, left >> depth, right >> depth


def _spans(length: int, side: int, step: int) -> list[_Span]:
    """Equal parts at multiples of ``step``: a last part of a few pixels would be nothing but margin."""
    count = min(math.ceil(length / side), max(1, length // step))
    cuts = [length * index // count // step * step for index in range(count)]
    return list(zip(cuts, [*cuts[1:], length], strict=True))
