"""A problem: what is minimised, as a value. `Problem.terms` is the equation of all tasks, from its first
summand to its last.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.colour.grey import is_grey
from impasto.losses import terms
from impasto.losses.content import ContentLoss, PlacesLoss
from impasto.losses.objective import remember
from impasto.losses.term import Term
from impasto.masks.regions import counts, reaching
from impasto.pictures import edges
from impasto.pictures.picture import Picture, Size, resize
from impasto.places.gallery import Memory
from impasto.places.search import MOST, replaced
from impasto.settings.fields import Effective
from impasto.settings.finest import LAST, looking_to, shallow
from impasto.solver.solve import Stage
from impasto.tasks import held, protect
from impasto.tasks.held import Held
from impasto.tasks.zones import Zone, recoloured

_LAST_MOST = 2**14
"""In the last pass every layer seeks among so many places of the paintings."""
_LARGER = 4
"""To look at a pixel of a painting takes a fifth of the memory that a step takes for one of the picture."""


@dataclass(frozen=True)
class Problem:
    """Pictures, masks and styles at the final size, and how the scales are worked through.

    ``frame`` lends the result its size, depth and transparency. ``photo`` is the content, which a texture has
    none of; ``zones`` are the styles with their parts of the picture, which a reconstruction has none of.
    ``fixed`` (1, 1, H, W) is the share of every pixel that stays the frame's, ``protected`` how strongly each
    is kept; ``held`` is what is known of it already.
    """

    task: str
    settings: Effective
    frame: Picture
    schedule: Sequence[Stage]
    photo: Picture | None = None
    zones: Sequence[Zone] = ()
    fixed: Tensor | None = None
    protected: Tensor | None = None
    held: Sequence[Held] = ()

    def is_grey(self, start: Picture | None) -> bool:
        """Whether the picture shall have no colour, for nothing that goes in has any, the ``start`` among it,
        or for the photograph, whose colours are to be kept, has none. A reconstruction shows what is
        remembered of grey, too.
        """
        if not self.zones or not is_grey(self.frame.pixels):
            return False
        if self.settings.keep_colour != "none":
            return True
        paintings = (style.picture for zone in self.zones for style in zone.styles if style.share > 0)
        return all(is_grey(each.pixels) for each in (*paintings, *self.held, start) if each is not None)

    def content(self, size: Size) -> Picture:
        """The content at a scale, its colours part of the way to the paintings'."""
        assert self.photo is not None, f"a {self.task} has no content"
        return recoloured(self.photo.resized(size), [zone.at(size) for zone in self.zones], self.settings.palette)

    def deepest(self, size: Size) -> str:
        """The deepest layer that is looked at, at a scale."""
        several = self.schedule[0].size != self.schedule[-1].size
        return self.settings.finest_layer if several and size == self.schedule[-1].size else LAST

    def settings_at(self, size: Size) -> Effective:
        """The settings as they hold at a scale."""
        return looking_to(self.settings, self.deepest(size))

    def kept(self, size: Size) -> list[str]:
        """The layers that hold the content at a scale, and what is protected of it."""
        settings = self.settings_at(size)
        content = settings.content_layers if settings.content_weight > 0 else ()
        return [*content, *(shallow(protect.LAYERS, self.deepest(size)) if self.protected is not None else ())]

    def layers(self, size: Size) -> set[str]:
        """All layers that are looked at, at a scale."""
        settings = self.settings_at(size)
        places = settings.places_layers if settings.places_weight > 0 else ()
        style = settings.style_layers if settings.style_weight > 0 else ()
        return {*self.kept(size), *places, *style}

    def terms(
        self,
        backbone: Backbone,
        stage: Stage,
        pixels: Tensor,
        tile: int | None,
        *,
        memory: Memory | None = None,
        cut: str = "",
    ) -> list[Term]:
        """The summands at a stage that starts from the picture ``pixels`` (1, 3, H, W), all seen in tiles of
        that side, for which the network may be ``cut``; ``memory`` is what was seen of the paintings already.
        """
        here = replace(self, settings=self.settings_at(stage.size))
        seen = None if self.photo is None else self.content(stage.size)
        zones = [zone.at(stage.size) for zone in self.zones]
        sought = pixels if seen is None else self._sought(seen.pixels, stage, pixels)
        painting = [
            *(term for zone in zones for term in here._places(zone, backbone, stage, sought, tile=tile, memory=memory)),
            *(term for zone in zones for term in here._style(zone, backbone, stage.size, tile)),
        ]
        return [
            *painting,
            *([] if seen is None else here._content(seen, backbone, tile)),
            *([] if seen is None else self._protect(seen, painting, backbone, tile, cut=cut)),
            *terms.smoothness(self.settings),
            *held.terms(self.held, stage.size, backbone.device),
        ]

    def _sought(self, photo: Tensor, stage: Stage, pixels: Tensor) -> Tensor:
        """What is compared with the paintings' places: the photograph, mixed with the picture so far, which
        lacks the details of this scale.
        """
        if stage.last:
            return pixels
        if stage == self.schedule[0]:
            return photo
        half = max(1, photo.shape[2] // 2), max(1, photo.shape[3] // 2)
        details = photo - resize(resize(photo, half), (photo.shape[2], photo.shape[3]))
        return torch.lerp((pixels.cpu() + details).clamp(0, 1), photo, self.settings.places_photo)

    def _places(
        self, zone: Zone, backbone: Backbone, stage: Stage, sought: Tensor, *, tile: int | None, memory: Memory | None
    ) -> Iterator[Term]:
        """Every place of the zone shall be like that of its paintings which ``sought`` is most like there; in
        the last pass layer by layer.
        """
        weight, layers = self.settings.places_weight * zone.area(), self.settings.places_layers
        if weight > 0:
            loss, mask = PlacesLoss(), zone.weight()
            mask = None if mask is None else reaching(mask, layers, backbone)
            where = counts(mask, layers, backbone)
            paintings = [(style.at(max(stage.size)), style.share) for style in zone.styles if style.share > 0]
            groups, most = ([[layer] for layer in layers], _LAST_MOST) if stage.last else ([list(layers)], MOST)
            side = tile or _side([picture.size for picture, _ in paintings], stage.size)
            found = replaced(backbone, sought, paintings, groups, tile=side, weight=mask, most=most, memory=memory)
            targets = {layer: loss.target(feature, where.get(layer)) for layer, feature in found.items()}
            yield Term("places", loss, weight, layers, targets, where)

    def _style(self, zone: Zone, backbone: Backbone, size: Size, tile: int | None) -> Iterator[Term]:
        """The style loss at a scale: every style picture is resized along, so that its strokes keep their
        share of the picture.
        """
        loss, weight = terms.style(self.settings)
        weight, layers = weight * zone.area(), self.settings.style_layers
        if weight > 0:
            examples = []
            for style in zone.styles:
                picture = style.at(max(size))
                where = counts(picture.alpha, layers, backbone)
                side = tile or (_side([picture.size], size) if loss.additive else None)
                target = remember(backbone, loss, picture.pixels.to(backbone.device), layers, tile=side, where=where)
                examples.append((target, style.share))
            yield Term.towards("style", loss, weight, layers, examples, where=counts(zone.weight(), layers, backbone))

    def _content(self, photo: Picture, backbone: Backbone, tile: int | None) -> Iterator[Term]:
        weight, layers = self.settings.content_weight, self.settings.content_layers
        if weight > 0:
            loss = ContentLoss(self.settings.normalization == "relative")
            where = counts(self._drawn(photo), layers, backbone)
            target = remember(backbone, loss, photo.pixels.to(backbone.device), layers, tile=tile, where=where)
            yield Term.towards("content", loss, weight, layers, [(target, 1.0)], where=where)

    def _drawn(self, photo: Picture) -> Tensor | None:
        """What its pixels count for the content: as much as they can be seen, and more where there is more to
        draw.
        """
        share = self.settings.structure
        if share == 0:
            return photo.alpha
        weight = 1 - share + share * edges.structure(photo.pixels)
        return weight if photo.alpha is None else weight * photo.alpha

    def _protect(
        self, photo: Picture, painting: Sequence[Term], backbone: Backbone, tile: int | None, *, cut: str
    ) -> Iterator[Term]:
        if self.protected is not None and painting:
            layers = shallow(protect.LAYERS, self.deepest(photo.size))
            weight = resize(self.protected, photo.size)
            yield from protect.term(weight, photo, painting, backbone, tile, layers=layers, cut=cut)


def _side(paintings: Sequence[Size], picture: Size) -> int | None:
    """The side of the tiles in which paintings are looked at that have many more pixels than the picture that
    is seen whole, for they must not need more memory than a step; None for whole.
    """
    most = _LARGER * math.prod(picture)
    return math.isqrt(most) if any(math.prod(size) > most for size in paintings) else None
