"""Edges: what total variation sees, and what is left of the photograph's drawing."""

import torch
import torch.nn.functional as nn
from torch import Tensor

_SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
_LUMINANCE = torch.tensor([0.299, 0.587, 0.114])
"""Of red, green and blue (ITU-R BT.601)."""


def luminance(pixels: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1] -> (N, 1, H, W)."""
    return (pixels * _LUMINANCE.to(pixels).view(1, 3, 1, 1)).sum(1, keepdim=True)


def sobel(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical differences of the luminance by Sobel's operator, per pixel: (N, 1, H, W) each, in [-½, ½].

    The horizontal difference shows upright edges, the vertical one level edges. Borders are repeated.
    """
    padded = nn.pad(luminance(pixels), (1, 1, 1, 1), mode="replicate")
    kernels = torch.stack([_SOBEL, _SOBEL.T])[:, None].to(pixels)
    across, down = torch.split(nn.conv2d(padded, kernels), 1, 1)
    return across, down


def strength(pixels: Tensor) -> Tensor:
    """The length of the Sobel gradient, (N, 1, H, W)."""
    across, down = sobel(pixels)
    return torch.hypot(across, down)
