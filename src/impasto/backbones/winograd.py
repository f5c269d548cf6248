"""3×3 convolutions by minimal filtering, where that is faster.

Winograd's algorithm computes a 3×3 convolution of eight by eight positions at a time with a fifth of the
multiplications (Lavin and Gray 2016, Fast algorithms for convolutional neural networks, section 4). torch
carries it in NNPACK, for telephones, and never calls it for single pictures on a computer. On processors with
AVX2 and no wider vectors it takes half of the time of oneDNN's convolutions of large maps, and its
results differ from theirs by some 10⁻⁵ of the largest. It wants maps channel by channel, where all else runs
fastest with the channels last.
"""

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as nn
from torch import Tensor

Convolve = Callable[[Tensor, int, bool], Tensor]
"""From a picture, its zero padding, and whether a ReLU follows, to the convolved picture."""

_PIXELS = 60_000
"""So many pixels a picture must have: in smaller ones, what these convolutions win is less than what pooling
and sums lose by the order."""
_POSITIONS = 1024
"""So many positions a map must have: before each convolution the kernels are transformed, which smaller ones
do not earn."""
_CHANNELS = 32
"""And so many channels, going in and coming out."""


def layout(pixels: Tensor, dtype: torch.dtype) -> torch.memory_format:
    """The order of a map's numbers in which the backbone's work on a picture (N, 3, H, W) runs fastest in
    ``dtype``.
    """
    large = pixels.shape[2] * pixels.shape[3] >= _PIXELS
    return torch.contiguous_format if large and here(pixels.device.type, dtype) else torch.channels_last


def convolve(weight: Tensor, bias: Tensor | None, least: int = 0) -> Convolve:
    """The convolution with frozen weights (C', C, 3, 3) of maps that lie channel by channel; of ``least``
    positions and more they need not.
    """
    weight = weight.contiguous()
    wide = min(weight.shape[:2]) >= _CHANNELS

    def convolved(x: Tensor, padding: int, relu: bool) -> Tensor:
        if wide and x.shape[2] * x.shape[3] >= max(least, _POSITIONS):
            y = minimal(x.contiguous(), weight, bias, padding)
        else:
            y = nn.conv2d(x, weight, bias, padding=padding)
        return y.relu_() if relu else y

    return convolved


def minimal(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    """What `torch.nn.functional.conv2d` gives, to its own rounding."""
    return torch._nnpack_spatial_convolution(x, weight, bias, padding)


@functools.cache
def here(device: str, dtype: torch.dtype) -> bool:
    """Whether it is here, right and faster."""
    abilities = torch.cpu.get_capabilities()
    narrow = bool(abilities.get("avx2")) and not abilities.get("avx512_f")
    if device != "cpu" or dtype != torch.float32 or not narrow:
        return False
    if not torch.backends.nnpack.is_available():  # type: ignore[no-untyped-call]  # and asking makes it ready
        return False
    # Its own threads are as many as torch's only once torch has been told how many.
    torch.set_num_threads(torch.get_num_threads())
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(1, _CHANNELS, side, side, generator=generator) for side in (20, 3))
    weight = weight.expand(_CHANNELS, -1, -1, -1).contiguous()
    try:
        found = minimal(x, weight, None, 1)
    except RuntimeError:
        return False
    expected = nn.conv2d(x, weight, padding=1)
    return bool((found - expected).abs().max() < 1e-3 * expected.abs().max())
