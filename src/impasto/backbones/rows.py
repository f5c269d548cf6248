"""Maps that are computed band by band, and what is added to their gradients on the way back.

The largest maps of a network are far larger than a processor's cache: as `Rows` they exist only as the band
that is being worked on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones.passes import Passes
from impasto.pictures.tiles import Window

_BAND_BYTES = 8 * 2**20
"""How much of a map is worked on at once: measured, smaller bands cost time and larger ones memory."""


@dataclass(frozen=True)
class Rows:
    """A feature map that is computed band by band: ``take(top, bottom)`` gives its rows from ``top`` to
    before ``bottom``.
    """

    shape: torch.Size
    dtype: torch.dtype
    device: torch.device
    order: torch.memory_format
    take: Callable[[int, int], Tensor]
    fresh: bool = False
    """Whether what is taken is made anew every time, and may be written to."""

    @classmethod
    def of(cls, x: Tensor) -> "Rows":
        """The rows of a tensor (N, C, H, W)."""
        return cls(x.shape, x.dtype, x.device, order(x), lambda top, bottom: x[:, :, top:bottom])

    def derived(self, channels: int, take: Callable[[int, int], Tensor], height: int = 0, width: int = 0) -> "Rows":
        """Rows computed from these."""
        shape = torch.Size((self.shape[0], channels, height or self.shape[2], width or self.shape[3]))
        return Rows(shape, self.dtype, self.device, self.order, take, fresh=True)

    def whole(self) -> Tensor:
        """All rows at once."""
        return self.take(0, self.shape[2])

    def joined(self) -> Tensor:
        """All rows, computed band by band."""
        taken = [self.take(top, bottom) for top, bottom in self.bands()]
        return taken[0] if len(taken) == 1 else torch.cat(taken, 2)

    def empty(self, height: int, width: int) -> Tensor:
        """A tensor of the same kind, and of the same order, to write into."""
        shape = (*self.shape[:2], height, width)
        return torch.empty(shape, dtype=self.dtype, device=self.device, memory_format=self.order)

    def bands(self) -> Iterator[tuple[int, int]]:
        """First and last row of the bands to work through; a GPU takes the map as one."""
        channels = max(self.shape[1], 64)  # the three of the pixels' gradient are made from the many of the first layer
        height = max(2, _BAND_BYTES // (self.shape[0] * channels * self.shape[3] * self.dtype.itemsize) // 2 * 2)
        if self.device.type != "cpu":
            height = self.shape[2]
        return ((top, min(top + height, self.shape[2])) for top in range(0, self.shape[2], height))


def order(x: Tensor) -> torch.memory_format:
    """How the numbers of a map (N, C, H, W) follow each other."""
    return torch.channels_last if x.stride(1) == 1 else torch.contiguous_format


Backward = Callable[[Rows], Rows]
"""From the gradient with respect to a layer's output to that with respect to its input."""


def averaged(x: Tensor, side: int) -> Tensor:
    """A map averaged over squares of ``side`` × ``side`` positions; what is left at its end belongs to
    none.
    """
    return x if side == 1 else nn.avg_pool2d(x, side)


def added(rows: Rows, other: Tensor, side: int = 1, window: Window | None = None, passes: Passes | None = None) -> Rows:
    """The sum of a gradient and that of an `averaged` map, of all of it or of what lies in a ``window`` of
    it.
    """
    first, last, left, right = _within(other, side, window)

    def take(top: int, bottom: int) -> Tensor:
        band = rows.take(top, bottom) if rows.fresh else rows.take(top, bottom).clone()
        a, b = max(top, first), min(bottom, last)
        if a < b:
            there = band[:, :, a - top : b - top, left:right]
            if passes is not None and passes.fit(there, other):
                passes.add(there, other, side, a - first)
            else:
                there += _handed_out(other, side, a - first, b - first)
        return band

    return rows.derived(rows.shape[1], take)


def spread(other: Tensor, shape: torch.Size, side: int = 1, window: Window | None = None) -> Rows:
    """The gradient of a map of ``shape`` from that of the `averaged` map, of all of it or of what lies in a
    ``window`` of it.
    """
    if window is None and side == 1:
        return Rows.of(other)
    whole = Rows.of(other).empty(*shape[2:]).zero_()
    top, bottom, left, right = _within(other, side, window)
    whole[:, :, top:bottom, left:right] = _handed_out(other, side, 0, bottom - top)
    return Rows.of(whole)


def _within(other: Tensor, side: int, window: Window | None) -> Window:
    """Where in a map the squares lie that ``other`` has an average of."""
    top, bottom, left, right = window or (0, other.shape[2], 0, other.shape[3])
    return top * side, bottom * side, left * side, right * side


def _handed_out(other: Tensor, side: int, top: int, bottom: int) -> Tensor:
    """Rows ``top`` to ``bottom`` of the gradient of the positions, each of which has its share of its
    square's.
    """
    if side == 1:
        return other[:, :, top:bottom]
    band = nn.interpolate(other[:, :, top // side : -(-bottom // side)] / side**2, scale_factor=side)
    return band[:, :, top % side : top % side + bottom - top]
