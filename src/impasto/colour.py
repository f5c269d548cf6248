"""Colour by itself: the palette of one picture on another."""

from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.statistics import blend, covariance, moments, power


def match(pixels: Tensor, palettes: Sequence[tuple[Tensor, float]]) -> Tensor:
    """``pixels`` (1, 3, H, W) with the mean and covariance of the colours of other pictures, brought into [0, 1].

    ``palettes`` are pictures (1, 3, h, w) with shares that sum to one; their raw moments are blended.

    The linear map between two Gaussians that moves colours least, A = Σt^-½ (Σt^½ Σs Σt^½)^½ Σt^-½ (optimal transport;
    Pitié and Kokaram 2007, "The linear Monge–Kantorovitch linear colour mapping", eq. 4). Computed in float64.
    Light and dark colours that the map sends out of range are rolled off rather than cut, so that what they show stays visible.
    """
    gram_t, mean_t = moments(pixels.double())
    gram_s, mean_s = blend([(moments(palette.double()), share) for palette, share in palettes])
    floor = 1e-5 * torch.eye(3, dtype=torch.float64, device=pixels.device)
    sigma_t, sigma_s = covariance(gram_t, mean_t)[0] + floor, covariance(gram_s, mean_s)[0] + floor
    root = power(sigma_t, 0.5)
    inverse_root = power(sigma_t, -0.5)
    transport = inverse_root @ power(root @ sigma_s @ root, 0.5) @ inverse_root
    flat = pixels.double().flatten(2) - mean_t[:, :, None]
    matched = (transport @ flat + mean_s[:, :, None]).view_as(pixels)
    return (1 - _roll_off(1 - _roll_off(matched))).clamp(0, 1).to(pixels.dtype)


def _roll_off(values: Tensor, knee: float = 0.5) -> Tensor:
    """A film's shoulder: what lies above ``knee`` bends so that the 99.5th percentile becomes 1, if it is more than that.

    t ↦ st / (1 + (s - 1)t) on the part above the knee has slope s at 0, which makes the bend smooth, and ends at 1.
    """
    sample = values.flatten()[:: 1 + values.numel() // 2**20]  # quantile takes no more than 2²⁴ values, nor needs them
    top = sample.quantile(0.995)
    slope = (top - knee) / (1 - knee)
    if slope <= 1:
        return values
    t = ((values - knee) / (top - knee)).clamp(0, 1)
    return torch.where(values > knee, knee + (1 - knee) * slope * t / (1 + (slope - 1) * t), values)
