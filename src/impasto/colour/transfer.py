"""Colour by itself: the palette of one picture on another, and the lightness of one with the colours of
another.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.colour import oklab
from impasto.colour.transport import FLOOR, Function, told, transport
from impasto.losses.statistics import covariance, moments

STRIP = 2**20
"""Positions that are computed in float64 at a time, and about how many values tell of how light they are."""
KNEE, TOP = 0.5, 0.995
"""From where light colours are rolled off, and what share of them is to be within range."""


def of(pixels: Tensor, weight: Tensor | None = None) -> Tensor:
    """The colours of pictures (N, 3, H, W): their nine raw second moments and three means, (N, 12), float64.

    ``weight`` (1, 1, H, W) says what positions count; it need not sum to one. Colours may be averaged.
    Differentiable.
    """
    flat = pixels.flatten(2)[..., None]
    counts = torch.ones_like(flat[:1, :1]) if weight is None else weight.flatten(2)[..., None]
    counts = counts.to(pixels.device, torch.float64)
    parts = [
        moments(strip.double(), count)
        for strip, count in zip(torch.split(flat, STRIP, 2), torch.split(counts, STRIP, 2), strict=True)
    ]
    total = counts.sum()
    gram, mean = (torch.stack(each).sum(0) / total for each in zip(*parts, strict=True))
    return torch.cat([gram.flatten(1), mean], 1)


def mapping(pixels: Tensor, colours: Tensor, weight: Tensor | None = None) -> Callable[[Tensor], Tensor]:
    """The map of colours (1, 3, M), float64, that gives ``pixels`` (1, 3, H, W) the mean and covariance of
    ``colours`` (1, 12).

    The linear map between two Gaussians that moves colours least (`transport`). Computed in float64, and
    differentiable once. Light and dark colours that the map sends out of range are rolled off rather than
    cut, so that what they show stays visible. ``weight`` (1, 1, H, W) says which of the pixels stand for
    their colours.
    """
    (sigma_t, mean_t), (sigma_s, mean_s) = map(_gaussian, (of(pixels, weight), colours.to(pixels.device)))
    matrix = transport(sigma_t, sigma_s, _functions_of)

    def mapped(flat: Tensor) -> Tensor:
        return matrix @ (flat - mean_t) + mean_s

    with torch.no_grad():
        flat = pixels.flatten(2)
        if weight is not None:  # what is sent out of range elsewhere shall not dim what they stand for
            counts = weight.flatten().to(flat.device)
            flat = flat[:, :, counts >= counts.max() / 2]
        sample = mapped(flat[:, :, :: 1 + flat.numel() // STRIP].double())  # more would not be needed
        top = _quantile(sample, TOP)
        bottom = _quantile(1 - _roll_off(sample, top), TOP)

    def shown(flat: Tensor) -> Tensor:
        return (1 - _roll_off(1 - _roll_off(mapped(flat), top), bottom)).clamp(0, 1)

    return shown


def match(pixels: Tensor, colours: Tensor, weight: Tensor | None = None) -> Tensor:
    """``pixels`` (1, 3, H, W) with the mean and covariance of ``colours`` (1, 12), by `mapping`."""
    return _by_strips(mapping(pixels, colours, weight), pixels)


def towards(pixels: Tensor, colours: Tensor, share: float, weight: Tensor | None = None) -> Tensor:
    """``pixels`` a ``share`` of the way to what `match` makes of them."""
    return moved(pixels, mapping(pixels, colours, weight), share) if share else pixels


def moved(pixels: Tensor, mapped: Callable[[Tensor], Tensor], share: float) -> Tensor:
    """``pixels`` (1, 3, H, W) a ``share`` of the way to where a `mapping`, perhaps of other pixels, sends
    them.
    """
    return torch.lerp(pixels, _by_strips(mapped, pixels), share)


def match_histogram(
    pixels: Tensor, other: Tensor, counts: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """``pixels`` with the mean and covariance of another picture's colours, as `match`, and then its
    histogram in each axis of Oklab.

    The first step settles how the axes go together, which histograms of single axes do not see. In a picture
    that is grey, in one tone, or of one colour, the axes are one: its histogram is that of lightness alone,
    or every shade would be sent to a hue of its own. ``counts`` is the weight of the other picture's
    positions.
    """
    matched = match(pixels, of(other, counts), weight)
    return levels(pixels, matched, other, counts, weight)(matched)


def levels(
    pixels: Tensor, matched: Tensor, other: Tensor, counts: Tensor | None = None, weight: Tensor | None = None
) -> Callable[[Tensor], Tensor]:
    """The second step of `match_histogram`: what gives ``matched``, which the first has made of ``pixels``,
    or parts of it, another picture's histogram in each axis of Oklab.
    """
    share = float(told(torch.linalg.eigvalsh(_gaussian(of(pixels, weight))[0])).min())
    shares = torch.linspace(0, 1, 1025, dtype=torch.float64)
    own, wanted = _quantiles(matched, weight, shares), _quantiles(other, counts, shares)
    wanted[0] = torch.lerp(_averaged(own[0], wanted[0]), wanted[0], share)

    def mapped(strip: Tensor) -> Tensor:
        lab = oklab.from_srgb(strip)
        light, *opponent = (_interpolated(*each) for each in zip(lab[0], own, wanted, strict=True))
        return oklab.to_srgb(torch.cat([light[None], torch.lerp(lab[0, 1:], torch.stack(opponent), share)])[None])

    return lambda part: _by_strips(mapped, part)


def lightness(pixels: Tensor) -> Tensor:
    """The grey picture (1, 3, H, W) with the lightness of ``pixels``."""

    def grey(strip: Tensor) -> Tensor:
        lab = oklab.from_srgb(strip)
        return oklab.to_srgb(torch.cat([lab[:, :1], torch.zeros_like(lab[:, 1:])], 1))

    return _by_strips(grey, pixels)


def tinted(pixels: Tensor, photo: Tensor) -> Tensor:
    """The lightness of ``pixels`` with the hue and chroma of ``photo``, both (1, 3, H, W) (Gatys et al. 2017,
    section 5.1, in Oklab).
    """

    def joined(strip: Tensor, other: Tensor) -> Tensor:
        return oklab.to_srgb(torch.cat([oklab.from_srgb(strip)[:, :1], oklab.from_srgb(other)[:, 1:]], 1))

    return _by_strips(joined, pixels, photo)


def _by_strips(mapped: Callable[..., Tensor], *pictures: Tensor) -> Tensor:
    """What a function of positions makes of pictures, computed in float64. As differentiable as the
    function.
    """
    first = pictures[0]
    out = torch.empty_like(first, memory_format=torch.contiguous_format)
    flat = out.flatten(2)
    strips = zip(*(torch.split(each.flatten(2), STRIP, 2) for each in pictures), strict=True)
    for number, given in enumerate(strips):
        # A slice, for autograd allows no writing into what torch.split gives.
        flat[:, :, number * STRIP : (number + 1) * STRIP] = mapped(*(each.double() for each in given))
    return flat.view_as(out)


def _quantile(values: Tensor, share: float) -> float:
    """As torch's, which sorts: NumPy finds it several times faster."""
    return float(np.quantile(values.cpu().numpy(), share))


