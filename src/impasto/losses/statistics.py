"""Weighted means over positions: what a picture looks like once places are forgotten.

Every function takes a feature map (N, C, H, W) and an optional ``weight`` that sums to one over the picture: (N or 1, 1, H, W),
or (1, 1, 1, 1), what each of all positions counts. It returns a sum over positions of weight × something local. Without a weight
every position counts 1/(H·W).
Such sums are additive: partial sums over the tiles or the regions of a picture add up to the picture's own, and averages
of them blend pictures. All of them are computed and returned in float32 at least, whatever the precision of the network.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.errors import SettingsError

Stat = tuple[Tensor, ...]
"""A statistic: tensors that may be added and averaged entry by entry."""

_NARROW = (torch.bfloat16, torch.float16)


_only_gradients: ContextVar[bool] = ContextVar("_only_gradients", default=False)


@contextmanager
def only_gradients() -> Iterator[None]:
    """Within it, `moments` and `gram` need not be computed, for only their gradients are wanted: their values are zeros."""
    token = _only_gradients.set(True)
    try:
        yield
    finally:
        _only_gradients.reset(token)


class _Moments(torch.autograd.Function):
    """G = Σ_p w_p f_p f_pᵀ and, if wanted, μ = Σ_p w_p f_p of positions × channels, with a gradient by one matrix product.

    dL/df_p = w_p ((D + Dᵀ) f_p + d) for D = ∂L/∂G, d = ∂L/∂μ. Autograd would take two products and two more copies of the
    largest tensors there are, for the sake of a second derivative that nobody needs.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, with_mean: bool) -> tuple[Tensor, Tensor | None]:
        """rows (N, M, C), weight (N or 1, M or 1, 1)."""
        ctx.set_materialize_grads(False)
        even = weight.numel() == 1
        # Divided by the largest, what counts in full counts one, also in bfloat16, and nothing need be widened.
        scale = weight if even else weight.amax().clamp_min(1e-30).view(1, 1, 1)
        share = None if even else (weight / scale).to(rows.dtype)
        ctx.save_for_backward(rows, scale, share)
        if _only_gradients.get():
            gram = weight.new_zeros(len(rows), rows.shape[2], rows.shape[2])
            return gram, gram[:, 0].clone() if with_mean else None
        weighted = rows if share is None else rows * share
        gram, ones = _product(rows.mT, weighted) * scale, rows.new_ones(len(rows), 1, rows.shape[1])
        return gram, _product(ones, weighted)[:, 0] * scale[0] if with_mean else None

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, None, None]:
        rows, scale, share = ctx.saved_tensors
        of_gram, of_mean = gradients
        symmetric = rows.new_zeros(rows.shape[0], *2 * rows.shape[2:]) if of_gram is None else of_gram + of_gram.mT
        shift = symmetric.new_zeros(rows.shape[0], rows.shape[2]) if of_mean is None else of_mean
        symmetric, shift = (symmetric * scale).to(rows.dtype), (shift * scale[0]).to(rows.dtype)
        result = torch.empty_like(rows)
        for *factors, out in zip(shift, rows, symmetric, result, strict=True):
            torch.addmm(*factors, out=out)
        return result if share is None else result.mul_(share), None, None


