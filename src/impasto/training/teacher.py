"""The teacher: what a batch of painted pictures is held to, which is the optimiser's own objective.

A network for any style is told of each painting. The styles of a table are known by their numbers, and what
is to be met of them is remembered; one that is numbered after the last is the photograph's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from impasto.backbones.features import Backbone
from impasto.colour import transfer
from impasto.losses import terms
from impasto.losses.content import ContentLoss, PlacesLoss
from impasto.losses.objective import TermObjective, remember
from impasto.losses.statistics import Stat, moments, variance
from impasto.losses.style import MomentsLoss
from impasto.losses.term import Term
from impasto.networks import encoder
from impasto.networks.contract import Network
from impasto.pictures.picture import Picture
from impasto.places.search import replaced
from impasto.settings.fields import Settings
from impasto.training import motion

_LEAST_VARIANCE = 1e-3
"""Of features in the thousands: that of a blank canvas, which has nothing to teach."""


@dataclass(frozen=True)
class Goal:
    """What is to be met of N paintings: by layer, what the style loss remembers of them, entry by entry (N,
    …); and their contrasts (N,), the variances of their features, geometric means over the layers.
    """

    targets: dict[str, Stat]
    contrast: Tensor

    def of(self, number: int) -> "Goal":
        """That of a single painting."""
        targets = {layer: tuple(entry[number, None] for entry in stat) for layer, stat in self.targets.items()}
        return Goal(targets, self.contrast[number, None])

    @classmethod
    def joined(cls, goals: Sequence["Goal"]) -> "Goal":
        """Those of several batches of paintings as that of one."""
        targets = {layer: joined([each.targets[layer] for each in goals]) for layer in goals[0].targets}
        return cls(targets, torch.cat([each.contrast for each in goals]))


def joined(stats: Sequence[Stat]) -> Stat:
    """What is remembered of several pictures as that of a batch."""
    return tuple(map(torch.cat, zip(*stats, strict=True)))


class Teacher:
    """The losses of ``settings`` on a backbone: what they remember of paintings, and the objective of a
    batch.
    """

    def __init__(self, backbone: Backbone, settings: Settings) -> None:
        self.backbone = backbone
        self.device = backbone.device
        self.table: Goal | None = None
        """What is to be met of the styles of a table, once they have been seen."""
        self._settings = settings
        self._relative = settings.normalization == "relative"
        self._style, self._style_weight = terms.style(settings)
        if isinstance(self._style, MomentsLoss):
            # A flat crop of a painting would outweigh all others of its batch a thousand times.
            self._style = replace(self._style, floor=0.03)
        self._content = ContentLoss(self._relative)
        self._content_energy: dict[str, Tensor] = {}
        self._contrast = torch.ones(())

    @torch.no_grad()
    def acquaint(self, photos: Iterable[Tensor], goals: Iterable[Goal]) -> None:
        """Learn what is typical: how much content there is in photographs (1, 3, H, W), layer by layer, if
        content counts, and how much contrast in paintings.

        Content that is relative is relative to that. By each crop's own, a network would be held to every
        nuance of a flat sky, and let go of a face in a crowd. Style that is relative is relative to the
        painting's own statistics, but counts by its contrast: bold paintings paint boldly, and faint ones
        leave more of the photograph.
        """
        self._contrast = torch.cat([each.contrast for each in goals]).log().mean().exp()
        if self._settings.content_weight == 0:
            return
        seen = [remember(self.backbone, self._content, photo, self._settings.content_layers) for photo in photos]
        self._content_energy = {layer: torch.cat([each[layer][1] for each in seen]).mean() for layer in seen[0]}

    @torch.no_grad()
    def seen(self, paintings: Tensor) -> tuple[Tensor, Goal]:
        """N paintings (N, 3, H, W) as the style encoder is told of them, and what is to be met of them, by a
        single look.
        """
        layers = self._settings.style_layers
        features = self.backbone(paintings, {*encoder.LAYERS, *layers})
        found = {layer: moments(features[layer]) for layer in encoder.LAYERS}
        variances = torch.stack([variance(*stat).sum(1) for stat in found.values()])
        contrast = variances.clamp_min(_LEAST_VARIANCE).log().mean(0).exp()
        targets = {layer: self._style.target(features[layer]) for layer in layers}
        if self._style.looks > 1:
            for layer, target in targets.items():
                targets[layer] = target + self._style.measure(features[layer], target)
        return encoder.described(found), Goal(targets, contrast)

    def objective(self, photos: Tensor, goal: Goal, paintings: Tensor, share: float = 1.0) -> TermObjective:
        """The objective of pictures with the content of ``photos`` (N, 3, H, W) and the style of ``goal``,
        and, where places count, those of ``paintings`` (N, 3, H, W), else empty; ``share`` of the weights of
        style and places counts.
        """
        settings, weight = self._settings, share * self._style_weight
        shares = goal.contrast / self._contrast if self._relative else None
        summands = list[Term]()
        if weight > 0:
            summands.append(Term("style", self._style, weight, settings.style_layers, goal.targets, shares=shares))
        if settings.places_weight > 0:
            summands.append(self._places(photos, paintings, share * settings.places_weight))
        if settings.content_weight > 0:
            with torch.no_grad():
                found = remember(self.backbone, self._content, photos, settings.content_layers)
            content = {
                layer: (each, self._content_energy[layer].expand_as(own)) for layer, (each, own) in found.items()
            }
            summands.append(Term("content", self._content, settings.content_weight, settings.content_layers, content))
        summands += terms.smoothness(settings)
        return TermObjective(self.backbone, summands)

    def _places(self, photos: Tensor, paintings: Tensor, weight: float) -> Term:
        """Every place of a photograph shall be like that of its painting which is most like it (`places`).
        Crops are mirrored already, and to look at them turned as well would take longer than all the rest.
        """
        layers, loss = self._settings.places_layers, PlacesLoss()
        targets: dict[str, list[Stat]] = {layer: [] for layer in layers}
        for photo, painting in zip(torch.split(photos, 1), torch.split(paintings, 1), strict=True):
            found = replaced(self.backbone, photo, [(Picture(painting), 1.0)], [list(layers)], views=1)
            for layer, feature in found.items():
                targets[layer].append(loss.target(feature))
        return Term("places", loss, weight, layers, {layer: joined(each) for layer, each in targets.items()})

    def meant(self, network: Network, numbers: Tensor, paintings: Tensor | None) -> tuple[Tensor, Goal]:
        """γ and β of a batch, and what is to be met, by the numbers of its styles (N,), or by the paintings
        themselves (N, 3, H, W).

        Of a table, ``paintings`` are the photographs, for those that keep their own style.
        """
        if network.encoder is not None:
            assert paintings is not None
            description, goal = self.seen(paintings)
            return network.stylizer.style(network.encoder(description)), goal
        assert self.table is not None
        code = nn.functional.one_hot(numbers.to(self.device), network.stylizer.heads.in_features).float()
        chosen = [
            self.table.of(number) if number < len(self.table.contrast) else self.seen(paintings[place, None])[1]  # type: ignore[index]
            for place, number in enumerate(numbers.tolist())
        ]
        return network.stylizer.style(code), Goal.joined(chosen)

    def painted(self, network: Network, pixels: Tensor, style: Tensor, colours: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) as the network paints them by γ and β (N, …), moved to the colours (N, 12)
        of their styles. Differentiable.
        """
        # The processor paints pictures one by one as fast as together, and holds less.
        portion = 1 if self.device.type == "cpu" else len(pixels)
        parts = zip(*(torch.split(each, portion) for each in (pixels, style, colours)), strict=True)
        return torch.cat([self._painted(network, *part) for part in parts])

    def unsteadiness(
        self, network: Network, painted: Tensor, seen: tuple[Tensor, Tensor], style: Tensor, colours: Tensor
    ) -> Tensor:
        """`motion.unsteadiness` of what is ``painted`` of photographs when they are ``seen`` anew and painted
        in the same style. Differentiable.
        """
        moved, way = seen
        later = self.painted(network, moved.to(self.device), style, colours)
        return motion.unsteadiness(painted, later, way.to(self.device))

    def _painted(self, network: Network, pixels: Tensor, style: Tensor, colours: Tensor) -> Tensor:
        prepared = pixels.to(self.backbone.dtype, memory_format=torch.channels_last)
        painted: Tensor = network.stylizer(prepared, style).float()
        palette = network.design.palette
        if not palette or not bool(painted.isfinite().all()):  # such a step will be skipped
            return painted
        pairs = zip(torch.split(painted, 1), torch.split(colours, 1), strict=True)
        return torch.cat([transfer.towards(picture, wanted, palette) for picture, wanted in pairs])
