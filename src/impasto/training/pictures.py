"""The pictures to learn from: folders of photographs and paintings, and the random crops of them that make a
batch.

Every draw is a function of the seed and its number, so that a training that was cut off goes on with the very
crops that it would have seen, and several processes share a batch without a word to each other.
"""

import functools
import itertools
import logging
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.utils.data
from numpy.typing import NDArray
from torch import Tensor

from impasto.colour import transfer
from impasto.errors import ImageError, briefly
from impasto.machine import folders, interrupts
from impasto.machine.addresses import NOT_FETCHED, is_address
from impasto.networks.encoder import STYLE_LENGTH
from impasto.pictures import codecs
from impasto.pictures.picture import Picture
from impasto.training import motion

log = logging.getLogger("impasto")

_KEPT = 200
"""How many decoded pictures a worker keeps, in 8 bits."""
_LONGEST = 1024
"""The long side beyond which pictures are reduced when they are decoded: most crops show no more detail."""
_PALETTE = 96
"""Side of the part of another painting whose colours are lent."""
_NAMED = 5


def pictures_of(source: Path, role: str, least: int) -> list[Path]:
    """The readable pictures of a folder and of those in it, or the one file, sorted, no side below ``least``.

    What is no picture is told and left out, and so is what systems leave in folders, or trainings: sheets
    are no photographs, and change. Raises ImageError when nothing is left.
    """
    if not source.exists():
        address = f": {NOT_FETCHED}" if is_address(source) else ""
        raise ImageError(f"There is no folder or file {source} to take {role} from{address}.")
    found = folders.walk(source)
    files = [path for path in found.files if path == source or ".safetensors" not in path.suffixes]
    if len(files) < len(found.files):
        found.passed["networks and what is beside them"] += len(found.files) - len(files)
    good, bad = [], []
    for path in files:
        try:
            height, width = codecs.size_of(path)
            if min(height, width) < least:
                raise ImageError(f"{path} is {width}×{height}: a side of at least {least} is needed.")
            good.append(path)
        except ImageError as error:
            bad.append(str(error))
    if not good:
        first = f"; the first of {len(bad)}: {bad[0]}" if bad else ""
        raise ImageError(f"{source} holds no picture that can serve among the {role}{first}")
    if found.passed:
        log.warning("Passed over among the %s: %s.", role, found.told())
    if bad:
        shown = "\n  ".join(bad[:_NAMED] + ["…"] * (len(bad) > _NAMED))
        log.warning("%d of %d files are left out of the %s:\n  %s", len(bad), len(files), role, shown)
    return good


def loaded(paths: Iterable[Path]) -> Iterator[tuple[Path, Picture]]:
    """Those that can be decoded, with what they are, each when it is asked for: others, whose beginning was
    sound, are told and left out, for among many thousands there are always some.
    """
    for path in paths:
        try:
            picture = codecs.load(path)
        except ImageError as error:
            log.warning("%s", error)
        else:
            yield path, picture


@functools.lru_cache(_KEPT)
def _decoded(path: Path, crop: int) -> Tensor:
    """A picture as (1, 3, H, W) uint8, no longer than `_LONGEST`, unless its short side were less than a crop
    then. Raises ImageError.
    """
    picture = codecs.load(path)
    own = max(picture.size)
    picture = picture.fitted(min(own, max(_LONGEST, math.ceil(crop * own / min(picture.size)))))
    return (picture.pixels * 255).round().byte()


@functools.lru_cache(None)
def colours_of(path: Path) -> Tensor:
    """The colours (1, 12) of a painting as it is looked at (`transfer.of`). Raises ImageError."""
    return transfer.of(codecs.load(path).fitted(STYLE_LENGTH).pixels)


@dataclass(frozen=True)
class Drawn:
    """Photographs to paint (N, 3, c, c), the same in the colours in which their content is kept, the numbers
    of their styles (N,) and their colours (N, 12), and, if they are shown, crops of their paintings (N, 3, c,
    c); and, if they move, the photographs moved (N, 3, c, c) and their motions (N, 2, 3).

    A style numbered after the last is the photograph's own.
    """

    photo: Tensor
    content: Tensor
    style: Tensor
    colours: Tensor
    painting: Tensor
    moved: Tensor
    motion: Tensor


