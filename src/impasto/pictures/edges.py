"""Edges: what total variation sees, and what is left of the photograph's drawing."""

import cv2
import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.pictures.picture import STRIP

_SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
_LUMINANCE = torch.tensor([0.299, 0.587, 0.114])
"""Of red, green and blue (ITU-R BT.601)."""

_FINE, _AROUND = 0.003, 0.012
"""Deviations over the long side: of the blur before edges are sought, and of their surroundings. At 512
pixels 1.5 and 6."""


def luminance(pixels: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1] -> (N, 1, H, W)."""
    return (pixels * _LUMINANCE.to(pixels).view(1, 3, 1, 1)).sum(1, keepdim=True)


def sobel(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical differences of the luminance by Sobel's operator, per pixel: (N, 1, H, W) each,
    in [-½, ½].

    The horizontal difference shows upright edges, the vertical one level edges. Borders are repeated.
    """
    padded = nn.pad(luminance(pixels), (1, 1, 1, 1), mode="replicate")
    kernels = torch.stack([_SOBEL, _SOBEL.T])[:, None].to(pixels)
    # By strips, for a convolution holds sixteen planes for the two that it makes.
    tops = range(0, pixels.shape[2], STRIP)
    strips = [nn.conv2d(padded[:, :, top : top + STRIP + 2], kernels) for top in tops]
    across, down = torch.split(torch.cat(strips, 2), 1, 1)
    return across, down


def strength(pixels: Tensor) -> Tensor:
    """The length of the Sobel gradient, (N, 1, H, W)."""
    across, down = sobel(pixels)
    return torch.hypot(across, down)


def blurred(plane: Tensor, share: float) -> Tensor:
    """(1, 1, H, W) after a Gaussian blur whose deviation is a share of the long side; 0 leaves it as it
    is.
    """
    if share == 0:
        return plane
    deviation = share * max(plane.shape[2:])
    return torch.from_numpy(cv2.GaussianBlur(plane[0, 0].numpy(), (0, 0), deviation, borderType=cv2.BORDER_REPLICATE))[
        None, None
    ]


def structure(pixels: Tensor) -> Tensor:
    """How much drawing there is around every pixel of (1, 3, H, W): the energy of its edges over the
    picture's mean, (1, 1, H, W).

    Eyes, windows and lettering have much of it, skies and cloth little; what a slight blur takes away, hair
    and grain, does not count. A picture without edges has 1 everywhere.
    """
    soft = torch.cat([blurred(pixels[:, channel : channel + 1], _FINE) for channel in range(3)], 1)
    energy = blurred(strength(soft) ** 2, _AROUND)
    mean = energy.mean()
    return energy / mean if mean > 1e-9 else torch.ones_like(energy)
