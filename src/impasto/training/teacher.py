"""The teacher: what a batch of painted pictures is held to, which is the optimiser's own objective."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from impasto.features import Backbone
from impasto.losses import ContentLoss, Loss, Term, TotalVariationLoss
from impasto.networks import encoder
from impasto.objective import TermObjective, remember
from impasto.settings import Settings
from impasto.statistics import Stat, moments
from impasto.style_losses import CALIBRATION, STYLE_LOSSES, MomentsLoss

Targets = dict[str, Stat]
"""Layer -> what a style loss remembers of N paintings, entry by entry (N, …)."""


class Teacher:
    """The losses of ``settings`` on a backbone: what they remember of paintings, and the objective of a batch."""

    def __init__(self, backbone: Backbone, settings: Settings) -> None:
        self.backbone = backbone
        self._settings = settings
        relative = settings.normalization == "relative"
        self._style: Loss = STYLE_LOSSES[settings.style_loss](relative)
        if isinstance(self._style, MomentsLoss):
            # A flat crop of a painting would outweigh all others of its batch a thousand times.
            self._style = replace(self._style, floor=0.03)
        self._style_weight = settings.style_weight * (CALIBRATION[settings.style_loss] if relative else 1)
        self._content = ContentLoss(relative)
        self._typical: dict[str, Tensor] = {}

    @torch.no_grad()
    def acquaint(self, photos: Iterable[Tensor]) -> None:
        """Learn from some photographs (1, 3, H, W) how much content there is in one, layer by layer, if content counts.

        Content that is relative is relative to that. By each crop's own, a network would be held to every nuance of a flat sky, and
        let go of a face in a crowd.
        """
        if self._settings.content_weight == 0:
            return
        seen = [remember(self.backbone, self._content, photo, self._settings.content_layers) for photo in photos]
        self._typical = {layer: torch.cat([each[layer][1] for each in seen]).mean() for layer in seen[0]}

    @torch.no_grad()
    def remembered(self, paintings: Tensor) -> Targets:
        """What is to be met of N paintings (N, 3, H, W)."""
        return remember(self.backbone, self._style, paintings, self._settings.style_layers)

    @torch.no_grad()
    def seen(self, paintings: Tensor) -> tuple[Tensor, Targets]:
        """N paintings as the style encoder is told of them, and what is to be met of them, by a single look."""
        layers = self._settings.style_layers
        features = self.backbone(paintings, {*encoder.LAYERS, *layers})
        description = encoder.described({layer: moments(features[layer]) for layer in encoder.LAYERS})
        targets = {layer: self._style.target(features[layer]) for layer in layers}
        if self._style.looks > 1:
            for layer, target in targets.items():
                targets[layer] = target + self._style.measure(features[layer], target)
        return description, targets

    def objective(self, kept: Tensor, targets: Targets, share: float = 1.0) -> TermObjective:
        """The objective of pictures with the content of ``kept`` (N, 3, H, W) and the style of ``targets``; ``share`` of the style's
        weight counts."""
        settings = self._settings
        terms = [Term("style", self._style, share * self._style_weight, settings.style_layers, targets)]
        if settings.content_weight > 0:
            with torch.no_grad():
                found = remember(self.backbone, self._content, kept, settings.content_layers)
            content = {layer: (each, self._typical[layer].expand_as(own)) for layer, (each, own) in found.items()}
            terms.append(Term("content", self._content, settings.content_weight, settings.content_layers, content))
        if settings.tv_weight > 0:
            smooth = TotalVariationLoss(settings.tv_norm)
            terms.append(Term("tv", smooth, settings.tv_weight, {"pixels": 1.0}, {"pixels": ()}))
        return TermObjective(self.backbone, terms)


def joined(targets: Sequence[Targets]) -> Targets:
    """The targets of several batches as those of one."""
    return {
        layer: tuple(torch.cat(entries) for entries in zip(*(each[layer] for each in targets), strict=True))
        for layer in targets[0]
    }
