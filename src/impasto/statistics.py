"""Weighted means over positions: what a picture looks like once places are forgotten.

Every function takes a feature map (N, C, H, W) and an optional ``weight`` (N or 1, 1, H, W) that sums to one over the
picture, and returns a sum over positions of weight × something local. Without a weight every position counts 1/(H·W).
Such sums are additive: partial sums over the tiles or the regions of a picture add up to the picture's own, and averages
of them blend pictures. All of them are computed and returned in float32 at least, whatever the precision of the network.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

Stat = tuple[Tensor, ...]
"""A statistic: tensors that may be added and averaged entry by entry."""


class _Moments(torch.autograd.Function):
    """G = Σ_p w_p f_p f_pᵀ and μ = Σ_p w_p f_p of positions × channels, with a gradient that is one matrix product.

    dL/df_p = w_p ((D + Dᵀ) f_p + d) for D = ∂L/∂G, d = ∂L/∂μ. Autograd would take two products and two more copies of the
    largest tensors there are, for the sake of a second derivative that nobody needs.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:  # (N, M, C), (N or 1, M or 1, 1)
        ctx.save_for_backward(rows, weight)
        wide = widen(rows)
        if weight.numel() == 1:
            return (wide.mT @ wide) * weight, wide.sum(1) * weight[0]
        weighted = wide * weight
        return wide.mT @ weighted, weighted.sum(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        rows, weight = ctx.saved_tensors
        of_gram, of_mean = gradients
        of_gram, of_mean = of_gram + of_gram.mT, of_mean[:, None]
        if weight.numel() == 1:
            return (widen(rows) @ (of_gram * weight)).add_(of_mean * weight).to(rows.dtype), None
        return (widen(rows) @ of_gram).add_(of_mean).mul_(weight).to(rows.dtype), None


def moments(feature: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Raw moments over positions: the Gram matrix G = F diag(w) Fᵀ (N, C, C) and the mean μ = F w (N, C).

    Unweighted, G = F Fᵀ / M with M = H·W (Gatys, Ecker and Bethge 2016, eq. 3, there without the division by M).
    Differentiable once, with respect to the feature.
    """
    rows = feature.permute(0, 2, 3, 1).flatten(1, 2)  # a view, in the channels-last layout of the backbone
    if weight is None:
        share = torch.full((1, 1, 1), 1 / rows.shape[1], dtype=widen(rows[:, :0]).dtype, device=rows.device)
    else:
        share = weight.permute(0, 2, 3, 1).flatten(1, 2)
    return _Moments.apply(rows, share)  # type: ignore[no-untyped-call, no-any-return]


def gram(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """The Gram matrix of `moments` alone. Returns (N, C, C)."""
    return moments(feature, weight)[0]


def blend(stats: Sequence[tuple[Stat, float]]) -> Stat:
    """The weighted average of statistics, entry by entry."""
    return tuple(
        torch.stack([share * entry for entry, (_, share) in zip(entries, stats, strict=True)]).sum(0)
        for entries in zip(*(stat for stat, _ in stats), strict=True)
    )


def covariance(gram: Tensor, mean: Tensor) -> Tensor:
    """Covariance Σ = G - μ μᵀ of the raw moments (N, C, C) and (N, C). Not additive: take it after all sums. (N, C, C)."""
    return gram - mean[:, :, None] * mean[:, None, :]


def squared_error(feature: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over positions and channels of (F - P)². Returns (N,)."""
    return _average((widen(feature) - widen(target)) ** 2, weight).mean(1)


def total_variation(pixels: Tensor, norm: Literal["l1", "l2"], weight: Tensor | None = None) -> Tensor:
    """Mean over positions and channels of |∂x| + |∂y| (l1, anisotropic) or of ∂x² + ∂y² (l2). Returns (N,).

    Forward differences; they are zero in the last column and the last row. A mean, so that it does not grow with the
    picture; the sum over a whole picture, as some write it, is this times C·H·W.
    """
    wide = widen(pixels)
    right = torch.diff(wide, dim=3, append=wide[..., -1:])
    down = torch.diff(wide, dim=2, append=wide[..., -1:, :])
    local = right.abs() + down.abs() if norm == "l1" else right**2 + down**2
    return _average(local, weight).mean(1)


def widen(feature: Tensor) -> Tensor:
    """``feature`` in float32 if it was narrower: sums over a picture's positions need the digits."""
    return feature.float() if feature.dtype in (torch.bfloat16, torch.float16) else feature


def _average(local: Tensor, weight: Tensor | None) -> Tensor:
    """Weighted sum over positions. (N, C, H, W) -> (N, C)."""
    return local.mean((2, 3)) if weight is None else (local * weight.to(local.dtype)).sum((2, 3))
