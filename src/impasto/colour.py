"""Colour by itself: the palette of one picture on another, and the lightness of one with the colours of another."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from impasto import oklab
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
    sample = mapped(flat[:, :, :: 1 + flat.numel() // 2**20])  # more would not be needed
    top = _quantile(sample, 0.995)
    bottom = _quantile(1 - _roll_off(sample, top), 0.995)

    def shown(strip: Tensor) -> Tensor:
        return (1 - _roll_off(1 - _roll_off(mapped(strip), top), bottom)).clamp(0, 1)

    return _by_strips(shown, pixels)


def towards(pixels: Tensor, palettes: Sequence[Palette], share: float, weight: Tensor | None = None) -> Tensor:
    """``pixels`` a ``share`` of the way to what `match` makes of them."""
    return torch.lerp(pixels, match(pixels, palettes, weight), share) if share else pixels


def match_histogram(pixels: Tensor, palette: Palette, weight: Tensor | None = None) -> Tensor:
    """``pixels`` with the mean and covariance of another picture's colours, as `match`, and then its histogram in each axis of Oklab.

    The first step settles how the axes go together, which histograms of single axes do not see. Arguments as `match`, of one palette,
    whose share means nothing.
    """
    matched = match(pixels, [(palette[0], 1.0, palette[2])], weight)
    levels = torch.linspace(0, 1, 1025, dtype=torch.float64)
    own, wanted = _quantiles(matched, weight, levels), _quantiles(palette[0], palette[2], levels)

    def mapped(strip: Tensor) -> Tensor:
        lab = oklab.from_srgb(strip)
        planes = [_interpolated(plane, *axes) for plane, *axes in zip(lab[0], own, wanted, strict=True)]
        return oklab.to_srgb(torch.stack(planes)[None])

    return _by_strips(mapped, matched)


def lightness(pixels: Tensor) -> Tensor:
    """The grey picture (1, 3, H, W) with the lightness of ``pixels``."""

    def grey(strip: Tensor) -> Tensor:
        lab = oklab.from_srgb(strip)
        return oklab.to_srgb(torch.cat([lab[:, :1], torch.zeros_like(lab[:, 1:])], 1))

    return _by_strips(grey, pixels)


def tinted(pixels: Tensor, photo: Tensor) -> Tensor:
    """The lightness of ``pixels`` with the hue and chroma of ``photo``, both (1, 3, H, W) (Gatys et al. 2017, section 5.1, in Oklab)."""

    def joined(strip: Tensor, other: Tensor) -> Tensor:
        return oklab.to_srgb(torch.cat([oklab.from_srgb(strip)[:, :1], oklab.from_srgb(other)[:, 1:]], 1))

    return _by_strips(joined, pixels, photo)


def _by_strips(mapped: Callable[..., Tensor], *pictures: Tensor) -> Tensor:
    """What a function of positions makes of pictures, computed in float64."""
    first = pictures[0]
    out = torch.empty_like(first, memory_format=torch.contiguous_format)
    strips = zip(*(torch.split(each.flatten(2), _STRIP, 2) for each in (out, *pictures)), strict=True)
    for strip, *given in strips:
        strip.copy_(mapped(*(each.double() for each in given)))
    return out


def _quantile(values: Tensor, share: float) -> float:
    """As torch's, which sorts: NumPy finds it several times faster."""
    return float(np.quantile(values.cpu().numpy(), share))


def _quantiles(pixels: Tensor, weight: Tensor | None, levels: Tensor) -> list[Tensor]:
    """In each axis of Oklab, the values below which such shares of the positions lie, from about a million of them."""
    step = 1 + pixels[0, 0].numel() // _STRIP
    counts = torch.ones_like(pixels[:, 0]) if weight is None else weight[:, 0]
    count = counts.flatten()[::step].double().cpu()
    found = []
    for plane in oklab.from_srgb(pixels.flatten(2)[..., ::step].double().cpu())[0]:
        values, order = plane.sort()
        ranks = count[order].cumsum(0) - count[order] / 2
        found.append(_interpolated(levels * count.sum(), ranks, values))
    return found


def _interpolated(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """The piecewise linear function through (xs, ys), xs rising, constant beyond its ends."""
    return torch.from_numpy(np.interp(x.cpu().numpy(), xs.numpy(), ys.numpy())).to(x.device)


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
