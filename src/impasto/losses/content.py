"""Losses that look place by place: content, places, and how smooth the surface is."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from impasto.losses import statistics
from impasto.losses.statistics import Stat
from impasto.losses.term import positive


@dataclass(frozen=True)
class ContentLoss:
    """Mean squared difference of the features, place by place (Gatys et al. 2016, eq. 1, as a mean
    without the ½).

    With ``relative`` it is divided by the target's own mean square: 0 at the target, 1 for features that are
    all zero.
    """

    relative: bool = True
    blends: ClassVar[bool] = True
    additive: ClassVar[bool] = True
    proportional: ClassVar[bool] = True
    placed: ClassVar[int] = 1
    looks: ClassVar[int] = 1

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        return feature, statistics.squared_error(feature, torch.zeros_like(feature), weight)

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        return (statistics.squared_error(feature, target[0], weight),)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        return measured[0] / positive(target[1]) if self.relative else measured[0]


@dataclass(frozen=True)
class PlacesLoss:
    """How far every place is from the one that it shall look like (Kolkin et al. 2022, section 3): 1 - cos,
    and ``share`` times the mean squared difference over the target's mean square, for a cosine does not see
    how strong a feature is.

    It is a content loss on features that have been replaced (`places.replaced`).
    """

    share: float = 0.1
    blends: ClassVar[bool] = False
    additive: ClassVar[bool] = True
    proportional: ClassVar[bool] = True
    placed: ClassVar[int] = 1
    looks: ClassVar[int] = 1

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        return feature, statistics.squared_length(feature, weight)

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        return statistics.unlikeness(feature, target[0], weight)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        return measured[0] + self.share * measured[1] / positive(target[1])


@dataclass(frozen=True)
class TotalVariationLoss:
    """Total variation per pixel: how restless the picture is, whatever its target (Johnson et al. 2016,
    section 3.2).
    """

    norm: Literal["l1", "l2"] = "l2"
    blends: ClassVar[bool] = True
    additive: ClassVar[bool] = True
    proportional: ClassVar[bool] = True
    placed: ClassVar[int] = 0
    looks: ClassVar[int] = 1

    def target(self, feature: Tensor, weight: Tensor | None = None) -> Stat:
        return ()

    def measure(self, feature: Tensor, target: Stat, weight: Tensor | None = None) -> Stat:
        return (statistics.total_variation(feature, self.norm, weight),)

    def distance(self, measured: Stat, target: Stat) -> Tensor:
        return measured[0]
