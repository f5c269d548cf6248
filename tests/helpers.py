"""Pictures that are drawn and networks that are random, for all tests."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto.architecture import Architecture
from impasto.backbones.features import Backbone
from impasto.backbones.kernels import Padding, Pooling
from impasto.backbones.passes import Compile
from impasto.losses.statistics import Stat
from impasto.networks import encoder
from impasto.networks.cin import StylizerShape
from impasto.networks.contract import Design, Network, save_network
from impasto.training import beginnings, held_out, pictures

TINY = Architecture(blocks=((2, 6), (1, 8)))
NARROW = Architecture(blocks=((2, 6), (2, 6), (4, 6), (4, 6), (4, 6)))
"""The layers of the VGG19, each with a few channels."""


def random_tensors(architecture: Architecture, dtype: torch.dtype) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    tensors, channels = {}, 3
    for layer in architecture.layers:
        if layer.startswith("conv"):
            width = architecture.blocks[int(layer[4]) - 1][1]
            kernel = torch.randn(width, channels, 3, 3, generator=generator, dtype=torch.float64)
            tensors[f"{layer}.weight"] = kernel / (9 * channels) ** 0.5
            tensors[f"{layer}.bias"] = torch.randn(width, generator=generator, dtype=torch.float64) / 10
            channels = width
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def random_backbone(
    architecture: Architecture,
    dtype: torch.dtype,
    *,
    pooling: Pooling = "max",
    padding: Padding = "zeros",
    compile: Compile = "auto",
) -> Backbone:
    tensors = random_tensors(architecture, dtype)
    return Backbone(architecture, tensors, pooling=pooling, padding=padding, dtype=dtype, compile=compile)


def look_narrowly(patch: pytest.MonkeyPatch, cache: Path) -> None:
    """Let runs look through the network of `narrow_cache`, and give networks that are trained a few channels,
    too. In the processes that they start only the cache counts, so they may describe no painting to a network
    for any style, which expects as much of it as of the VGG19.
    """

    def described(moments: Mapping[str, Stat]) -> Tensor:
        """Over and over again, until there is as much of it as of the VGG19."""
        found = own(moments)
        return found.repeat(1, -(-full // found.shape[1]))[:, :full]

    own, full = encoder.described, 2 * sum(encoder.CHANNELS)
    patch.setenv("IMPASTO_CACHE", str(cache))
    patch.setattr(encoder, "described", described)
    for name, size in {"_CONTRACT": (4, 4, 4), "_BLOCKS": 1, "_EXPAND": (4, 4)}.items():
        patch.setattr(beginnings, name, size)


def look_at_little(patch: pytest.MonkeyPatch) -> None:
    """Let networks look at paintings at 128 pixels in place of 512, a sixteenth of the work."""
    for module in (encoder, pictures, beginnings, held_out):
        patch.setattr(module, "STYLE_LENGTH", 128)


def small_network(path: Path) -> str:
    """A random network of two styles, red and blue, of every kind of layer that those trained here have; the
    name of its file.
    """
    torch.manual_seed(0)
    sizes = StylizerShape(contract=(4, 6, 5), blocks=1, expand=(5, 4), codes=3)
    card = {"kind": "multi", "losses": {"style": 0.5}}
    save_network(Network(Design(sizes, None, ("red", "blue"), card, 0.8, ((0.4,) * 12, (0.6,) * 12))), path)
    return str(path)


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
