"""Zones: the whole picture with its style, or its regions with theirs and what they leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from impasto import colour, images
from impasto.images import Picture, Size
from impasto.inputs import StyleLike, style_pictures
from impasto.regions import Region, masked, shares


@dataclass(frozen=True)
class Zone:
    """Styles, with weights that sum to one, and their share of every pixel (1, 1, H, W), None for all of it."""

    styles: list[tuple[Picture, float]]
    share: Tensor | None = None
    visible: Tensor | None = None
    """The transparency of the photograph."""

    def at(self, size: Size) -> "Zone":
        """The same of the picture at another size; styles are left as they are."""
        share, visible = (None if mask is None else images.resize(mask, size) for mask in (self.share, self.visible))
        return replace(self, share=share, visible=visible)

    def parts(self) -> Iterator[Tensor | float | None]:
        """All it is made of."""
        yield self.share
        for picture, share in self.styles:
            yield from (picture.pixels, picture.alpha, share)

    def weight(self) -> Tensor | None:
        """What every pixel counts."""
        if self.share is None or self.visible is None:
            return self.visible if self.share is None else self.share
        return self.share * self.visible

    def area(self) -> float:
        """Of all that can be seen."""
        weight = self.weight()
        if self.share is None or weight is None:
            return 1.0
        return (weight.mean() / (1 if self.visible is None else self.visible.mean())).item()


def zoned(
    style: StyleLike | None, regions: Sequence[Region], photo: Picture, *, own: Size, wanted: int | Size, feather: float
) -> tuple[list[Zone], Tensor | None]:
    """What follows which style, and the share of every pixel that stays the photograph's, None for none.

    ``photo`` has been brought from its ``own`` size to the ``wanted`` one, as the masks will be. Raises ImageError as `regions`.
    """
    length = max(photo.size)
    if not regions:
        assert style is not None
        return [Zone(style_pictures(style, length), None, photo.alpha)], None
    given, rest = shares(regions, own, wanted, feather)
    zones = []
    for region, share in zip(regions, given, strict=True):
        (painting, _), *_ = style_pictures(region.style, length)
        if region.style_mask is not None:
            painting = masked(painting, region.style_mask)
        zones.append(Zone([(painting, 1.0)], share, photo.alpha))
    if style is None:
        return zones, rest
    return [*zones, Zone(style_pictures(style, length), rest, photo.alpha)] if rest.mean() > 1e-3 else zones, None


def recoloured(photo: Picture, zones: Sequence[Zone], palette: float) -> Picture:
    """The photograph part of the way to the palettes of the paintings, each zone to its own; elsewhere as it is."""
    if palette == 0:
        return photo
    moved = photo.pixels
    for zone in zones:
        palettes = [(picture.pixels, share, picture.alpha) for picture, share in zone.styles]
        matched = torch.lerp(photo.pixels, colour.match(photo.pixels, palettes, zone.weight()), palette)
        moved = matched if zone.share is None else moved + (matched - photo.pixels) * zone.share
    return replace(photo, pixels=moved)
