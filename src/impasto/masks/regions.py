"""Regions: which part of the picture follows which style, by soft masks.

A style statistic is a weighted mean over positions, so a region is a set of weights, and a term for itself
(Gatys et al. 2017, section 4). Terms count by the area of their regions: every part of the picture then feels
its style as strongly as it would alone.
"""

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.errors import ImageError, SettingsError
from impasto.masks import reading
from impasto.pictures import codecs, edges
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture, Size

log = logging.getLogger("impasto")

LEAST = 1e-3
"""What is nowhere as white, or as opaque, as this cannot be told from black, or from nothing."""


@dataclass(frozen=True, eq=False)
class Region:
    """Where ``mask`` is white, the picture follows ``style``; grey is partly. ``style_mask`` says what of the
    style picture counts.

    A ``mask`` may be one of the words `settings.names.MASKS`.
    """

    mask: PictureLike
    style: PictureLike
    style_mask: PictureLike | None = None


def shares(regions: Sequence[Region], own: Size, wanted: int | Size, feather: float) -> tuple[list[Tensor], Tensor]:
    """The regions' shares of every pixel (1, 1, H, W), and what is left, for a picture of size ``own`` that
    is brought to ``wanted``.

    ``feather`` is the deviation of a Gaussian blur over the long side. Where masks overlap by more than all,
    they share. Raises ImageError for a mask of another shape than the picture, or one that is black.
    """
    masks = [white(region.mask, own, wanted, f"mask of region {number}") for number, region in enumerate(regions, 1)]
    weights = [edges.blurred(mask, feather) for mask in masks]
    for number, weight in enumerate(weights, 1):
        if weight.max() < LEAST:
            raise ImageError(f"The mask of region {number} is black all over: paint white what belongs to the region.")
    return parted(weights)


def parted(weights: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
    """Every region's share of what masks (1, 1, H, W) claim, and what they leave: where they claim more than
    all, they share.
    """
    total = torch.stack([*weights]).sum(0)
    return [weight / total.clamp_min(1) for weight in weights], (1 - total).clamp_min(0)


def white(mask: PictureLike, own: Size, wanted: int | Size, role: str) -> Tensor:
    """How white a mask is (1, 1, H, W), for a picture of size ``own`` that is brought to ``wanted``. Raises
    ImageError for one of another shape.
    """
    return _white(_mask(mask, own, role).fitted(wanted))


def masked(style: Picture, mask: PictureLike, own: Size | None = None) -> Picture:
    """The style picture, perhaps made smaller than its ``own`` size, with only what is white in ``mask`` left
    visible. Raises ImageError as `shares`.
    """
    seen = _white(_mask(mask, own or style.size, "style mask", style.size))
    if seen.max() < LEAST:
        raise ImageError("The style mask is black all over: paint white what shall count.")
    if style.alpha is not None and (seen := style.alpha * seen).max() < LEAST:
        raise ImageError(
            "The style mask is white only where its painting is transparent: paint white what can be seen."
        )
    return replace(style, alpha=seen)


def counts(mask: Tensor | None, layers: Iterable[str], backbone: Backbone) -> dict[str, Tensor]:
    """What every position of the layers counts for a mask of the pixels (1, 1, H, W): the mean over its
    square, one in all.

    Nothing for no mask. Raises ImageError for a region so small that a layer has no position for it.
    """
    found: dict[str, Tensor] = {}
    for layer in layers if mask is not None else ():
        assert mask is not None
        square = 2 ** backbone.architecture.depth(layer)
        if min(mask.shape[2:]) < square:
            raise ImageError(
                f"A picture of {mask.shape[3]}×{mask.shape[2]} pixels is too small for layer {layer}: enlarge it or `size`, or choose earlier layers."
            )
        weight = nn.avg_pool2d(reaching(mask, [layer], backbone), square)
        total = weight.sum()
        if total < 1e-3:
            raise ImageError(
                f"A region is too small for layer {layer}: enlarge it or `size`, or choose earlier layers."
            )
        found[layer] = (weight / total).to(backbone.device)
    return found


def reaching(mask: Tensor, layers: Iterable[str], backbone: Backbone) -> Tensor:
    """The mask (1, 1, H, W); where a layer has no position for what is white in it, grown into the last
    squares that the layer has. Poolings leave out the rows and columns that are odd at the end, and with them
    what lies along the edge.
    """
    height, width = mask.shape[2:]
    for square in (2 ** backbone.architecture.depth(layer) for layer in layers):
        rows, columns = height // square, width // square
        if rows and columns and nn.avg_pool2d(mask, square).sum() < LEAST:
            odd = mask.clone()
            odd[..., : rows * square, : columns * square] = 0
            means = nn.avg_pool2d(nn.pad(odd, (0, -width % square, 0, -height % square)), square)
            means = torch.cat([means[:, :, : rows - 1], means[:, :, rows - 1 :].sum(2, keepdim=True)], 2)
            means = torch.cat([means[..., : columns - 1], means[..., columns - 1 :].sum(3, keepdim=True)], 3)
            grown = nn.interpolate(means, scale_factor=square)
            mask = mask.maximum(nn.pad(grown, (0, width % square, 0, height % square)))
    return mask


def refuse_swapped(regions: Sequence[Region]) -> None:
    """Raises SettingsError where a mask and its style have changed places for certain; where they may have,
    they are told.
    """
    for number, region in enumerate(regions, 1):
        mask = codecs.load(region.mask)
        if reading.could_be_a_mask(mask):
            continue
        style = codecs.load(region.style)
        if reading.has_colours(mask) and not reading.has_colours(style) and reading.is_black_and_white(style):
            raise SettingsError(
                f"The style of one of the `regions` is black and white, and its mask has colours: they come as MASK:STYLE, {_name(region.style)}:{_name(region.mask)}."
            )
        if reading.could_be_a_mask(style):
            log.warning(
                "The mask of region %d, %s, looks like a picture, and its style, %s, like a mask: if they have changed places, they come as MASK:STYLE.",
                number,
                _name(region.mask),
                _name(region.style),
            )


def _name(given: PictureLike) -> str:
    return os.fspath(given) if isinstance(given, (str, os.PathLike)) else "the one"


def _mask(source: PictureLike, own: Size, role: str, wanted: Size | None = None) -> Picture:
    """A mask at its picture's ``own`` size, of which it must have the shape, or at the one ``wanted``."""
    mask = reading.mask(source, role)
    (height, width), (mask_height, mask_width) = own, mask.size
    if abs(mask_width * height / (mask_height * width) - 1) > 0.02:
        raise ImageError(
            f"The {role} is {mask_width}×{mask_height} pixels and its picture {width}×{height}: it must have the picture's shape."
        )
    return mask.resized(wanted or own)


def _white(mask: Picture) -> Tensor:
    white = edges.luminance(mask.pixels)
    return white if mask.alpha is None else white * mask.alpha