class Draws(torch.utils.data.Dataset[Drawn]):
    """The endless row of draws: ``draws[n]`` is the n-th, always the same for the same seed.

    Photographs come in epochs, each time in another order; styles likewise. ``shown`` says whether crops of
    the paintings come along; for any style they do, in others' colours, too; ``moving``, whether the
    photographs come moved as well. ``palette`` is `Settings.palette`, and ``truncated`` its
    ``allow_truncated``.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        styles: Sequence[Path],
        crop: int,
        seed: int,
        *,
        any_style: bool,
        shown: bool = False,
        moving: bool = False,
        palette: float = 0.0,
        truncated: bool = False,
    ) -> None:
        self._photos, self._styles, self._crop, self._seed, self._any = photos, styles, crop, seed, any_style
        self._shown, self._moving, self._palette, self._truncated = any_style or shown, moving, palette, truncated

    def __getitem__(self, number: int) -> Drawn:
        with codecs.truncation(self._truncated):  # here, for this may be another process
            return self._drawn(number)

    def _drawn(self, number: int) -> Drawn:
        random = np.random.default_rng([self._seed, 0, number])
        photo = self._readable(self._photos, number, 1)
        photo = _cropped(photo, self._crop, _window(photo, self._crop, random), random)
        moved = self._moved(photo, number)
        if number % OWN == OWN - 1:
            own = torch.tensor([len(self._styles)])
            return Drawn(photo, photo, own, transfer.of(photo), photo if self._shown else torch.empty(1, 0), *moved)
        style = self._shuffled(len(self._styles), number, 2)
        painting = self._painting(number, random) if self._shown else torch.empty(1, 0)
        colours = transfer.of(painting) if self._any else colours_of(self._styles[style])
        content = transfer.towards(photo, colours, self._palette)
        return Drawn(photo, content, torch.tensor([style]), colours, painting, *moved)

    def _moved(self, photo: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """A photograph as it is seen after a motion, and the motion."""
        if not self._moving:
            return torch.empty(1, 0), torch.empty(1, 0)
        random = np.random.default_rng([self._seed, 4, number])  # of its own: the crops are those without it
        return motion.seen_anew(photo, random)

    def _painting(self, number: int, random: np.random.Generator) -> Tensor:
        """A crop of a painting at some scale; for any style half of the time in the colours of another, which
        makes more styles of them.
        """
        painting = self._readable(self._styles, number, 2)
        length = STYLE_LENGTH * 2 ** random.uniform(-0.5, 0.5)
        side = round(self._crop * max(painting.shape[2:]) / length)
        crop = _cropped(painting, self._crop, min(side, *painting.shape[2:]), random)
        if self._any and random.random() < 0.5:
            other = self._readable(self._styles, number, 3)
            palette = _cropped(other, _PALETTE, min(other.shape[2:]), random)
            crop = transfer.match(crop, transfer.of(palette))
        return crop

    def _readable(self, paths: Sequence[Path], number: int, purpose: int) -> Tensor:
        """The picture whose turn it is, or the next that can be read where that turns out to be damaged."""
        index = self._shuffled(len(paths), number, purpose)
        for _ in paths:
            try:
                return _decoded(paths[index], self._crop)
            except ImageError as error:
                log.warning("%s", error)
                index = (index + 1) % len(paths)
        raise ImageError(f"None of {len(paths)} pictures like {paths[0]} can be read any more.")

    def _shuffled(self, count: int, number: int, purpose: int) -> int:
        epoch, place = divmod(number, count)
        return int(np.random.default_rng([self._seed, purpose, epoch]).permutation(count)[place])


OWN = 16
"""Of so many draws one is to be painted in the photograph's own style, that is left as it is."""


def of_one_colour(pixels: Tensor) -> bool:
    """Whether a picture (1, 3, H, W) in [0, 1] is the same everywhere, to a level of 255."""
    return bool(pixels.std((2, 3)).max() < 1 / 255)


def _window(photo: Tensor, crop: int, random: np.random.Generator) -> int:
    """The side of a square window: photographs are seen from near and from far, between their own pixels and
    all of them.
    """
    shortest = min(photo.shape[2:])
    return round(crop * (shortest / crop) ** random.uniform()) if shortest > crop else shortest


def _cropped(picture: Tensor, crop: int, side: int, random: np.random.Generator) -> Tensor:
    """A square of ``side`` pixels somewhere in a picture, at ``crop`` × ``crop``, mirrored half of the time;
    float32 in [0, 1].
    """
    height, width = picture.shape[2:]
    top, left = (int(random.integers(length - side + 1)) for length in (height, width))
    square = Picture(picture[:, :, top : top + side, left : left + side].float() / 255).resized((crop, crop)).pixels
    return square.flip(3) if random.random() < 0.5 else square


def batches(draws: Draws, start: int, size: int, *, workers: int, rank: int = 0, world: int = 1) -> Iterator[Drawn]:
    """Batches of ``size`` draws from the batch number ``start`` on, for ever; of each, every ``world``-th
    draw from ``rank`` on. Where the ``workers`` cannot be had, or die, it goes on without them.
    """
    while True:
        numbers = (list(range(step * size + rank, (step + 1) * size, world)) for step in itertools.count(start))
        loader = torch.utils.data.DataLoader(
            draws,
            batch_sampler=numbers,
            num_workers=workers,
            collate_fn=_collated,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_begin,
            generator=torch.Generator(),  # of its own, or every start would move the caller's
        )
        try:
            for arrays in loader:
                start += 1
                yield Drawn(*map(torch.from_numpy, arrays))
        except (OSError, RuntimeError) as error:
            if not workers:
                raise
            said = briefly(error)
            log.warning("The processes that decode pictures are no more (%s): this one goes on without them.", said)
            workers = 0


def _collated(draws: Sequence[Drawn]) -> list[NDArray[Any]]:
    """Draws as one, a batch. Tensors would come from a worker through shared memory, of which containers have
    little, and too little is a bus error; arrays come through a pipe.
    """
    return [torch.cat([getattr(each, field.name) for each in draws]).numpy() for field in fields(Drawn)]


def _begin(_: int) -> None:
    """In a process that decodes pictures, before it does."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    interrupts.ignored()  # the training itself ends when it is asked to, and ends its workers


def _end_with(training: int) -> None:
    """Wait for the end of the training, perhaps by force: nobody reads the pipe any more, and writing would
    take for ever.
    """
    while os.getppid() == training:
        time.sleep(1)
    os._exit(1)
