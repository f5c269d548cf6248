"""Weighted means over positions: what a picture looks like once places are forgotten.

Every function takes a feature map (N, C, H, W) and an optional ``weight`` that sums to one over the picture:
(N or 1, 1, H, W), or (1, 1, 1, 1), what each of all positions counts. It returns a sum over positions of
weight × something local. Without a weight every position counts 1/(H·W). Such sums are additive: partial sums
over the tiles or the regions of a picture add up to the picture's own, and averages of them blend pictures.
All of them are computed and returned in float32 at least, whatever the precision of the network.
"""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.errors import SettingsError
from impasto.losses import by_hand
from impasto.losses.by_hand import widen

Stat = tuple[Tensor, ...]
"""A statistic: tensors that may be added and averaged entry by entry."""
_ROWS = 64
"""So many rows of a map are widened at a time."""


def moments(feature: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Raw moments over positions: the Gram matrix G = F diag(w) Fᵀ (N, C, C) and the mean μ = F w (N, C).

    Unweighted, G = F Fᵀ / M with M = H·W (Gatys, Ecker and Bethge 2016, eq. 3, there without the division by
    M). Differentiable once, with respect to the feature.
    """
    return by_hand.Moments.apply(*_rows(feature, weight), True)  # type: ignore[no-untyped-call, no-any-return]


def gram(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """The Gram matrix of `moments` alone. Returns (N, C, C)."""
    return by_hand.Moments.apply(*_rows(feature, weight), False)[0]  # type: ignore[no-untyped-call, no-any-return]


def _rows(feature: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Positions × channels, a view in the channels-last layout of the backbone, and their weights."""
    rows = feature.permute(0, 2, 3, 1).flatten(1, 2)
    if weight is None:
        return rows, torch.full((1, 1, 1), 1 / rows.shape[1], dtype=widen(rows[:, :0]).dtype, device=rows.device)
    return rows, weight.permute(0, 2, 3, 1).flatten(1, 2)


def blend(stats: Sequence[tuple[Stat, float]]) -> Stat:
    """The weighted average of statistics, entry by entry; of a single one with share 1 itself, for a
    content's can be large.
    """
    if len(stats) == 1 and stats[0][1] == 1:
        return stats[0][0]
    return tuple(
        torch.stack([share * entry for entry, (_, share) in zip(entries, stats, strict=True)]).sum(0)
        for entries in zip(*(stat for stat, _ in stats), strict=True)
    )


def covariance(gram: Tensor, mean: Tensor) -> Tensor:
    """Covariance Σ = G - μ μᵀ of the raw moments (N, C, C) and (N, C). Not additive: take it after all sums.
    (N, C, C).
    """
    return gram - mean[:, :, None] * mean[:, None, :]


def variance(gram: Tensor, mean: Tensor) -> Tensor:
    """The diagonal of the `covariance` alone, at least 0 whatever the rounding. (N, C)."""
    return (torch.diagonal(gram, dim1=1, dim2=2) - mean**2).clamp_min(0)


def mean(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """The mean over positions μ (N, C)."""
    return _average(widen(feature), weight)


def power(symmetric: Tensor, exponent: float) -> Tensor:
    """A power of symmetric matrices (…, C, C) without negative eigenvalues; those that rounding makes
    negative count as 0.
    """
    values, vectors = torch.linalg.eigh(symmetric)
    raised: Tensor = (vectors * (values.clamp_min(0) ** exponent)[..., None, :]) @ vectors.mT
    return raised


def squared_error(feature: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over positions and channels of (F - P)². Returns (N,)."""
    return by_hand.SquaredError.apply(feature, target, _even(feature) if weight is None else weight)  # type: ignore[no-untyped-call, no-any-return]


def unlikeness(feature: Tensor, target: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Means over positions of 1 - cos(F_p, P_p), the angle between the features of like places, and of ‖F_p -
    P_p‖². Returns (N,) twice.
    """
    return by_hand.Unlikeness.apply(feature, target, _even(feature) if weight is None else weight)  # type: ignore[no-untyped-call, no-any-return]


def squared_length(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over positions of ‖F_p‖² (N,): the second of `unlikeness` from nothing, but a strip at a time, for
    what is wanted of a large picture's places is there for all of it at once.
    """
    rows = [widen(strip).square().sum(1, keepdim=True) for strip in torch.split(feature, _ROWS, 2)]
    return (torch.cat(rows, 2) * (_even(feature) if weight is None else weight)).sum((1, 2, 3))


def _even(feature: Tensor) -> Tensor:
    """What each of a map's positions counts where all count alike (1, 1, 1, 1)."""
    return torch.full((1, 1, 1, 1), 1 / feature[0, 0].numel(), dtype=widen(feature[:0]).dtype, device=feature.device)


def mean_cosines(feature: Tensor, bandwidth: Tensor, weight: Tensor | None = None, count: int = 512) -> Tensor:
    """Random Fourier features of a Gaussian kernel of ``bandwidth`` (N,), averaged over positions (N,
    ``count``).

    The squared difference of two estimates MMD² (Rahimi and Recht 2007, section 3). The frequencies are
    always the same. Differentiable once, with respect to the feature.
    """
    rows, shares = _rows(feature, weight)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(rows.shape[2], count, generator=generator, dtype=torch.float64)
    phases = torch.rand(count, generator=generator, dtype=torch.float64) * 2 * torch.pi
    frequencies = drawn.to(bandwidth) / bandwidth[:, None, None]
    return by_hand.MeanCosines.apply(rows, shares, frequencies, phases.to(bandwidth))  # type: ignore[no-untyped-call, no-any-return]


def sorted_slices(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """The features along C fixed orthonormal directions, sorted (N, C, M). Not additive: raises SettingsError
    for a weight.
    """
    _refuse(weight)
    channels = feature.shape[1]
    drawn = torch.randn(channels, channels, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wide = widen(feature).flatten(2)
    directions: Tensor = torch.linalg.qr(drawn).Q.to(wide)
    return (directions @ wide).sort(2).values


def resampled(sorted_values: Tensor, count: int) -> Tensor:
    """Sorted samples (N, C, M) as ``count`` of them, by linear interpolation between ranks."""
    if sorted_values.shape[2] == count:
        return sorted_values
    return nn.interpolate(sorted_values, count, mode="linear")


def patches(feature: Tensor, weight: Tensor | None = None, limit: int = 4096) -> Tensor:
    """The features of at most ``limit`` patches (N, M, C), averaged down from more. Raises SettingsError for
    a weight.
    """
    _refuse(weight)
    wide = widen(feature)
    height, width = wide.shape[2:]
    shrink = max(1.0, (height * width / limit) ** 0.5)
    if shrink > 1:
        wide = nn.adaptive_avg_pool2d(wide, (max(1, int(height / shrink)), max(1, int(width / shrink))))
    return wide.flatten(2).mT


def _refuse(weight: Tensor | None) -> None:
    if weight is not None:
        raise SettingsError(
            "This style loss matches whole pictures and knows no regions, tiles or transparency: "
            "take moments, gram, mean-deviation, mmd-linear, mmd-poly, mmd-gaussian or wasserstein."
        )


def total_variation(pixels: Tensor, norm: Literal["l1", "l2"], weight: Tensor | None = None) -> Tensor:
    """Mean over positions and channels of |∂x| + |∂y| (l1, anisotropic) or of ∂x² + ∂y² (l2). Returns (N,).

    Forward differences; they are zero in the last column and the last row. A mean, so that it does not grow
    with the picture; the sum over a whole picture, as some write it, is this times C·H·W.
    """
    wide = widen(pixels)
    right = torch.diff(wide, dim=3, append=wide[..., -1:])
    down = torch.diff(wide, dim=2, append=wide[..., -1:, :])
    local = right.abs() + down.abs() if norm == "l1" else right**2 + down**2
    return _average(local, weight).mean(1)


def _average(local: Tensor, weight: Tensor | None) -> Tensor:
    """Weighted sum over positions. (N, C, H, W) -> (N, C)."""
    if weight is None:
        return local.mean((2, 3))
    weight = weight.to(local.dtype)
    return local.sum((2, 3)) * weight[0, :, 0, 0] if weight.numel() == 1 else (local * weight).sum((2, 3))
