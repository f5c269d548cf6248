"""The objective: terms and a backbone make a function of the pixels, with its gradient, exact in bounded
memory.

Everything a loss needs of a picture is a sum over its positions (see `losses`), so the value of any picture,
and its gradient, can be had tile by tile (Galerne, Raad, Lezama and Morel 2024 do so for Gram matrices):

1. the statistics are summed over the tiles, without a graph;
2. the distances are differentiated with respect to the sums, which are small;
3. each tile is computed once more, and that small gradient is propagated back through it. The tiles'
   gradients add up.

The first pass goes no deeper than the last layer whose distance is not proportional to its statistic: of the
others the slopes are known before anything is summed. A picture that fits is one tile, and for the last tile
of any picture the first computation serves for both passes. The network may be cut in two, with tiles of
their own (`sections`).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.errors import SettingsError
from impasto.losses import by_hand
from impasto.losses.by_hand import Sloped, only_gradients
from impasto.losses.parts import Part, Where, looked_at, owned
from impasto.losses.sections import Section, sections
from impasto.losses.statistics import Stat
from impasto.losses.term import Loss, Term
from impasto.machine import memory
from impasto.pictures.tiles import Tile, cropped

log = logging.getLogger("impasto")

TOTAL = "total"
"""The name under which the weighted sum of all terms is reported."""

_SMALLEST_TILE = 256

_END = -1
"""In place of a term's number, for the layer at which a section ends."""

Measured = dict[tuple[int, str], Stat]
"""By the number of a term and a layer that it looks at, the statistic."""

