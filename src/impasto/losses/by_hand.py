"""Sums over positions whose gradients are written out by hand: what autograd would keep and copy of the
largest maps is more than they are.

`statistics` says what they are for. All are differentiable once, with respect to the features.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from impasto.backbones.kernels import affine
from impasto.backbones.passes import Passes

_NARROW = (torch.bfloat16, torch.float16)


_only_gradients: ContextVar[bool] = ContextVar("_only_gradients", default=False)
_compiled: ContextVar[Passes | None] = ContextVar("_compiled", default=None)


@contextmanager
def only_gradients() -> Iterator[None]:
    """Within it, `moments` and `gram` need not be computed, for only their gradients are wanted: their values
    are zeros.
    """
    token = _only_gradients.set(True)
    try:
        yield
    finally:
        _only_gradients.reset(token)


@contextmanager
def by(passes: Passes | None) -> Iterator[None]:
    """Within it, what can be is computed by compiled passes, if there are any."""
    token = _compiled.set(passes)
    try:
        yield
    finally:
        _compiled.reset(token)


class Moments(torch.autograd.Function):
    """G = Σ_p w_p f_p f_pᵀ and, if wanted, μ = Σ_p w_p f_p of positions × channels, with a gradient by one
    matrix product.

    dL/df_p = w_p ((D + Dᵀ) f_p + d) for D = ∂L/∂G, d = ∂L/∂μ. Autograd would take two products and two more
    copies of the largest tensors there are, for the sake of a second derivative that nobody needs.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, with_mean: bool) -> tuple[Tensor, Tensor | None]:
        """rows (N, M, C), weight (N or 1, M or 1, 1)."""
        ctx.set_materialize_grads(False)
        even = weight.numel() == 1
        # Divided by the largest, what counts in full counts one, also in bfloat16, and nothing need be
        # widened.
        scale = weight if even else weight.amax().clamp_min(1e-30).view(1, 1, 1)
        share = None if even else (weight / scale).to(rows.dtype)
        ctx.save_for_backward(rows, scale, share)
        if _only_gradients.get():
            gram = weight.new_zeros(len(rows), rows.shape[2], rows.shape[2])
            return gram, gram[:, 0].clone() if with_mean else None
        passes = _compiled.get()
        sums = passes.moments(rows) if passes is not None and even else None
        gram, total = sums or _sums(rows, rows if share is None else rows * share, with_mean)
        return gram * scale, None if total is None or not with_mean else total * scale[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, None, None]:
        rows, scale, share = ctx.saved_tensors
        of_gram, of_mean = gradients
        symmetric = rows.new_zeros(rows.shape[0], *2 * rows.shape[2:]) if of_gram is None else of_gram + of_gram.mT
        shift = symmetric.new_zeros(rows.shape[0], rows.shape[2]) if of_mean is None else of_mean
        symmetric, shift = (symmetric * scale).to(rows.dtype), (shift * scale[0]).to(rows.dtype)
        if _compiled.get() is not None and rows.is_contiguous():
            made = [affine(*factors) for factors in zip(rows, symmetric, shift, strict=True)]
            result = made[0][None] if len(made) == 1 else torch.stack(made)
        else:
            result = torch.empty_like(rows)
            for *factors, out in zip(shift, rows, symmetric, result, strict=True):
                torch.addmm(*factors, out=out)
        return result if share is None else result.mul_(share), None, None


