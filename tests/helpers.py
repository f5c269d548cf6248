"""Pictures that are drawn and networks that are random, for all tests."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto.backbones.features import Architecture, Backbone
from impasto.backbones.kernels import Padding, Pooling

TINY = Architecture(blocks=((2, 6), (1, 8)))
NARROW = Architecture(blocks=((2, 4), (2, 4), (4, 6), (4, 6), (4, 6)))


def random_tensors(architecture: Architecture) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    tensors, channels = {}, 3
    for layer in architecture.layers:
        if layer.startswith("conv"):
            width = architecture.blocks[int(layer[4]) - 1][1]
            kernel = torch.randn(width, channels, 3, 3, generator=generator, dtype=torch.float64)
            tensors[f"{layer}.weight"] = kernel / (9 * channels) ** 0.5
            tensors[f"{layer}.bias"] = torch.randn(width, generator=generator, dtype=torch.float64) / 10
            channels = width
    return tensors


def random_backbone(
    architecture: Architecture, dtype: torch.dtype, *, pooling: Pooling = "max", padding: Padding = "zeros"
) -> Backbone:
    return Backbone(architecture, random_tensors(architecture), pooling=pooling, padding=padding, dtype=dtype)


def narrow_backbone(name: str = "vgg19", **options: Any) -> Backbone:
    """In place of `Backbone.pretrained`: the layers of the VGG19, each with a few random channels."""
    return Backbone(NARROW, random_tensors(NARROW), **options)


def photo(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture with a few edges, (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    planes = [
        0.5 + 0.3 * np.sin(a * x + b * y) + 0.2 * ((x - c) ** 2 + (y - c) ** 2 < 0.05)
        for a, b, c in random.uniform([2, 2, 0.2], [9, 9, 0.8], (3, 3))
    ]
    picture: NDArray[np.uint8] = (np.clip(np.stack(planes, -1), 0, 1) * 255).round().astype(np.uint8)
    return picture


def painting(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    """Short coloured strokes, (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    canvas = np.full((height, width, 3), 200.0)
    for colour in random.uniform(0, 255, (40, 3)):
        cy, cx, angle = random.uniform(0, [height, width, np.pi])
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        canvas[(abs(along) < width / 5) & (abs(across) < height / 30)] = colour
    return canvas.round().astype(np.uint8)
