"""The objective: terms and a backbone make a function of the pixels, with its gradient."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from impasto.features import Backbone
from impasto.losses import Term, score

TOTAL = "total"
"""The name under which the weighted sum of all terms is reported."""


class Objective(Protocol):
    """What the solver minimises. It cannot tell how the value is come by."""

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        """Every term's unweighted value by name and their weighted sum as ``total``, and the gradient of the total.

        ``pixels`` is (1, 3, H, W) in [0, 1]; the gradient has its shape and dtype.
        """
        ...


class WholeFrame:
    """The objective of a picture small enough to be seen at once: one forward pass, one backward pass."""

    def __init__(self, backbone: Backbone, terms: Sequence[Term]) -> None:
        self._backbone = backbone
        self._terms = terms
        self._layers = {layer for term in self._terms for layer in term.layers}

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        pixels = pixels.detach().requires_grad_()
        values = score(self._terms, self._backbone(pixels, self._layers))
        total = torch.stack([term.weight * values[term.name] for term in self._terms]).sum()
        (gradient,) = torch.autograd.grad(total, pixels)
        # Read all at once: a GPU is waited for a single time.
        read = torch.stack([*values.values(), total]).tolist()
        return dict(zip([*values, TOTAL], read, strict=True)), gradient
