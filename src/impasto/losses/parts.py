"""Parts of a picture: what a tile has of the network's layers; and pictures looked at tile by tile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.backbones.rows import Rows
from impasto.losses.by_hand import widen
from impasto.losses.sections import Section
from impasto.pictures.tiles import Tile, Window, cropped

Where = Mapping[str, Tensor]
"""Layer -> what its positions count (1, 1, H, W), one in all; in a layer that is missing all count alike."""


def looked_at(
    backbone: Backbone, pixels: Tensor, layers: Iterable[str], tile: int | None
) -> Iterator[tuple[Tile, dict[str, Tensor]]]:
    """The tiles of a picture (1, 3, H, W), with the features of what each owns; ``tile`` is their side, None
    sees the picture whole.
    """
    section = Section(backbone.architecture, "pixels", "", tuple(layers), ())
    for each in section.tiles((pixels.shape[2], pixels.shape[3]), tile):
        yield each, owned(backbone, each.of(pixels), section.layers, each)


def owned(
    backbone: Backbone, seen: Tensor, layers: Iterable[str], tile: Tile, start: str = "pixels"
) -> dict[str, Tensor]:
    """The features of what a tile owns, from what is ``seen`` for it of the layer ``start``; of the layer
    ``pixels`` all that is seen.
    """
    windows = {} if tile.is_whole else {layer: tile.inside(backbone.architecture.depth(layer)) for layer in layers}
    return backbone(seen, layers, windows, start)


@dataclass(frozen=True)
class Part:
    """What a tile has of a layer: a ``feature``, what each of its positions counts, and where they are in the
    whole layer of a ``size``.
    """

    feature: Tensor
    weight: Tensor | None
    window: Window
    size: tuple[int, int]

    @classmethod
    def made(cls, backbone: Backbone, feature: Tensor, layer: str, tile: Tile, where: Where) -> "Part":
        """What there is of a layer for a tile, ``where`` its positions count."""
        depth = backbone.architecture.depth(layer)
        own, size = tile.owned_at(depth), (tile.size[0] >> depth, tile.size[1] >> depth)
        counts = where.get(layer)
        if tile.is_whole:
            return cls(feature, counts, own, size)
        if counts is None:
            counts = feature.new_full((1, 1, 1, 1), 1 / (size[0] * size[1]), dtype=widen(feature[:0]).dtype)
        share = counts if counts.numel() == 1 else cropped(counts, own)
        if layer != "pixels":
            return cls(feature, share, own, size)
        # Total variation looks at the neighbours too: all that is seen is handed over, and what is not owned
        # counts nothing.
        weight = counts.new_zeros(1, 1, *feature.shape[2:])
        cropped(weight, tile.inside(0)).copy_(share)
        return cls(feature, weight, tile.seen, size)

    def of(self, layer: Tensor) -> Tensor:
        """The part's window of a map of the whole layer."""
        return cropped(layer, self.window)

    def joined(self, own: Tensor, whole: Sequence[Tensor]) -> Tensor:
        """A map of the whole layer, made at need, with the part's ``own`` values in their place."""
        if self.window == (0, self.size[0], 0, self.size[1]):
            return own
        if not whole:
            whole = [Rows.of(own).empty(*self.size)]
        self.of(whole[0]).copy_(own)
        return whole[0]