Slopes = dict[tuple[int, str], tuple[Tensor | None, ...]]
"""The same of the gradients of statistics."""


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

    def __init__(
        self,
        backbone: Backbone,
        terms: Sequence[Term],
        tile: int | None = None,
        cut: str = "",
        *,
        smaller: Callable[[int], None] | None = None,
    ) -> None:
        """``tile`` is the side of the tiles in pixels; None sees the picture whole. In tiles the network may
        be ``cut`` at a pooling (`sections.CUTS`). ``smaller`` is told the side of tiles that had to be made
        smaller. Raises SettingsError where a loss has no tiles.
        """
        self._smaller = smaller
        self._backbone, self._terms, self._tile, self._cut = backbone, terms, tile, cut
        self._layers = {layer for term in terms for layer in term.layers}
        self._summed = {layer for term in terms for layer in term.layers if not term.loss.proportional}
        self._tileable = all(term.loss.additive for term in terms)
        for term in terms:
            _check(term.loss, tile)

    def value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        """See `Objective`. Where memory runs out, it is tried again with smaller tiles, as long as there are
        any.
        """
        while True:
            try:
                with by_hand.by(self._backbone.passes):
                    return self._value_and_grad(pixels)
            except (MemoryError, RuntimeError) as error:
                smaller = max(_SMALLEST_TILE, (self._tile or max(pixels.shape[2:])) // 32 * 16)
                if not memory.ran_out(error) or smaller == self._tile or not self._tileable:
                    raise
                log.warning("There was not enough memory: going on with tiles of %d pixels.", smaller)
                self._tile, self._cut = smaller, self._cut or "pool2"
                if self._smaller:
                    self._smaller(smaller)
            memory.release()

    @torch.enable_grad()  # whatever the caller has switched off
    def _value_and_grad(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        size = pixels.shape[2], pixels.shape[3]
        cut = self._cut if self._tile else ""
        *front, last = sections(self._backbone.architecture, self._layers, self._summed, cut)
        *others, kept = last.tiles(size, self._tile)
        if tiled := bool(others or front):
            memory.release()  # what the optimiser needed for its step, in the way of no picture that is seen whole
        maps, sums = {"pixels": pixels.detach()}, Measured()
        with torch.no_grad():
            for section in front:
                self._first_pass(section, section.tiles(size, self._tile, first=True), maps, sums)
                memory.release()
            if last.first:
                self._first_pass(last, last.tiles(size, self._tile, first=True)[:-1], maps, sums)
        seen = kept.of(maps[last.start], last.depth).requires_grad_()
        graph = self._measured(last, last.layers, seen, kept)
        _add(sums, graph)
        values, total, slopes = self._differentiated(sums)
        gradient = _pulled_back(graph, slopes, seen)
        if tiled:
            whole = torch.zeros_like(maps[last.start])
            kept.of(whole, last.depth).add_(gradient)
            del graph, gradient, seen
            memory.release()  # tiles of several shapes leave gaps between the pictures that stay
            _add(sums, self._second_pass(last, others, maps.pop(last.start), slopes, into=whole, end=None))
            for section in front:
                memory.release()
                end, whole = whole, torch.zeros_like(maps[section.start])
                parts = section.tiles(size, self._tile)
                self._second_pass(section, parts, maps[section.start], slopes, into=whole, end=end)
            gradient = whole
            del slopes
            memory.release()
            values, total = self._values(sums)
        # Read all at once: a GPU is waited for a single time.
        read = torch.stack([*values.values(), total]).tolist()
        return dict(zip([*values, TOTAL], read, strict=True)), gradient

    def _first_pass(self, section: Section, parts: Iterable[Tile], maps: dict[str, Tensor], sums: Measured) -> None:
        """Add up what is measured in tiles, and gather the map of the section's end."""
        for tile in parts:
            found = self._measured(section, section.first, tile.of(maps[section.start], section.depth), tile)
            for end in found.pop((_END, section.end), ()):
                part = Part.made(self._backbone, end, section.end, tile, {})
                maps[section.end] = part.joined(end, [maps[section.end]] if section.end in maps else [])
            _add(sums, found)

    def _second_pass(
        self,
        section: Section,
        parts: Iterable[Tile],
        given: Tensor,
        slopes: Slopes,
        *,
        into: Tensor,
        end: Tensor | None,
    ) -> Measured:
        """Add what tiles have of the gradient of the map that is ``given`` to one as large, by ``slopes`` and
        by the gradient of the section's end. Returns the sums of what no first pass has measured.
        """
        late = Measured()
        for tile in parts:
            seen = tile.of(given, section.depth).requires_grad_()
            with only_gradients():
                graph = self._measured(section, section.layers, seen, tile)
            _add(late, {key: stat for key, stat in graph.items() if key[1] not in section.wanted(section.first)})
            if end is not None:
                window = tile.owned_at(self._backbone.architecture.depth(section.end))
                slopes[_END, section.end] = (cropped(end, window),)
            tile.of(into, section.depth).add_(_pulled_back(graph, slopes, seen))
        return late

    def _measured(self, section: Section, layers: Iterable[str], seen: Tensor, tile: Tile) -> Measured:
        """The terms' statistics of what a tile owns of some layers of a section, and the features of its
        end.
        """
        features = owned(self._backbone, seen, section.wanted(layers), tile, section.start)
        found = Measured()
        for number, term in enumerate(self._terms):
            for layer in filter(features.__contains__, term.layers):
                part = Part.made(self._backbone, features[layer], layer, tile, term.where)
                target = tuple(
                    part.of(entry) if index < term.loss.placed else entry
                    for index, entry in enumerate(term.targets[layer])
                )
                found[number, layer] = term.loss.measure(part.feature, target, part.weight)
        return found | ({(_END, section.end): (features[section.end],)} if section.end else {})

    def _differentiated(self, sums: Measured) -> tuple[dict[str, Tensor], Tensor, Slopes]:
        """Every term's value by name, the weighted total, and its slopes."""
        leaves = {key: tuple(entry.detach().requires_grad_() for entry in stat) for key, stat in sums.items()}
        values, total = self._values(leaves)
        slopes = iter(
            torch.autograd.grad(total, [entry for stat in leaves.values() for entry in stat], allow_unused=True)
        )
        return values, total, {key: tuple(next(slopes) for _ in stat) for key, stat in leaves.items()}

    def _values(self, measured: Measured) -> tuple[dict[str, Tensor], Tensor]:
        """Every term's value by name, and the weighted total."""
        named: dict[str, list[Tensor]] = {}
        weights: dict[str, float] = {}
        for number, term in enumerate(self._terms):
            value = term.value({layer: measured[number, layer] for layer in term.layers})
            named.setdefault(term.name, []).append(term.weight * value)
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
                part = Part.made(backbone, features[layer], layer, each, where or {})
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


def _check(loss: Loss, tile: int | None) -> None:
    if tile is not None and not loss.additive:
        raise SettingsError(
            "This style loss matches a whole picture and has no tiles: allow more `memory`, choose a smaller `size`, or another `style_loss`."
        )


def _add(sums: Measured, more: Measured) -> None:
    """Statistic by statistic, without their graph."""
    for key, stat in more.items():
        sums[key] = tuple(_added(sums.get(key, ()), [entry.detach() for entry in stat]))


def _added(sums: Sequence[Tensor], more: Sequence[Tensor]) -> list[Tensor]:
    """Entry by entry; no sums yet are zeros."""
    return [one + other for one, other in zip(sums, more, strict=True)] if sums else list(more)


def _pulled_back(graph: Measured, slopes: Slopes, seen: Tensor) -> Tensor:
    """The gradient of what a tile sees, from those of the statistics that were measured on it."""
    pairs = [
        (entry, slope)
        for key, stat in graph.items()
        for entry, slope in zip(stat, slopes[key], strict=True)
        if slope is not None
    ]
    total = Sloped.apply([slope for _, slope in pairs], *(entry for entry, _ in pairs))  # type: ignore[no-untyped-call]
    (gradient,) = torch.autograd.grad(total, seen)
    return gradient