class SquaredError(torch.autograd.Function):
    """Σ_p w_p ‖f_p - t_p‖² / C, with its gradient for f, 2 w_p (f_p - t_p) / C, in one pass each."""

    @staticmethod
    def forward(ctx: Any, feature: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        if passes := _passes(feature, target):
            ctx.save_for_backward(feature, target, weight)
            *_, squares = passes.products(feature, target)
            return (squares * weight).sum((1, 2, 3)) / feature.shape[1]
        difference = feature.float().sub_(target) if feature.dtype in _NARROW else feature - target
        ctx.save_for_backward(difference, weight)
        ctx.dtype = feature.dtype
        return difference.square().mul_(weight).sum((1, 2, 3)) / feature.shape[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        *maps, weight = ctx.saved_tensors
        scale = weight * (2 / maps[0].shape[1] * gradients[0]).view(-1, 1, 1, 1)
        if len(maps) == 2:
            nothing = torch.zeros_like(scale)
            return _mixed(maps[0], maps[1], nothing, nothing, scale), None, None
        return (maps[0] * scale).to(ctx.dtype), None, None


class Unlikeness(torch.autograd.Function):
    """Σ_p w_p (1 - cos(f_p, t_p)) and Σ_p w_p ‖f_p - t_p‖², with a gradient in one pass over f and t.

    At every position it is a sum of f_p and t_p: of the cosine c, (c f_p / ‖f_p‖² - t_p / (‖f_p‖ ‖t_p‖)); of
    the squares, 2 (f_p - t_p).
    """

    @staticmethod
    def forward(ctx: Any, feature: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        own, other, both, squares = _products(feature, target)
        tiny = torch.finfo(own.dtype).tiny ** 0.5
        own, norms = own.clamp_min(tiny), (own * other).sqrt().clamp_min(tiny)
        cosine = both / norms
        ctx.save_for_backward(feature, target, weight, own, norms, cosine)
        return ((1 - cosine) * weight).sum((1, 2, 3)), (squares.clamp_min(0) * weight).sum((1, 2, 3))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, None, None]:
        feature, target, weight, own, norms, cosine = ctx.saved_tensors
        of_feature, of_target, of_both = (torch.zeros_like(own) for _ in range(3))
        of_angle, of_squares = (None if each is None else each.view(-1, 1, 1, 1) * weight for each in gradients)
        if of_angle is not None:
            of_feature, of_target = of_angle * cosine / own, -of_angle / norms
        if of_squares is not None:
            of_both = of_both + 2 * of_squares
        return _mixed(feature, target, of_feature, of_target, of_both), None, None


def _passes(*maps: Tensor) -> Passes | None:
    """The compiled passes, where there are some and they fit the maps, of one shape."""
    found = _compiled.get()
    if found is None or len({x.shape for x in maps}) > 1 or not found.fit(*maps):
        return None
    return found if all(x.is_contiguous(memory_format=torch.channels_last) for x in maps) else None


def _products(f: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of every position ‖f‖², ‖t‖², f·t and ‖f - t‖² (N, 1, H, W)."""
    if passes := _passes(f, t):
        return passes.products(f, t)
    wide, goal = widen(f), t.to(widen(f[:0]).dtype)
    own, other, both = ((one * two).sum(1, keepdim=True) for one, two in ((wide, wide), (goal, goal), (wide, goal)))
    return own, other, both, own - 2 * both + other


def _mixed(f: Tensor, t: Tensor, of_f: Tensor, of_t: Tensor, of_both: Tensor) -> Tensor:
    """of_f · f + of_t · t + of_both · (f - t), by the shares of every position (N or 1, 1, H or 1, W or
    1).
    """
    if passes := _passes(f, t):
        return passes.mix(f, t, *(share.expand(len(f), 1, *f.shape[2:]) for share in (of_f, of_t, of_both)))
    wide = widen(f)
    return torch.addcmul(wide * (of_f + of_both), t.to(wide.dtype), of_t - of_both).to(f.dtype)


def _sums(rows: Tensor, weighted: Tensor, with_mean: bool) -> tuple[Tensor, Tensor | None]:
    """Over positions the sums of f gᵀ, (N, C, C), and, if wanted, of g, (N, C), for f and g of positions ×
    channels.
    """
    gram = _product(rows.mT, weighted)
    return gram, _product(rows.new_ones(len(rows), 1, rows.shape[1]), weighted)[:, 0] if with_mean else None


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The batched matrix product in float32 at least, without widening the factors first.

    Processors multiply bfloat16 matrices many times faster and add up in float32, but torch rounds the sum to
    bfloat16. What the rounding took away is had by a second product, from which the rounded first one is
    subtracted before *it* is rounded: together they hold 16 bits.
    """
    if a.dtype not in _NARROW:
        return a @ b
    products = []
    for left, right in zip(a, b, strict=True):  # a batched product would first copy the transposed factor
        rounded = left @ right
        products.append(rounded.float() + torch.addmm(rounded, left, right, beta=-1).float())
    return torch.stack(products)


class MeanCosines(torch.autograd.Function):
    """The mean over positions of √(2/D) cos(Ω f / σ + b) by rows × channels, a block of rows at a time: D is
    larger than C.
    """

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


class Sloped(torch.autograd.Function):
    """A scalar whose gradient for every tensor is the slope that is given for it.

    To hand the slopes to `torch.autograd.grad` itself does the same; but that imports SymPy, to compare their
    shapes, for which every process would wait half a second and more.
    """

    @staticmethod
    def forward(ctx: Any, slopes: Sequence[Tensor], *tensors: Tensor) -> Tensor:
        ctx.slopes = slopes
        return tensors[0].new_zeros(())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.slopes


def _blocks(rows: Tensor, weight: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, rows.shape[1], 8192):
        end = start + 8192
        yield rows[:, start:end], weight[:, start:end] if weight.shape[1] > 1 else weight


def widen(feature: Tensor) -> Tensor:
    """``feature`` in float32 if it was narrower: sums over a picture's positions need the digits."""
    return feature.float() if feature.dtype in _NARROW else feature
