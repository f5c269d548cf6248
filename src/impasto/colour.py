"""Colour by itself: the palette of one picture on another."""

from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.statistics import blend, covariance, moments, power

_STRIP = 2**20
"""Positions that are computed in float64 at a time."""

Palette = tuple[Tensor, float, Tensor | None]
"""Pixels (1, 3, h, w), their share, and what their positions count (1, 1, h, w), or all alike."""


def match(pixels: Tensor, palettes: Sequence[Palette], weight: Tensor | None = None) -> Tensor:
    """``pixels`` (1, 3, H, W) with the mean and covariance of the colours of other pictures, brought into [0, 1].

    The shares of ``palettes`` sum to one; their raw moments are blended. ``weight`` (1, 1, H, W) says which of the pixels stand for
    their colours; all are mapped.

    The linear map between two Gaussians that moves colours least, A = Σt^-½ (Σt^½ Σs Σt^½)^½ Σt^-½ (optimal transport;
    Pitié and Kokaram 2007, "The linear Monge–Kantorovitch linear colour mapping", eq. 4). Computed in float64.
    Light and dark colours that the map sends out of range are rolled off rather than cut, so that what they show stays visible.
    """
    gram_t, mean_t = _moments(pixels, weight)
    gram_s, mean_s = blend([(_moments(palette, counts), share) for palette, share, counts in palettes])
    floor = 1e-5 * torch.eye(3, dtype=torch.float64, device=pixels.device)
    sigma_t, sigma_s = covariance(gram_t, mean_t)[0] + floor, covariance(gram_s, mean_s)[0] + floor
    root = power(sigma_t, 0.5)
    inverse_root = power(sigma_t, -0.5)
    transport = inverse_root @ power(root @ sigma_s @ root, 0.5) @ inverse_root

    def mapped(flat: Tensor) -> Tensor:
        return transport @ (flat.double() - mean_t[:, :, None]) + mean_s[:, :, None]

    flat = pixels.flatten(2)
    sample = mapped(flat[:, :, :: 1 + flat.numel() // 2**20])  # quantile takes no more than 2²⁴ values, nor needs them
    top = sample.quantile(0.995).item()
    bottom = (1 - _roll_off(sample, top)).quantile(0.995).item()
    strips = [
        (1 - _roll_off(1 - _roll_off(mapped(strip), top), bottom)).clamp(0, 1).to(pixels.dtype)
        for strip in torch.split(flat, _STRIP, 2)
    ]
    return torch.cat(strips, 2).view_as(pixels)


def _moments(pixels: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """The raw moments of colours, strip by strip; ``weight`` need not sum to one."""
    flat = pixels.flatten(2)[..., None]
    counts = torch.ones(1, 1, 1, 1, dtype=torch.float64, device=pixels.device).expand(1, 1, flat.shape[2], 1)
    if weight is not None:
        counts = weight.flatten(2)[..., None].double()
    parts = [
        moments(strip.double(), count)
        for strip, count in zip(torch.split(flat, _STRIP, 2), torch.split(counts, _STRIP, 2), strict=True)
    ]
    total = counts.sum()
    return sum(gram for gram, _ in parts) / total, sum(mean for _, mean in parts) / total


def _roll_off(values: Tensor, top: float, knee: float = 0.5) -> Tensor:
    """A film's shoulder: what lies above ``knee`` bends so that ``top``, the 99.5th percentile, becomes 1, if it is more than that.

    t ↦ st / (1 + (s - 1)t) on the part above the knee has slope s at 0, which makes the bend smooth, and ends at 1.
    """
    slope = (top - knee) / (1 - knee)
    if slope <= 1:
        return values
    t = ((values - knee) / (top - knee)).clamp(0, 1)
    return torch.where(values > knee, knee + (1 - knee) * slope * t / (1 + (slope - 1) * t), values)
