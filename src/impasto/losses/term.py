"""The losses: what is measured on a picture's features, and how far that is from what is wanted.

A loss is stateless and split in two, because everything it needs from the *positions* of a picture is a sum
over them:

- ``measure`` is local and additive: over tiles it adds up, over regions it is weighted, over several styles
  it averages;
- ``distance`` is global and small: it turns the sums into one number and may be as non-linear as it likes.

``target`` says what to remember of the picture that is imitated. The same losses serve the optimiser, which
has one target for all its steps, and the training of networks, where targets change with every batch. Those
that keep the content are in `content`, those that compare styles in `style`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from impasto.errors import SettingsError
from impasto.losses.statistics import Stat, blend

Features = Mapping[str, Tensor]
"""Layer name -> feature map (N, C, H, W). The picture itself is the layer ``pixels``, (N, 3, H, W) in [0,
1]."""


class Loss(Protocol):
    """What every loss can do. ``weight`` is (N or 1, 1, H, W), sums to one over the picture, and defaults to
    uniform.
    """

    @property
    def blends(self) -> bool:
        """Whether targets of several pictures can be averaged."""
        ...

    @property
    def additive(self) -> bool:
        """Whether its statistic adds up over tiles and regions."""
        ...

    @property
    def proportional(self) -> bool:
        """Whether its distance is in proportion to its statistic, and so has the same slopes whatever that
        is.
        """
        ...

    @property
    def placed(self) -> int:
        """How many entries of its target, the first ones, are maps with a value for every position."""
        ...

    @property
    def looks(self) -> int:
        """1, or 2 for a loss that measures by its own target: what `measure` finds of the imitated picture is
        appended to it.
        """
        ...

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        """What to remember of the imitated picture's features (N, C, H, W)."""
        ...

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        """The additive statistic of (N, C, H, W) features. Only a loss that compares place by place looks at
        ``target``.
        """
        ...

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        """How far apart, ≥ 0, picture by picture: (N,)."""
        ...


@dataclass(frozen=True)
class Term:
    """One summand of the objective: weight · Σ_l w_l · distance_l / Σ_l w_l over its layers, averaged over
    the batch.

    ``layers`` maps layer names to weights, ``targets`` the same names to what is to be met there, and
    ``where``, for a term of a region, to the weights of the positions (1, 1, H, W), which sum to one.
    ``shares`` (N,) is what the pictures of a batch count in the term, if not all the same.
    """

    name: str
    loss: Loss
    weight: float
    layers: Mapping[str, float]
    targets: Mapping[str, Stat]
    where: Mapping[str, Tensor] = field(default_factory=dict)
    shares: Tensor | None = None

    @classmethod
    def towards(
        cls,
        name: str,
        loss: Loss,
        weight: float,
        layers: Mapping[str, float],
        examples: Sequence[tuple[Mapping[str, Stat], float]],
        *,
        where: Mapping[str, Tensor] | None = None,
    ) -> "Term":
        """A term towards what was remembered (`objective.remember`) of one or several pictures, with shares
        that sum to one.

        Raises SettingsError for several pictures with a loss that cannot average them.
        """
        if len(examples) > 1 and not loss.blends:
            raise SettingsError(
                f"The {name} loss asked for compares with one picture at a time, not {len(examples)}: take another, or one picture."
            )
        targets = {layer: blend([(target[layer], share) for target, share in examples]) for layer in layers}
        return cls(name, loss, weight, layers, targets, where or {})

    def value(self, measured: Mapping[str, Stat]) -> Tensor:
        """The layers' weighted mean distance, before the term's own weight: a scalar. ``measured`` are its
        layers' statistics.
        """
        distances = [
            weight * self.loss.distance(measured[layer], self.targets[layer]) for layer, weight in self.layers.items()
        ]
        value = torch.stack(distances).sum(0) / sum(self.layers.values())
        return (value if self.shares is None else self.shares * value).mean()


def positive(energy: Tensor) -> Tensor:
    """A target without any energy (an all-black picture) must not divide by zero."""
    return energy.clamp_min(torch.finfo(energy.dtype).tiny ** 0.5)
