"""Oklab: colour as lightness and two opponent axes, in which equal steps look about equal and a hue stays
itself when it gets lighter.

Ottosson 2020, "A perceptual color space for image processing". Pixels are (1, 3, …) sRGB in [0, 1]; Oklab is
lightness in [0, 1], then a (green to red) and b (blue to yellow), within about ±0.4.
"""

import torch
from torch import Tensor

_LMS = torch.tensor(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=torch.float64,
)
_LAB = torch.tensor(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=torch.float64,
)
_BISECTIONS = 10


def from_srgb(pixels: Tensor) -> Tensor:
    """sRGB -> Oklab, in the dtype of ``pixels``.

    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    >>> [round(value, 2) for value in from_srgb(red).flatten().tolist()]
    [0.63, 0.22, 0.13]
    """
    linear = torch.where(pixels <= 0.04045, pixels / 12.92, ((pixels.clamp_min(0) + 0.055) / 1.055) ** 2.4)
    return _mapped(_LAB, _mapped(_LMS, linear).clamp_min(0) ** (1 / 3))


def to_srgb(lab: Tensor) -> Tensor:
    """Oklab -> sRGB in [0, 1]. What sRGB cannot show becomes as colourful as it can, at the same lightness
    and hue.
    """
    lightness, chroma = lab[:, :1].clamp(0, 1), lab[:, 1:]
    wanted = _linear(torch.cat([lightness, chroma], 1))
    shown = _shown(wanted)
    if not shown.all():
        low, high = torch.zeros_like(lightness), torch.ones_like(lightness)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            inside = _shown(_linear(torch.cat([lightness, chroma * middle], 1)))
            low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
        wanted = torch.where(shown, wanted, _linear(torch.cat([lightness, chroma * low], 1)))
    linear = wanted.clamp(0, 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).clamp(0, 1)


def _linear(lab: Tensor) -> Tensor:
    return _mapped(_LMS.inverse(), _mapped(_LAB.inverse(), lab) ** 3)


def _shown(linear: Tensor) -> Tensor:
    """Where a display can show the colour, to rounding: (1, 1, …)."""
    return ((linear > -1e-4) & (linear < 1 + 1e-4)).all(1, keepdim=True)


def _mapped(matrix: Tensor, planes: Tensor) -> Tensor:
    return torch.einsum("dc,nc...->nd...", matrix.to(planes), planes)
