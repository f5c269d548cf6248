"""Sections: the network cut in two at a pooling, for pictures that are seen in tiles.

A tile is seen with a margin of what its outermost positions reach. Most of that reach is the deepest layers',
whose maps are the smallest: so the map of a pooling may be held of the whole picture, and its gradient, and
what lies in front of it and what lies behind be seen in tiles of their own, with small margins in front and
large tiles behind. Each layer then is computed at most twice forwards and once backwards, with hardly any
of it over again for the margins (Chen et al. 2016, Training deep nets with sublinear memory cost, with tiles
between what is kept).
"""

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from impasto.architecture import Architecture
from impasto.pictures import tiles
from impasto.pictures.picture import Size
from impasto.pictures.tiles import Tile

CUTS = ("", "pool2", "pool3")
"""Where the network may be cut; earlier maps are too large to be held, and later ones save nothing."""


@dataclass(frozen=True)
class Section:
    """The layers after ``start``, as far as ``end``, the layer that the next section starts from, or as far
    as they are looked at, where there is none.

    ``layers`` are those that are looked at, ``first`` of them those for which a first pass is needed.
    """

    architecture: Architecture
    start: str
    end: str
    layers: tuple[str, ...]
    first: tuple[str, ...]

    @property
    def depth(self) -> int:
        """How many poolings deep it starts."""
        return self.architecture.depth(self.start)

    def wanted(self, layers: Iterable[str]) -> list[str]:
        """Layers, and where it ends."""
        return [*layers, *filter(None, [self.end])]

    def tiles(self, size: Size, side: int | None, *, first: bool = False) -> list[Tile]:
        """Those of a picture of a size, in a ``first`` pass or in the one that has them all."""
        return tiles.cut(size, *self._cut(side, first))

    def seen(self, size: Size, side: int, *, first: bool = False) -> tuple[int, int]:
        """How many pixels they see together, and how many the largest sees."""
        return tiles.seen(size, *self._cut(side, first))

    def work(self, size: Size, side: int) -> float:
        """The multiplications of convolutions for an evaluation and its gradient, in tiles."""
        architecture = self.architecture
        once, _ = self.seen(size, side)
        total = 2 * once * multiplications(architecture, self.wanted(self.layers), self.start)
        if self.first or self.end:
            before, largest = self.seen(size, side, first=True)
            # Of the last section's last tile the graph is kept.
            before -= 0 if self.end else largest
            total += before * multiplications(architecture, self.wanted(self.first), self.start)
        return total

    def _cut(self, side: int | None, first: bool) -> tuple[int | None, int, int]:
        # What owns the same in both passes is cut at the same steps.
        every, looked = self.wanted(self.layers), self.wanted(self.first if first else self.layers)
        self.architecture.check(every)
        # A map takes so much less memory than the picture that its tiles may be as much larger.
        side = side and side * max(1, self.depth)
        step = 2 ** max(map(self.architecture.depth, every))
        return side, step, self.architecture.reach(looked, self.start)


def sections(architecture: Architecture, layers: Collection[str], summed: Collection[str], cut: str) -> list[Section]:
    """The sections of a network that is cut at a layer, or at none, and looked at in ``layers``, of which
    ``summed`` are those whose statistics have to be summed before there is a gradient.
    """
    place = architecture.place
    deepest = max(map(place, summed), default=-1)
    if not cut or place(cut) >= max(map(place, layers)):
        first = tuple(layer for layer in layers if place(layer) <= deepest)
        return [Section(architecture, "pixels", "", tuple(layers), first)]
    front = tuple(layer for layer in layers if place(layer) <= place(cut))
    behind = tuple(layer for layer in layers if place(layer) > place(cut))
    first = tuple(layer for layer in behind if place(layer) <= deepest)
    return [Section(architecture, "pixels", cut, front, front), Section(architecture, cut, "", behind, first)]


def multiplications(architecture: Architecture, layers: Iterable[str], start: str = "pixels") -> float:
    """Those of the 3×3 convolutions from a layer to others, once forwards, for each pixel of the picture."""
    found = 0.0
    for before, name in itertools.pairwise((start, *architecture.chain(layers, start))):
        if name.startswith("conv"):
            found += 9 * architecture.channels(before) * architecture.channels(name) / 4 ** architecture.depth(name)
    return found
