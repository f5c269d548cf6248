"""Galleries: the views in which paintings are looked at, and what is remembered of what was seen there.

A search looks at each view twice, the last pass does so again, and so do the frames of a film. Remembered or
looked at anew, it is the same to the last bit.
"""

import itertools
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.backbones.features import Backbone
from impasto.losses.objective import looked_at
from impasto.machine import checkpoint
from impasto.pictures.picture import Picture
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
    """A painting, turned or mirrored, and what can be seen of it (1, 1, H, W), None for all."""

    pixels: Tensor
    alpha: Tensor | None
    painting: int
    upright: bool


def views_of(picture: Picture, number: int, count: int) -> Iterator[View]:
    """So many views of a painting: as it is, turned by quarters, and each mirrored."""
    for mirrored, turns in itertools.islice(itertools.product((False, True), range(VIEWS // 2)), count):
        planes = [
            plane if plane is None else torch.rot90(plane, turns, (2, 3)) for plane in (picture.pixels, picture.alpha)
        ]
        pixels, alpha = (plane.flip(3) if mirrored and plane is not None else plane for plane in planes)
        assert pixels is not None
        yield View(pixels, alpha, number, not (turns or mirrored))


_Seen = Sequence[tuple[Tile, Mapping[str, Tensor]]]


class Memory:
    """What was seen last, in so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._kept: dict[Hashable, tuple[_Seen, int]] = {}

    def recall(self, key: Hashable) -> _Seen | None:
        """What is kept by a key, None where it is not."""
        return self._kept[key][0] if key in self._kept else None

    def keep(self, key: Hashable, seen: _Seen, size: int, beside: Collection[Hashable]) -> None:
        """Keep what takes so many bytes, where there is room ``beside`` what is kept by these keys."""
        for other in [each for each in self._kept if each not in beside]:
            if self._taken() + size > self.room:
                del self._kept[other]
        if self._taken() + size <= self.room:
            self._kept[key] = seen, size

    def _taken(self) -> int:
        return sum(size for _, size in self._kept.values())


class Gallery:
    """The views of paintings, and what is seen there."""

    def __init__(self, look: Look, paintings: Sequence[Picture], views: int, memory: Memory) -> None:
        """``views`` are so many of each painting, of `VIEWS`."""
        self.views = [view for number, picture in enumerate(paintings) for view in views_of(picture, number, views)]
        self._look, self._memory = look, memory
        # By what is there to be seen, for every frame of a film brings the same paintings anew.
        digests = [checkpoint.digest([picture.pixels]) for picture in paintings]
        self._keys = [(look, *key) for key in itertools.product(digests, range(views))]

    def at(self, number: int) -> Iterator[tuple[Tile, Mapping[str, Tensor]]]:
        """Tile by tile the features of a view."""
        known = self._memory.recall(self._keys[number])
        return self._seen(number) if known is None else iter(known)

    def __iter__(self) -> Iterator[tuple[int, Tile, Mapping[str, Tensor]]]:
        """The same of one view after the other, with its number."""
        for number in range(len(self.views)):
            for tile, features in self.at(number):
                yield number, tile, features

    def _seen(self, number: int) -> Iterator[tuple[Tile, Mapping[str, Tensor]]]:
        seen: list[tuple[Tile, Mapping[str, Tensor]]] = []
        size = 0
        for tile, features in self._look.at(self.views[number].pixels):
            size += sum(feature.nbytes for feature in features.values())
            if size > self._memory.room:
                seen.clear()
            else:
                seen.append((tile, features))
            yield tile, features
        if seen:
            self._memory.keep(self._keys[number], seen, size, self._keys)
