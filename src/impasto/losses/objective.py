"""The objective: terms and a backbone make a function of the pixels, with its gradient, exact in bounded
memory.

Everything a loss needs of a picture is a sum over its positions (see `losses`), so the value of any picture,
and its gradient, can be had tile by tile (Galerne, Raad, Lezama and Morel 2024 do so for Gram matrices):

1. the statistics are summed over the tiles, without a graph;
2. the distances are differentiated with respect to the sums, which are small;
3. each tile is computed once more, and that small gradient is propagated back through it. The tiles'
   gradients add up.

A picture that fits is one tile, and for the last tile of any picture the first computation serves for both
passes.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.backbones.rows import Rows
from impasto.errors import SettingsError
from impasto.losses.by_hand import Sloped, only_gradients, widen
from impasto.losses.statistics import Stat
from impasto.losses.term import Loss, Term
from impasto.machine import memory
from impasto.pictures import tiles
from impasto.pictures.tiles import Tile, Window, cropped

log = logging.getLogger("impasto")

TOTAL = "total"
"""The name under which the weighted sum of all terms is reported."""

_SMALLEST_TILE = 256

Where = Mapping[str, Tensor]
"""Layer -> what its positions count (1, 1, H, W), one in all; in a layer that is missing all count alike."""

Measured = list[dict[str, Stat]]
"""Term by term, the statistics of its layers."""


class Objective(Protocol):
    """What the solver minimises. It cannot tell how the value is come by."""

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        """Every term's unweighted value by name and their weighted sum as ``total``, and the gradient of the
        total.

        ``pixels`` is (1, 3, H, W) in [0, 1]; the gradient has its shape and dtype.
        """
        ...


class TermObjective:
    """The objective of terms on a backbone's features. Terms that share a name are told as one, their
    weighted mean.
    """

    def __init__(self, backbone: Backbone, terms: Sequence[Term], tile: int | None = None) -> None:
        """``tile`` is the side of the tiles in pixels; None sees the picture whole. Raises SettingsError
        where a loss has no tiles.
        """
        self._backbone, self._terms, self._tile = backbone, terms, tile
        self._layers = {layer for term in terms for layer in term.layers}
        self._tileable = all(term.loss.additive for term in terms)
        for term in terms:
            _check(term.loss, tile)

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        """See `Objective`. Where memory runs out, it is tried again with smaller tiles, as long as there are
        any.
        """
        while True:
            try:
                return self._value_and_grad(pixels)
            except (MemoryError, RuntimeError) as error:
                smaller = max(_SMALLEST_TILE, (self._tile or max(pixels.shape[2:])) // 32 * 16)
                if not memory.ran_out(error) or smaller == self._tile or not self._tileable:
                    raise
                log.warning("There was not enough memory: going on with tiles of %d pixels.", smaller)
                self._tile = smaller
            memory.release()

    @torch.enable_grad()  # whatever the caller has switched off
    def _value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        pixels = pixels.detach()
        *others, last = _tiles(self._backbone, pixels, self._layers, self._tile)
        sums: list[Tensor] = []
        if others:
            memory.release()  # what the optimiser needed for its step, in the way of no picture that is seen whole
        with torch.no_grad():
            for tile in others:
                sums = _added(sums, _flat(self._measured(tile.of(pixels), tile)))
        seen = last.of(pixels).requires_grad_()
        measured = self._measured(seen, last)
        graph = _flat(measured)
        sums = [entry.requires_grad_() for entry in _added(sums, [entry.detach() for entry in graph])]
        values, total = self._values(_shaped(sums, measured))
        slopes = torch.autograd.grad(total, sums, allow_unused=True)
        gradient = _pulled_back(graph, slopes, seen)
        if others:
            whole = torch.zeros_like(pixels)
            last.of(whole).add_(gradient)
            del measured, graph, gradient, seen
            memory.release()  # tiles of several shapes leave gaps between the pictures that stay
            for tile in others:
                seen = tile.of(pixels).requires_grad_()
                with only_gradients():
                    graph = _flat(self._measured(seen, tile))
                tile.of(whole).add_(_pulled_back(graph, slopes, seen))
            gradient = whole
            del graph, seen
            memory.release()
        # Read all at once: a GPU is waited for a single time.
        read = torch.stack([*values.values(), total]).tolist()
        return dict(zip([*values, TOTAL], read, strict=True)), gradient

    def _measured(self, seen: Tensor, tile: Tile) -> Measured:
        """The terms' statistics of what a tile owns."""
        features = _owned(self._backbone, seen, self._layers, tile)
        found = []
        for term in self._terms:
            stats = {}
            for layer in term.layers:
                part = _part(self._backbone, features[layer], layer, tile, term.where)
                target = tuple(
                    part.of(entry) if index < term.loss.placed else entry
                    for index, entry in enumerate(term.targets[layer])
                )
                stats[layer] = term.loss.measure(part.feature, target, part.weight)
            found.append(stats)
        return found

    def _values(self, measured: Measured) -> tuple[dict[str, Tensor], Tensor]:
        """Every term's value by name, and the weighted total."""
        named: dict[str, list[Tensor]] = {}
        weights: dict[str, float] = {}
        for term, stats in zip(self._terms, measured, strict=True):
            named.setdefault(term.name, []).append(term.weight * term.value(stats))
            weights[term.name] = weights.get(term.name, 0.0) + term.weight
        sums = {name: torch.stack(each).sum() for name, each in named.items()}
        return {name: value / weights[name] for name, value in sums.items()}, torch.stack([*sums.values()]).sum()