class _SquaredError(torch.autograd.Function):
    """Σ_p w_p ‖f_p - t_p‖² / C, with its gradient for f, 2 w_p (f_p - t_p) / C, in one pass each."""

    @staticmethod
    def forward(ctx: Any, feature: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        difference = feature.float().sub_(target) if feature.dtype in _NARROW else feature - target
        ctx.save_for_backward(difference, weight)
        ctx.dtype = feature.dtype
        return difference.square().mul_(weight).sum((1, 2, 3)) / feature.shape[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        difference, weight = ctx.saved_tensors
        scale = weight * (2 / difference.shape[1] * gradients[0]).view(-1, 1, 1, 1)
        return (difference * scale).to(ctx.dtype), None, None


class _Unlikeness(torch.autograd.Function):
    """Σ_p w_p (1 - cos(f_p, t_p)) and Σ_p w_p ‖f_p - t_p‖², with a gradient in one pass over f and t.

    At every position it is a sum of f_p and t_p: of the cosine c, (c f_p / ‖f_p‖² - t_p / (‖f_p‖ ‖t_p‖)); of the squares, 2 (f_p - t_p).
    """

    @staticmethod
    def forward(ctx: Any, feature: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        wide, goal = widen(feature), target.to(widen(feature[:0]).dtype)
        own, other, both = ((one * two).sum(1, keepdim=True) for one, two in ((wide, wide), (goal, goal), (wide, goal)))
        tiny = torch.finfo(own.dtype).tiny ** 0.5
        own, norms = own.clamp_min(tiny), (own * other).sqrt().clamp_min(tiny)
        cosine = both / norms
        ctx.save_for_backward(feature, target, weight, own, norms, cosine)
        squares = own - 2 * both + other
        return ((1 - cosine) * weight).sum((1, 2, 3)), (squares.clamp_min(0) * weight).sum((1, 2, 3))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, None, None]:
        feature, target, weight, own, norms, cosine = ctx.saved_tensors
        of_feature, of_target = torch.zeros_like(own), torch.zeros_like(own)
        of_angle, of_squares = (None if each is None else each.view(-1, 1, 1, 1) * weight for each in gradients)
        if of_angle is not None:
            of_feature, of_target = of_feature + of_angle * cosine / own, of_target - of_angle / norms
        if of_squares is not None:
            of_feature, of_target = of_feature + 2 * of_squares, of_target - 2 * of_squares
        wide = widen(feature)
        return torch.addcmul(wide * of_feature, target.to(wide.dtype), of_target).to(feature.dtype), None, None


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The batched matrix product in float32 at least, without widening the factors first.

    Processors multiply bfloat16 matrices many times faster and add up in float32, but torch rounds the sum to bfloat16. What
    the rounding took away is had by a second product, from which the rounded first one is subtracted before *it* is
    rounded: together they hold 16 bits.
    """
    if a.dtype not in _NARROW:
        return a @ b
    products = []
    for left, right in zip(a, b, strict=True):  # a batched product would first copy the transposed factor
        rounded = left @ right
        products.append(rounded.float() + torch.addmm(rounded, left, right, beta=-1).float())
    return torch.stack(products)


def moments(feature: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Raw moments over positions: the Gram matrix G = F diag(w) Fᵀ (N, C, C) and the mean μ = F w (N, C).

    Unweighted, G = F Fᵀ / M with M = H·W (Gatys, Ecker and Bethge 2016, eq. 3, there without the division by M).
    Differentiable once, with respect to the feature.
    """
    return _Moments.apply(*_rows(feature, weight), True)  # type: ignore[no-untyped-call, no-any-return]


def gram(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """The Gram matrix of `moments` alone. Returns (N, C, C)."""
    return _Moments.apply(*_rows(feature, weight), False)[0]  # type: ignore[no-untyped-call, no-any-return]


def _rows(feature: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Positions × channels, a view in the channels-last layout of the backbone, and their weights."""
    rows = feature.permute(0, 2, 3, 1).flatten(1, 2)
    if weight is None:
        return rows, torch.full((1, 1, 1), 1 / rows.shape[1], dtype=widen(rows[:, :0]).dtype, device=rows.device)
    return rows, weight.permute(0, 2, 3, 1).flatten(1, 2)


def blend(stats: Sequence[tuple[Stat, float]]) -> Stat:
    """The weighted average of statistics, entry by entry; of a single one with share 1 itself, for a content's can be large."""
    if len(stats) == 1 and stats[0][1] == 1:
        return stats[0][0]
    return tuple(
        torch.stack([share * entry for entry, (_, share) in zip(entries, stats, strict=True)]).sum(0)
        for entries in zip(*(stat for stat, _ in stats), strict=True)
    )


def covariance(gram: Tensor, mean: Tensor) -> Tensor:
    """Covariance Σ = G - μ μᵀ of the raw moments (N, C, C) and (N, C). Not additive: take it after all sums. (N, C, C)."""
    return gram - mean[:, :, None] * mean[:, None, :]


def variance(gram: Tensor, mean: Tensor) -> Tensor:
    """The diagonal of the `covariance` alone, at least 0 whatever the rounding. (N, C)."""
    return (torch.diagonal(gram, dim1=1, dim2=2) - mean**2).clamp_min(0)


def mean(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """The mean over positions μ (N, C)."""
    return _average(widen(feature), weight)


def power(symmetric: Tensor, exponent: float) -> Tensor:
    """A power of symmetric matrices (…, C, C) without negative eigenvalues; those that rounding makes negative count as 0."""
    values, vectors = torch.linalg.eigh(symmetric)
    raised: Tensor = (vectors * (values.clamp_min(0) ** exponent)[..., None, :]) @ vectors.mT
    return raised


def squared_error(feature: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over positions and channels of (F - P)². Returns (N,)."""
    return _SquaredError.apply(feature, target, _even(feature) if weight is None else weight)  # type: ignore[no-untyped-call, no-any-return]


def unlikeness(feature: Tensor, target: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Means over positions of 1 - cos(F_p, P_p), the angle between the features of like places, and of ‖F_p - P_p‖². Returns (N,) twice."""
    return _Unlikeness.apply(feature, target, _even(feature) if weight is None else weight)  # type: ignore[no-untyped-call, no-any-return]


def _even(feature: Tensor) -> Tensor:
    """What each of a map's positions counts where all count alike (1, 1, 1, 1)."""
    return torch.full((1, 1, 1, 1), 1 / feature[0, 0].numel(), dtype=widen(feature[:0]).dtype, device=feature.device)


class _MeanCosines(torch.autograd.Function):
    """The mean over positions of √(2/D) cos(Ω f / σ + b) by rows × channels, a block of rows at a time: D is larger than C."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, frequencies: Tensor, phases: Tensor) -> Tensor:
        """rows (N, M, C), weight (N or 1, M or 1, 1), frequencies (N, C, D), phases (D,)."""
        ctx.save_for_backward(rows, weight, frequencies, phases)
        total = frequencies.new_zeros(len(rows), phases.shape[0])
        for block, share in _blocks(rows, weight):
            total += ((widen(block) @ frequencies + phases).cos() * share).sum(1)
        return total * math.sqrt(2 / phases.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        rows, weight, frequencies, phases = ctx.saved_tensors
        scaled = gradients[0][:, None] * -math.sqrt(2 / phases.shape[0])
        result = [
            ((widen(block) @ frequencies + phases).sin() * scaled * share) @ frequencies.mT
            for block, share in _blocks(rows, weight)
        ]
        return torch.cat(result, 1).to(rows.dtype), None, None, None


def _blocks(rows: Tensor, weight: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, rows.shape[1], 8192):
        end = start + 8192
        yield rows[:, start:end], weight[:, start:end] if weight.shape[1] > 1 else weight


def mean_cosines(feature: Tensor, bandwidth: Tensor, weight: Tensor | None = None, count: int = 512) -> Tensor:
    """Random Fourier features of a Gaussian kernel of ``bandwidth`` (N,), averaged over positions (N, ``count``).

    The squared difference of two estimates MMD² (Rahimi and Recht 2007, section 3). The frequencies are always the same.
    Differentiable once, with respect to the feature.
    """
    rows, shares = _rows(feature, weight)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(rows.shape[2], count, generator=generator, dtype=torch.float64)
    phases = torch.rand(count, generator=generator, dtype=torch.float64) * 2 * torch.pi
    frequencies = drawn.to(bandwidth) / bandwidth[:, None, None]
    return _MeanCosines.apply(rows, shares, frequencies, phases.to(bandwidth))  # type: ignore[no-untyped-call, no-any-return]


def sorted_slices(feature: Tensor, weight: Tensor | None = None) -> Tensor:
    """The features along C fixed orthonormal directions, sorted (N, C, M). Not additive: raises SettingsError for a weight."""
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
    """The features of at most ``limit`` patches (N, M, C), averaged down from more. Raises SettingsError for a weight."""
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
            "This style loss matches whole pictures and knows no regions or tiles: take one of moments, gram, mmd-poly or wasserstein."
        )


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
    return feature.float() if feature.dtype in _NARROW else feature


def _average(local: Tensor, weight: Tensor | None) -> Tensor:
    """Weighted sum over positions. (N, C, H, W) -> (N, C)."""
    if weight is None:
        return local.mean((2, 3))
    weight = weight.to(local.dtype)
    return local.sum((2, 3)) * weight[0, :, 0, 0] if weight.numel() == 1 else (local * weight).sum((2, 3))
