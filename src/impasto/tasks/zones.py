"""Zones: the whole picture with its style, or its regions with theirs and what they leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from impasto.colour import grey, transfer
from impasto.errors import ImageError, SettingsError
from impasto.masks.regions import LEAST, Region, masked, refuse_swapped, shares
from impasto.pictures.picture import Picture, Size, resize
from impasto.settings.fields import Settings
from impasto.tasks.inputs import Style, StyleLike, outlines, scales_of, style_pictures, usable, weighted

_NOTHING = 0.01
"""Of what masks leave, for rounded to 8 bits two that complete each other leave or share as much as 1/255."""


@dataclass(frozen=True)
class Zone:
    """Styles, with weights that sum to one, and their share of every pixel (1, 1, H, W), None for all of
    it.
    """

    styles: list[Style]
    share: Tensor | None = None
    visible: Tensor | None = None
    """The transparency of the photograph."""

    def at(self, size: Size) -> "Zone":
        """The same of the picture at another size; styles are left as they are."""
        share, visible = (None if mask is None else resize(mask, size) for mask in (self.share, self.visible))
        return replace(self, share=share, visible=visible)

    def parts(self) -> Iterator[Tensor | float | None]:
        """All it is made of."""
        yield self.share
        for style in self.styles:
            yield from (style.picture.pixels, style.picture.alpha, style.share, style.scale)

    def weight(self) -> Tensor | None:
        """What every pixel counts."""
        if self.share is None or self.visible is None:
            return self.visible if self.share is None else self.share
        return self.share * self.visible

    def is_hidden(self) -> bool:
        """Whether nothing of it can be seen."""
        weight = self.weight()
        return weight is not None and bool(weight.max() < LEAST)

    def area(self) -> float:
        """Of all that can be seen."""
        weight = self.weight()
        if self.share is None or weight is None:
            return 1.0
        return (weight.mean() / (1 if self.visible is None else self.visible.mean())).item()


def refuse_several(regions: Sequence[Region]) -> None:
    """Raises SettingsError for a region with several styles."""
    for number, region in enumerate(regions, 1):
        if (several := len(weighted(region.style))) > 1:
            raise SettingsError(
                f"`regions` have one style each, and number {number} has {several}: give each style a region of the same mask, which they share."
            )


def zoned(
    style: StyleLike | None,
    regions: Sequence[Region],
    photo: Picture,
    settings: Settings,
    *,
    own: Size,
    wanted: int | Size,
) -> tuple[list[Zone], Tensor | None]:
    """What follows which style, and the share of every pixel that stays the photograph's, None for none.

    ``photo`` has been brought from its ``own`` size to the ``wanted`` one, as the masks will be. Raises
    ImageError as `regions`, and for a region of which nothing can be seen. `refuse_several` has been asked.
    """
    length, count = max(photo.size), 0 if style is None else len(weighted(style))
    scales = scales_of(settings, count + len(regions))
    styles = [] if style is None else style_pictures(style, length, scales)
    if not regions:
        return [Zone(styles, None, photo.alpha)], None
    refuse_swapped(regions)
    given, rest = shares(regions, own, wanted, settings.feather)
    zones = list[Zone]()
    for number, (region, share) in enumerate(zip(regions, given, strict=True), 1):
        ((source, _),) = weighted(region.style)
        source = usable(source, "style")  # whose shape is less exact once it is smaller
        (painting,) = style_pictures(source, length, scales)
        if region.style_mask is not None:
            painting = replace(painting, picture=masked(painting.picture, region.style_mask, source.size))
        zones.append(Zone([painting], share, photo.alpha))
        if zones[-1].is_hidden():
            raise ImageError(
                f"The mask of region {number} is white only where the photograph is transparent: paint white what can be seen."
            )
    if rest.max() < _NOTHING:
        return zones, None
    if style is None:
        return zones, rest
    left = Zone(styles, rest, photo.alpha)
    return zones if rest.mean() <= 1e-3 or left.is_hidden() else [*zones, left], None


def outlined(
    style: StyleLike | None, regions: Sequence[Region], length: int, settings: Settings
) -> tuple[list[Zone], Tensor | None]:
    """The most that `zoned` can give for a picture of a long side, without what takes memory: paintings are
    outlines, and shares a single number.
    """
    count, share = 0 if style is None else len(weighted(style)), torch.zeros(1, 1, 1, 1)
    scales = scales_of(settings, count + len(regions))
    styles = [] if style is None else outlines(style, length, scales)
    if not regions:
        return [Zone(styles)], None
    zones = [Zone(outlines(region.style, length, scales), share) for region in regions]
    return (zones, share) if style is None else ([*zones, Zone(styles, share)], None)


def recoloured(photo: Picture, zones: Sequence[Zone], palette: float) -> Picture:
    """The photograph part of the way to the palettes of the paintings, each zone to its own; elsewhere as it
    is.
    """
    moved = photo.pixels
    for zone in zones:
        colours = [style.share * transfer.of(style.picture.pixels, style.picture.alpha) for style in zone.styles]
        wanted = torch.stack(colours).sum(0)
        matched = transfer.towards(photo.pixels, wanted, palette, zone.weight())
        moved = matched if zone.share is None else moved + (matched - photo.pixels) * zone.share
    return replace(photo, pixels=moved)


def uncoloured(photo: Picture, zones: Sequence[Zone], share: float, *, whole: bool) -> Picture:
    """The photograph with that share of its colours taken away where the paintings have none, as far as they
    are shares of what is painted there: moved towards greys by less than all of the way, they would be left
    as tints that no etching has. ``whole``: the zones leave nothing of it.
    """
    greys = [sum(style.share for style in zone.styles if grey.is_grey(style.picture.pixels)) for zone in zones]
    if share == 0 or not any(greys) or grey.is_grey(photo.pixels):
        return photo
    if whole and min(greys) > 1 - 1e-6:  # whatever masks that were made smaller leave or share
        taken: float | Tensor = share
    else:
        parts = [each * (1.0 if zone.share is None else zone.share) for each, zone in zip(greys, zones, strict=True)]
        taken = (share * torch.as_tensor(sum(parts))).clamp(0, 1)
    return replace(photo, pixels=grey.faded(photo.pixels, taken))


def in_colours_of(photo: Picture, zone: Zone, how: str) -> Zone:
    """The zone's styles in the photograph's colours there, by `Settings.keep_colour`; luminance leaves only
    light and dark of both.
    """

    def mapped(painting: Picture) -> Tensor:
        if how == "histogram":
            return transfer.match_histogram(painting.pixels, photo.pixels, zone.weight(), painting.alpha)
        plain = how == "luminance"
        given = [transfer.lightness(each.pixels) if plain else each.pixels for each in (painting, photo)]
        return transfer.match(given[0], transfer.of(given[1], zone.weight()), painting.alpha)

    if how == "none":
        return zone
    styles = [replace(style, picture=replace(style.picture, pixels=mapped(style.picture))) for style in zone.styles]
    return replace(zone, styles=styles)