def remember(
    backbone: Backbone,
    loss: Loss,
    pixels: Tensor,
    layers: Iterable[str],
    *,
    tile: int | None = None,
    where: Where | None = None,
) -> dict[str, Stat]:
    """What a loss wants to remember of a picture (1, 3, H, W): its targets by layer, for `Term.towards`.

    ``tile`` and ``where`` as in `TermObjective` and `Term`. Raises SettingsError where a loss has no tiles.
    """
    _check(loss, tile)
    layers = list(layers)
    found: dict[str, Stat] = dict.fromkeys(layers, ())
    for look in range(loss.looks):
        sums: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        for each, features in looked_at(backbone, pixels, layers, tile):
            for layer in layers:
                part = _part(backbone, features[layer], layer, each, where or {})
                stat = (
                    loss.measure(part.feature, found[layer], part.weight)
                    if look
                    else loss.target(part.feature, part.weight)
                )
                maps = [
                    part.joined(entry, sums[layer][index : index + 1])
                    for index, entry in enumerate(stat[: loss.placed])
                ]
                sums[layer] = maps + _added(sums[layer][loss.placed :], stat[loss.placed :])
        found = {layer: found[layer] + tuple(sums[layer]) for layer in layers}
    return found


def looked_at(
    backbone: Backbone, pixels: Tensor, layers: Iterable[str], tile: int | None
) -> Iterator[tuple[Tile, dict[str, Tensor]]]:
    """The tiles of a picture (1, 3, H, W), with the features of what each owns; ``tile`` is their side, None
    sees the picture whole.
    """
    layers = list(layers)
    for each in _tiles(backbone, pixels, layers, tile):
        yield each, _owned(backbone, each.of(pixels), layers, each)


@dataclass(frozen=True)
class _Part:
    """What a tile has of a layer: a ``feature``, what each of its positions counts, and where they are in the
    whole layer.
    """

    feature: Tensor
    weight: Tensor | None
    window: Window
    size: tuple[int, int]

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


def _owned(backbone: Backbone, seen: Tensor, layers: Iterable[str], tile: Tile) -> dict[str, Tensor]:
    """The features of what a tile owns; of the layer ``pixels`` all that is seen."""
    windows = {} if tile.is_whole else {layer: tile.inside(backbone.architecture.depth(layer)) for layer in layers}
    return backbone(seen, layers, windows)


def _part(backbone: Backbone, feature: Tensor, layer: str, tile: Tile, where: Where) -> _Part:
    """What there is of a layer for a tile, with the weights of its positions."""
    depth = backbone.architecture.depth(layer)
    owned, size = tile.owned_at(depth), (tile.size[0] >> depth, tile.size[1] >> depth)
    counts = where.get(layer)
    if tile.is_whole:
        return _Part(feature, counts, owned, size)
    if counts is None:
        counts = feature.new_full((1, 1, 1, 1), 1 / (size[0] * size[1]), dtype=widen(feature[:0]).dtype)
    own = counts if counts.numel() == 1 else cropped(counts, owned)
    if layer != "pixels":
        return _Part(feature, own, owned, size)
    # Total variation looks at the neighbours too: all that is seen is handed over, and what is not owned
    # counts nothing.
    weight = counts.new_zeros(1, 1, *feature.shape[2:])
    cropped(weight, tile.inside(0)).copy_(own)
    return _Part(feature, weight, tile.seen, size)


def _tiles(backbone: Backbone, pixels: Tensor, layers: Iterable[str], side: int | None) -> list[Tile]:
    layers = list(layers)
    backbone.architecture.check(layers)
    architecture = backbone.architecture
    step = 2 ** max(map(architecture.depth, layers))
    return tiles.cut((pixels.shape[2], pixels.shape[3]), side, step, architecture.reach(layers))


def _check(loss: Loss, tile: int | None) -> None:
    if tile is not None and not loss.additive:
        raise SettingsError(
            "This style loss matches a whole picture and has no tiles: allow more `memory`, choose a smaller `size`, or another `style_loss`."
        )


def _flat(measured: Measured) -> list[Tensor]:
    return [entry for stats in measured for stat in stats.values() for entry in stat]


def _shaped(entries: Iterable[Tensor], like: Measured) -> Measured:
    """The inverse of `_flat`."""
    each = iter(entries)
    return [{layer: tuple(next(each) for _ in stat) for layer, stat in stats.items()} for stats in like]


def _added(sums: Sequence[Tensor], more: Sequence[Tensor]) -> list[Tensor]:
    """Entry by entry; no sums yet are zeros."""
    return [one + other for one, other in zip(sums, more, strict=True)] if sums else list(more)


def _pulled_back(graph: Sequence[Tensor], slopes: Sequence[Tensor | None], seen: Tensor) -> Tensor:
    """The gradient of what a tile sees, from those of the statistics that were measured on it."""
    pairs = [(entry, slope) for entry, slope in zip(graph, slopes, strict=True) if slope is not None]
    total = Sloped.apply([slope for _, slope in pairs], *(entry for entry, _ in pairs))  # type: ignore[no-untyped-call]
    (gradient,) = torch.autograd.grad(total, seen)
    return gradient
