"""Spaces: how places are compared, along the directions in which a painting's own differ."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.errors import ImageError
from impasto.pictures.picture import Size
from impasto.places.gallery import Gallery
from impasto.places.grids import Grid

_AXES, _HELD = 256, 2**26
"""How many principal directions of the paintings' places are compared, and how many numbers of a picture's
places are held, of all grids together: of large pictures fewer directions, but no fewer than `_FEWEST`. At
2048 × 1365 pixels they are still 256 of a hypercolumn, and 127 of a layer by itself in the last pass."""
_FEWEST = 32
_SAMPLE = 8192
"""So many places, spread over the paintings, tell what these directions are."""
_PASSES = 4
"""So many steps find them, but for those that hardly count."""


@dataclass(frozen=True)
class Space:
    """How places are compared: layers divided by their typical length, along the directions in which the
    paintings' places differ.
    """

    scale: Mapping[str, Tensor]
    axes: Tensor
    mean: Tensor

    @classmethod
    def of(cls, samples: Mapping[str, Tensor], axes: int) -> "Space":
        """What suits places of paintings, by layer (M, C), in so many directions. Raises ImageError where
        there are none.
        """
        if not len(next(iter(samples.values()))):
            raise ImageError(
                "Too little of the style picture can be seen, or is left by its mask, to look at: enlarge it or `size`."
            )
        scale = {name: 1 / rows.norm(dim=1).mean().clamp_min(1e-12) for name, rows in samples.items()}
        joined = torch.cat([rows * scale[name] for name, rows in samples.items()], 1)
        mean = joined.mean(0)
        centred = joined - mean
        principal = _principal(centred.T @ centred, axes)
        return cls(scale, principal, mean @ principal)

    def along(self, columns: Mapping[str, Tensor]) -> Tensor:
        """The places (M, D) of columns, as they lie, with no mean taken off."""
        return torch.cat([column.float() * self.scale[name] for name, column in columns.items()], 1) @ self.axes


def _principal(symmetric: Tensor, count: int) -> Tensor:
    """Orthonormal columns that span, nearly, the leading eigenvectors of a matrix (C, C): (C, D). By
    orthogonal iteration (Halko et al. 2011, algorithm 4.4), which unlike a whole decomposition takes no time
    and fails for no matrix, also not for that of a flat painting.
    """
    channels = len(symmetric)
    drawn = torch.randn(channels, min(channels, count), generator=torch.Generator().manual_seed(0))
    axes = drawn.to(symmetric)
    for _ in range(_PASSES):
        axes = torch.linalg.qr(symmetric @ axes).Q
    return axes


def spaces_of(gallery: Gallery, grids: Sequence[Grid], size: Size) -> list[Space]:
    """What suits the paintings, grid by grid, and is not too much for a picture of a size."""
    upright = {number: view for number, view in enumerate(gallery.views) if view.upright}
    steps = [grid.every(list(upright.values()), _SAMPLE) for grid in grids]
    samples: list[dict[str, list[Tensor]]] = [{name: [] for name in grid.layers} for grid in grids]
    for number, view in upright.items():
        for tile, features in gallery.at(number):
            for grid, every, sample in zip(grids, steps, samples, strict=True):
                chosen = grid.chosen(view, tile.owned_at(grid.depth), every)
                for name, column in grid.columns(tile, features).items():
                    sample[name].append(column[chosen.to(column.device)].float())
    axes = axes_of(sum(math.prod(grid.size(size)) for grid in grids))
    return [Space.of({name: torch.cat(parts) for name, parts in sample.items()}, axes) for sample in samples]


def axes_of(positions: int) -> int:
    """In how many directions, at the most, a picture's places are compared, that are so many on all grids."""
    return min(_AXES, max(_FEWEST, _HELD // max(1, positions)))
