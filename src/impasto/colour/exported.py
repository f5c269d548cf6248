"""`transfer.towards` once more, in float32 and of operations that other programs have: no decompositions, no
quantiles, no decisions. Within a level of 255 of what `transfer` computes in float64.
"""

import math

import torch
from torch import Tensor

from impasto.colour.transfer import KNEE, STRIP, TOP
from impasto.colour.transport import FLOOR, Function, transport

_SWEEPS = 4
"""Of Jacobi's rotations, after which nothing is left beside the diagonal of a matrix (3, 3)."""
_UNITS = torch.eye(3)


def _plane(first: int, second: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a rotation of two axes is made of, along them and across, and what it asks of a matrix: how far
    apart the two are, and twice what stands beside the diagonal. As constants, for an exporter traces every
    operation.
    """
    one, other = _UNITS[first], _UNITS[second]
    across = torch.outer(one, other)
    straight = torch.diag(one + other)
    return straight, across - across.T, torch.diag(other - one), across + across.T


_PLANES = (_plane(0, 1), _plane(0, 2), _plane(1, 2))


def towards(pixels: Tensor, colours: Tensor, share: float) -> Tensor:
    """``pixels`` (1, 3, H, W) of a size known beforehand a ``share`` of the way to the mean and covariance of
    ``colours`` (1, 12).
    """
    flat = pixels.flatten(2)[0]
    mean_t = flat.mean(1, keepdim=True)
    centred = flat - mean_t
    sigma_t = centred @ centred.T / flat.shape[1] + FLOOR * _UNITS
    mean_s = colours[:, 9:].T
    sigma_s = colours[0, :9].reshape(3, 3) - mean_s @ mean_s.T + FLOOR * _UNITS
    mapped = transport(sigma_t, sigma_s, _functions_of) @ centred + mean_s
    sample = mapped[:, :: 1 + 3 * flat.shape[1] // STRIP].flatten()
    top = _quantile(sample)
    bottom = _quantile(1 - _rolled_off(sample, top))
    shown = (1 - _rolled_off(1 - _rolled_off(mapped, top), bottom)).clamp(0, 1)
    return pixels + share * (shown.reshape(pixels.shape) - pixels)


def _functions_of(matrix: Tensor, *functions: Function) -> list[Tensor]:
    """Functions of a symmetric matrix (3, 3), as `transport` wants them, by Jacobi's rotations (Golub and Van
    Loan 2013, section 8.5).
    """
    axes = _UNITS
    for straight, across, of_apart, of_beside in _SWEEPS * _PLANES:
        apart, beside = (matrix * of_apart).sum(), (matrix * of_beside).sum()
        sign = torch.where(apart < 0, -1.0, 1.0)
        tangent = sign * beside / (apart.abs() + (apart * apart + beside * beside).sqrt() + 1e-30)
        cosine = 1 / (1 + tangent * tangent).sqrt()
        turn = _UNITS + (cosine - 1) * straight + tangent * cosine * across
        matrix, axes = turn.T @ matrix @ turn, axes @ turn
    values = (matrix * _UNITS).sum(0)
    return [(axes * each(values)) @ axes.T for each in functions]


def _quantile(values: Tensor) -> Tensor:
    """The value below which a share `TOP` of them lies, between the two that are nearest, as NumPy has it."""
    place = TOP * (len(values) - 1)
    largest = torch.topk(values, len(values) - math.floor(place)).values
    above = largest[-2] if len(largest) > 1 else largest[-1]
    return largest[-1] + (place - math.floor(place)) * (above - largest[-1])


def _rolled_off(values: Tensor, top: Tensor) -> Tensor:
    """As `transfer.mapping` rolls off light colours, where ``top`` is beyond 1."""
    end = top.clamp_min(1)
    slope = (end - KNEE) / (1 - KNEE)
    t = ((values - KNEE) / (end - KNEE)).clamp(0, 1)
    bent = KNEE + (1 - KNEE) * slope * t / (1 + (slope - 1) * t)
    return torch.where((values > KNEE) & (top > 1), bent, values)
