"""The linear map that gives colours of one covariance another, moving them least."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

FLOOR = 1e-5
"""The variance, of a deviation of 0.8 of 255, up to which colours do not differ: rounding to 8 bits and what
compression adds. It is added to covariances, so that they have an inverse."""
_SURE = 9 * FLOOR
"""The variance, of a deviation of 2.4 of 255, from which they differ for certain."""

Function = Callable[[Tensor], Tensor]
"""Of eigenvalues (n,), one by one."""


class FunctionsOf(Protocol):
    """Functions of a symmetric matrix (n, n), each a matrix: its axes, with what becomes of its values."""

    def __call__(self, matrix: Tensor, *functions: Function) -> list[Tensor]: ...


def told(values: Tensor) -> Tensor:
    """How far colours differ along axes of a covariance with such eigenvalues, `FLOOR` among them: 0 where it
    is by noise alone, 1 where it is for certain.

    >>> told(torch.tensor([1e-5, 6e-5, 1e-2])).tolist()
    [0.0, 0.5, 1.0]
    """
    return ((values - 2 * FLOOR) / (_SURE - FLOOR)).clamp(0, 1)


def transport(sigma_t: Tensor, sigma_s: Tensor, functions_of: FunctionsOf) -> Tensor:
    """The matrix (3, 3) that gives colours of the first covariance the second, to both of which `FLOOR` has
    been added.

    A = Σt^-½ (Σt^½ Σs Σt^½)^½ Σt^-½ (optimal transport; Pitié and Kokaram 2007, "The linear
    Monge–Kantorovitch linear colour mapping", eq. 4). Directions in which there are no differences to be
    moved are left out, or their noise would be made fifty times as large: along those that there are, T, the
    map is the same between TᵀΣtT and TᵀΣsT, and the others take what goes with these in the second,
    ΣsT (TᵀΣsT)^-1 (the conditional mean, and so the mean of the optimal plan). What the second has none of,
    the result has none of.

    Whether a direction is there is not decided: it counts as far as it is `told`, in place of T a matrix K
    that is TTᵀ where all are told or not at all. So A is continuous in both, and those who compute it in
    float32 find the same.
    """

    def untold(values: Tensor) -> Tensor:
        return 1 - told(values)

    root, inverse_root, rest = functions_of(
        sigma_t, lambda values: told(values) * values**0.5, lambda values: told(values) * values**-0.5, untold
    )
    known = torch.eye(3).to(sigma_t) - rest
    (within,) = functions_of(root @ sigma_s @ root, lambda values: values.clamp_min(1e-20) ** 0.5)
    moved = inverse_root @ within @ inverse_root
    (inverse,) = functions_of(known @ sigma_s @ known + rest, lambda values: 1 / values)
    moved = moved + rest @ sigma_s @ known @ inverse @ known @ moved
    (missing,) = functions_of(sigma_s, untold)
    return moved - missing @ moved
