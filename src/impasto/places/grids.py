"""Places of pictures: the grid of positions at which their layers are compared.

A place is a position of the grid of the shallowest layer of a group, with the features that all its layers
have there, a *hypercolumn* (`search`). Deeper layers have one position for several of the grid's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.pictures.picture import Size
from impasto.pictures.tiles import Tile, Window
from impasto.places.gallery import View


@dataclass(frozen=True)
class Grid:
    """The positions at which some layers are compared: those of the shallowest."""

    backbone: Backbone
    layers: tuple[str, ...]

    @cached_property
    def depth(self) -> int:
        """How many poolings deep it is."""
        return min(map(self.backbone.architecture.depth, self.layers))

    def size(self, pixels: Size) -> Size:
        """How many positions it has for a picture of a size."""
        return pixels[0] >> self.depth, pixels[1] >> self.depth

    def of(self, view: View) -> Size:
        """How many it has for a view."""
        return self.size(view.size)

    def steps(self, layer: str) -> int:
        """The side of the square of its positions that share one of a layer."""
        return 1 << self.backbone.architecture.depth(layer) - self.depth

    def columns(self, tile: Tile, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """By layer, what the positions that a tile owns have there, in reading order: (M, C)."""
        return {name: self._rows(name, features[name], tile.owned_at(self.depth)) for name in self.layers}

    def _rows(self, layer: str, feature: Tensor, window: Window) -> Tensor:
        height, width = window[1] - window[0], window[3] - window[2]
        if (side := self.steps(layer)) > 1:
            feature = nn.interpolate(feature, scale_factor=side)
            # Where poolings left out the rest, the last row and column stand in for it.
            below, beyond = max(0, height - feature.shape[2]), max(0, width - feature.shape[3])
            feature = nn.pad(feature, (0, beyond, 0, below), mode="replicate")[:, :, :height, :width]
        return feature.permute(0, 2, 3, 1).flatten(0, 2)

    def visible(self, view: View, window: Window) -> Tensor:
        """Which places of a window can be seen, (h, w)."""
        top, bottom, left, right = window
        visible = view.visible(self.depth)
        if visible is None:
            return torch.ones(bottom - top, right - left, dtype=torch.bool)
        return visible[top:bottom, left:right]

    def chosen(self, view: View, window: Window, every: int) -> Tensor:
        """The visible places of a window, of all only every so many each way, as indices into the window's
        own, in reading order.
        """
        top, _, left, _ = window
        visible = self.visible(view, window)
        counts = torch.zeros_like(visible)
        counts[-top % every :: every, -left % every :: every] = True
        return (counts & visible).flatten().nonzero()[:, 0]

    def every(self, views: Sequence[View], most: int) -> int:
        """At every how many places each way of views one has to look so as to see not many more than
        ``most``.
        """
        windows = [(0, height, 0, width) for height, width in map(self.of, views)]
        visible = sum(int(self.visible(view, window).sum()) for view, window in zip(views, windows, strict=True))
        return math.ceil((visible / most) ** 0.5) or 1
