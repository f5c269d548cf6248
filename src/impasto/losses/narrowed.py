"""Objectives of pictures that are not free: what of them may not change has no gradient."""

import torch
from torch import Tensor

from impasto.losses.objective import Objective


class PartlyFixed:
    """An objective of pixels of which a share ``fixed`` (1, 1, H, W) is always that of ``frame`` (1, 3, H,
    W).
    """

    def __init__(self, objective: Objective, frame: Tensor, fixed: Tensor) -> None:
        self._objective, self._frame, self._fixed = objective, frame, fixed

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        values, gradient = self._objective.value_and_grad(torch.lerp(pixels, self._frame, self._fixed))
        return values, gradient.mul_(1 - self._fixed)


class Colourless:
    """An objective of pictures whose channels are the same, and stay so: they share their gradient."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        values, gradient = self._objective.value_and_grad(pixels)
        return values, gradient.copy_(gradient.mean(1, keepdim=True))
