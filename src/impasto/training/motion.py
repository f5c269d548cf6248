"""Photographs that move a little, as those of a clip do, and how far what is painted of them moves along.

Eilertsen, Mantiuk and Unger (2019): motion can be made up, so that the photographs do that a network is
trained on anyway, and no clips are needed whose flow is known. What is compared of two pictures is our own.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.losses.objective import TOTAL

_SHIFT, _ZOOM = 8.0, 0.03
"""Pixels by which a photograph moves at the most, each way, and the share by which it grows or shrinks."""
_LIGHT, _GRAIN = 0.05, 0.02
"""How much brighter or darker it becomes at the most, as a share, and the deviation of its grain."""
_OCTAVES, _FEWEST = 4, 8
"""How many are compared, besides what is coarser still, and pixels below which there are no more."""
_BORDER = 16
"""Pixels from the border that are not: there a network sees what is not in the picture."""
_LEAST = 1 / 255**2
"""Energy below which an octave is as good as empty: a level of 255."""


def moved(pixels: Tensor, motion: Tensor) -> Tensor:
    """Squares (N, 3, s, s) moved (N, 2, 3), mirrored at the border. Differentiable."""
    origins = F.affine_grid(motion, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, origins, "bicubic", "reflection", align_corners=False)


def seen_anew(photo: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A photograph (1, 3, s, s) moved, in another light, with other grain, in [0, 1]; and the motion (1, 2,
    3): where each place comes from, in the coordinates of torch's ``affine_grid``.
    """
    zoom = 1 + random.uniform(-_ZOOM, _ZOOM)
    across, down = random.uniform(-_SHIFT, _SHIFT, 2) * 2 / photo.shape[3]
    motion = torch.tensor([[[zoom, 0, across], [0, zoom, down]]], dtype=torch.float32)
    light = 1 + random.uniform(-_LIGHT, _LIGHT)
    grain = torch.from_numpy(random.normal(0, _GRAIN * random.uniform(), photo.shape).astype(np.float32))
    return (moved(photo, motion) * light + grain).clamp(0, 1), motion


def unsteadiness(before: Tensor, after: Tensor, motion: Tensor) -> Tensor:
    """How far what is painted ``after`` a ``motion`` (N, 2, 3) is from what was painted ``before``, moved;
    both (N, 3, s, s), s at least 64. A scalar: 0 where it has moved along, 1 where the two have nothing to do
    with each other.

    Octave by octave the energy of the difference over that of the two, and the mean of all. The energy of
    the difference alone would be least for a network that paints nothing fine, and what is trained by it
    blurs. Differentiable.
    """
    side = before.shape[-1]
    edge = math.ceil(_BORDER + _SHIFT + _ZOOM * side / 2)
    middle = slice(edge, side - edge)
    ours, theirs = moved(before, motion)[:, :, middle, middle], after[:, :, middle, middle]
    shares = []
    for own, other in zip(_octaves(ours), _octaves(theirs), strict=True):
        apart, both = _energy(own - other), _energy(own) + _energy(other)
        shares.append(apart / (both + _LEAST))
    return torch.stack(shares).mean()


def joined(losses: dict[str, float], unsteady: float, weight: float) -> dict[str, float]:
    """Losses by name with one more, `unsteadiness`, which is part of their total by its ``weight``."""
    return losses | {"steady": unsteady, TOTAL: losses[TOTAL] + weight * unsteady}


def _octaves(pixels: Tensor) -> list[Tensor]:
    """A picture by octaves, and what is coarser, about the middle of its range, so that it counts by its
    contrast.
    """
    found: list[Tensor] = []
    while len(found) < _OCTAVES and min(pixels.shape[2:]) >= _FEWEST:
        coarse = F.avg_pool2d(pixels, 2)
        found.append(pixels - F.interpolate(coarse, pixels.shape[2:], mode="bilinear", align_corners=False))
        pixels = coarse
    return [*found, pixels - 0.5]


def _energy(octave: Tensor) -> Tensor:
    """The mean square (N,)."""
    return octave.square().mean((1, 2, 3))
