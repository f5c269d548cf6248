"""Galleries: the views in which paintings are looked at, and what is remembered of what was seen there.

A search looks at each view, the last pass does so again, and so do the frames of a film. Remembered or
looked at anew, it is the same to the last bit.
"""

import itertools
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as nn
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.losses.parts import looked_at
from impasto.machine import checkpoint
from impasto.pictures.picture import Picture, Size
from impasto.pictures.tiles import Tile

VIEWS = 8
"""Of a painting: as it is, turned by quarters, and each mirrored."""


@dataclass(frozen=True)
class Look:
    """How pictures are looked at."""

    backbone: Backbone
    layers: tuple[str, ...]
    tile: int | None

    @torch.no_grad()
    def at(self, pixels: Tensor) -> Iterator[tuple[Tile, dict[str, Tensor]]]:
        """Tile by tile the features of what it owns."""
        yield from looked_at(self.backbone, pixels.to(self.backbone.device), self.layers, self.tile)


@dataclass(frozen=True)
class View:
    """A painting, turned by so many quarters and perhaps mirrored. ``painting`` is its number."""

    picture: Picture
    painting: int
    turns: int
    mirrored: bool
    _visible: dict[int, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def upright(self) -> bool:
        """Whether it is the painting as it is."""
        return not (self.turns or self.mirrored)

    @property
    def size(self) -> Size:
        """Its height and width."""
        height, width = self.picture.size
        return (width, height) if self.turns % 2 else (height, width)

    @property
    def pixels(self) -> Tensor:
        """(1, 3, H, W). Made whenever it is looked at: all views of a large painting would take as much as
        everything else.
        """
        return self._turned(self.picture.pixels)

    def visible(self, depth: int) -> Tensor | None:
        """Which positions of a grid so many poolings deep can be seen, (h, w), None for all."""
        if self.picture.alpha is None:
            return None
        if depth not in self._visible:
            shares = nn.avg_pool2d(self._turned(self.picture.alpha), 2**depth)
            self._visible[depth] = shares[0, 0].cpu() > 0.5
        return self._visible[depth]

    def _turned(self, plane: Tensor) -> Tensor:
        turned = torch.rot90(plane, self.turns, (2, 3))
        return turned.flip(3) if self.mirrored else turned


def views_of(picture: Picture, number: int, count: int) -> Iterator[View]:
    """So many views of a painting: as it is, turned by quarters, and each mirrored."""
    for mirrored, turns in itertools.islice(itertools.product((False, True), range(VIEWS // 2)), count):
        yield View(picture, number, turns, mirrored)


_Seen = Sequence[tuple[Tile, Mapping[str, Tensor]]]


class Memory:
    """What was seen last, in so many bytes at most."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._kept: dict[Hashable, tuple[_Seen, int]] = {}

    def limit(self, room: int) -> None:
        """Take so many bytes from here on, and forget what is beyond."""
        self.room = room
        self.makes_room(0, ())

    def recall(self, key: Hashable) -> _Seen | None:
        """What is kept by a key, None where it is not."""
        return self._kept[key][0] if key in self._kept else None

    def makes_room(self, size: int, beside: Collection[Hashable]) -> bool:
        """Whether there is room for so many bytes ``beside`` what is kept by these keys; for them, whatever
        else is in the way is forgotten.
        """
        if size + sum(taken for key, (_, taken) in self._kept.items() if key in beside) > self.room:
            return False
        for other in [key for key in self._kept if key not in beside]:
            if size + sum(taken for _, taken in self._kept.values()) > self.room:
                del self._kept[other]
        return True

    def keep(self, key: Hashable, seen: _Seen, size: int) -> None:
        """Keep what takes so many bytes, for which there is room."""
        self._kept[key] = seen, size


class Gallery:
    """The views of paintings, and what is seen there."""

    def __init__(self, look: Look, paintings: Sequence[Picture], views: int, memory: Memory) -> None:
        """``views`` are so many of each painting, of `VIEWS`."""
        self.views = [view for number, picture in enumerate(paintings) for view in views_of(picture, number, views)]
        self._look, self._memory = look, memory
        # By what is there to be seen, for every frame of a film brings the same paintings anew.
        digests = [checkpoint.digest([picture.pixels]) if memory.room else "" for picture in paintings]
        self._keys = [(look, *key) for key in itertools.product(digests, range(views))]

    def at(self, number: int) -> Iterator[tuple[Tile, Mapping[str, Tensor]]]:
        """Tile by tile the features of a view."""
        known = self._memory.recall(self._keys[number])
        return self._seen(number) if known is None else iter(known)

    def _seen(self, number: int) -> Iterator[tuple[Tile, Mapping[str, Tensor]]]:
        seen: list[tuple[Tile, Mapping[str, Tensor]]] = []
        size, fits = 0, self._memory.room > 0
        for tile, features in self._look.at(self.views[number].pixels):
            # Of a tile's features some are windows of all that it sees.
            size += sum(feature.untyped_storage().nbytes() for feature in features.values())
            fits = fits and self._memory.makes_room(size, self._keys)
            if fits:
                seen.append((tile, features))
            else:
                seen.clear()
            yield tile, features
        if fits:
            self._memory.keep(self._keys[number], seen, size)