def _quantiles(pixels: Tensor, weight: Tensor | None, levels: Tensor) -> list[Tensor]:
    """In each axis of Oklab, the values below which such shares of the positions lie, from about a million of
    them.
    """
    step = 1 + pixels[0, 0].numel() // STRIP
    counts = torch.ones_like(pixels[:, 0]) if weight is None else weight[:, 0]
    count = counts.flatten()[::step].double().cpu()
    found = []
    for plane in oklab.from_srgb(pixels.flatten(2)[..., ::step].double().cpu())[0]:
        values, order = plane.sort()
        ranks = count[order].cumsum(0) - count[order] / 2
        found.append(_interpolated(levels * count.sum(), ranks, values))
    return found


def _averaged(xs: Tensor, ys: Tensor) -> Tensor:
    """``ys`` averaged over where ``xs``, rising, stays the same: what a large part of one shade becomes."""
    _, place, count = xs.unique_consecutive(return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
    means: Tensor = torch.zeros_like(xs[: len(count)]).index_add_(0, place, ys) / count
    return means[place]


def _interpolated(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """The piecewise linear function through (xs, ys), xs rising, constant beyond its ends."""
    return torch.from_numpy(np.interp(x.cpu().numpy(), xs.numpy(), ys.numpy())).to(x.device)


def _gaussian(colours: Tensor) -> tuple[Tensor, Tensor]:
    """Covariance (3, 3), `FLOOR` more than there is so that it has an inverse, and mean (3, 1) of colours
    (1, 12).
    """
    gram, mean = colours[:, :9].view(1, 3, 3), colours[:, 9:]
    floor = FLOOR * torch.eye(3, dtype=colours.dtype, device=colours.device)
    return covariance(gram, mean)[0] + floor, mean.T


class _Function(torch.autograd.Function):
    """A function of a symmetric matrix (n, n), by its eigenvalues, with a gradient where they are equal, too
    (Daleckii and Krein 1965; Higham 2008, theorem 3.11): that of their vectors, which autograd takes, is
    infinite there.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, function: Function) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        ctx.save_for_backward(values, vectors)
        ctx.function = function
        found: Tensor = (vectors * function(values)) @ vectors.mT
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        values, vectors = ctx.saved_tensors
        with torch.enable_grad():
            leaf = values.clone().requires_grad_()
            found = ctx.function(leaf)
            (slopes,) = torch.autograd.grad(found.sum(), leaf)
        apart = values[:, None] - values
        equal = apart.abs() <= 1e-8 * values.abs().max()
        rise = (found[:, None] - found).detach() / torch.where(equal, 1, apart)
        rise = torch.where(equal, (slopes[:, None] + slopes) / 2, rise)
        return vectors @ (vectors.mT @ gradient @ vectors * rise) @ vectors.mT, None


def _functions_of(matrix: Tensor, *functions: Function) -> list[Tensor]:
    """Functions of a symmetric matrix, as `transport` wants them."""
    return [_Function.apply(matrix, each) for each in functions]  # type: ignore[no-untyped-call]


def _roll_off(values: Tensor, top: float, knee: float = KNEE) -> Tensor:
    """A film's shoulder: what lies above ``knee`` bends so that ``top``, the 99.5th percentile, becomes 1, if
    it is more than that.

    t ↦ st / (1 + (s - 1)t) on the part above the knee has slope s at 0, which makes the bend smooth, and ends
    at 1.
    """
    slope = (top - knee) / (1 - knee)
    if slope <= 1:
        return values
    t = ((values - knee) / (top - knee)).clamp(0, 1)
    return torch.where(values > knee, knee + (1 - knee) * slope * t / (1 + (slope - 1) * t), values)
