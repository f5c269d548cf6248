"""How a task fits into the memory that it may take: the one model of what optimiser and fast method hold, and
what follows from it.

Pictures are seen whole or in tiles; L-BFGS remembers more steps or fewer; a network's statistics are of more
samples or fewer.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch

from impasto.backbones.features import ARCHITECTURES
from impasto.errors import SettingsError
from impasto.losses.style import STYLE_LOSSES
from impasto.machine import memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision
from impasto.pictures import tiles
from impasto.pictures.picture import Picture, Size, long_side, scaled_to
from impasto.places.gallery import VIEWS
from impasto.settings.fields import Effective
from impasto.tasks.problem import Problem
from impasto.tasks.protect import LAYERS
from impasto.weights import BACKBONE

_BASE = 600e6
"""Measured on a CPU: the program and the network, and what the smaller scales leave behind."""
_STEP = {torch.float32: 3000, torch.bfloat16: 1650}
"""The same: what a step holds for each pixel it sees at once."""
_GAPS = 1.35
"""What tiles of several shapes take more than one of the largest, for one's freed memory does not fit the
next."""
_HELD = 75
"""For each pixel of the picture all the time: photograph, two pictures and two gradients of the optimiser in
float32, and gaps."""
_PAIR = 24
"""For each pixel and step that L-BFGS remembers: a pair of pictures."""
_REGION = 12
"""For each pixel and region: its share, and what it counts in every layer."""
_FIXED = 36
"""For each pixel, where some stay the photograph's: how much of each, the photograph at this scale, the two
mixed."""
_SCALES, _MOST_KEPT = 4 / 3, 2**29
"""What a scale and all the smaller ones have pixels for each of its own; and so many bytes are kept at most
of what was seen of paintings."""
_TILES = (2048, 1536, 1024, 768, 704, 640, 512, 384, 256)
_SECOND_PASS = 1.17
"""What a step in tiles takes more than its margins, for its tiles are computed twice: docs/performance.md."""

_FAST_BASE = 400 * 10**6
"""What the process takes before a network paints any picture."""
_FAST_PIXEL = {torch.float32: 320, torch.bfloat16: 170}
"""What the wider of the networks holds for each pixel that it sees, measured."""
SAMPLE, _FEWEST_SAMPLES, _MOST_SAMPLES = 128, 64, 192
"""Side of the samples that statistics are taken from, and how many: measured, docs/fast.md, "Any size"."""
_SMALLEST_TILE, _LARGEST_TILE = 128, 768


@dataclass(frozen=True)
class Fit:
    """``tile`` is the side of the tiles, None for none; ``history`` what L-BFGS remembers; ``bytes`` what it
    comes to.

    ``slower`` is roughly how many times longer a step takes than one that sees the picture whole; ``kept`` is
    how many of the bytes are for what was seen of paintings.
    """

    tile: int | None
    history: int
    bytes: int
    slower: float = 1.0
    kept: int = 0


def fit(problem: Problem, precision: str, device: torch.device) -> Fit:
    """How an optimisation fits: whole if it does, else the largest tiles with as much history as there is
    room for.

    With ``memory="auto"``, half of what is free, the least there can be is taken where nothing fits, up to
    all that is free. Raises SettingsError, with the least, where that is too little.
    """
    settings, size = problem.settings, problem.frame.size
    tileable = settings.style_weight == 0 or STYLE_LOSSES[settings.style_loss](True).additive
    room = memory.budget(settings.memory, device)
    options: list[Fit] = []
    for tile, history in _choices(settings.history, tileable):
        options.append(option := _fit(problem, size, precision, tile, history))
        if option.bytes <= room:
            # In tiles there is no room to spare, and where pictures are large a search is mostly comparing.
            kept = 0 if tile else min(room - option.bytes, _gallery_bytes(problem, DTYPES[precision]))
            return replace(option, bytes=option.bytes + kept, kept=kept)
    least = min(options, key=lambda option: option.bytes)
    if settings.memory == "auto":
        room = memory.most(device)
        if least.bytes <= room:
            return least
    raise _too_little(
        room, least.bytes, size, "" if tileable else ", or another `style_loss`, for this one has no tiles"
    )


def check(task: str, settings: Effective, own: Size, wanted: int | Size) -> None:
    """Raises SettingsError, as `fit` does, where the memory is too little for a picture of its ``own`` size
    at the one that is ``wanted``, whatever comes with it: before that picture is made, which can be larger
    than the memory.
    """
    size = scaled_to(own, wanted)
    device = choose_device(settings.device)
    frame = Picture(torch.zeros(1, 1, 1, 1).expand(1, 3, *size))  # a single number
    fit(Problem(task, settings, frame, schedule=[]), choose_precision(settings.precision, device), device)


def tile_at(problem: Problem, size: Size, precision: str, fitted: Fit) -> int | None:
    """The tiles of a scale of the same run: none, or the largest, that fit into what is taken for the largest
    scale.
    """
    if fitted.tile is None:
        return None
    options = (_fit(problem, size, precision, tile, fitted.history) for tile in (None, *_TILES))
    return next((option.tile for option in options if option.bytes <= fitted.bytes - fitted.kept), fitted.tile)


@dataclass(frozen=True)
class Sweep:
    """How a network paints a ``canvas`` of a size: what it holds at a time, in bytes, with tiles of a side or
    without tiles.

    ``held`` says for each of its pixels what is there all the time; ``reach`` is how far the network sees
    beyond a tile.
    """

    size: Size
    held: int
    reach: int
    dtype: torch.dtype
    device: torch.device

    def standing(self) -> int:
        """Bytes that are there all the time."""
        if self.device.type != "cpu":  # the canvas stays with the processor
            return 0
        return _FAST_BASE + self.size[0] * self.size[1] * self.held

    def needed(self, tile: int | None) -> int:
        """Bytes at the most, with tiles of that side or without tiles."""
        height, width = self.size
        pixel = _FAST_PIXEL[self.dtype] + 24  # what goes in and what comes out, in float32
        if tile is None:
            return self.standing() + height * width * pixel
        return self.standing() + (tile + 2 * self.reach) ** 2 * pixel + (tile + self.reach) * width * 12

    def fit(self, setting: str, tileless: bool) -> tuple[int | None, int]:
        """The side of the tiles, None for a picture that is seen whole, which only a ``tileless`` one can be,
        and the number of samples for the statistics. Raises SettingsError.
        """
        room = memory.budget(setting, self.device)
        if tileless and self.needed(None) <= room:
            return None, 0
        sides = range(_LARGEST_TILE, _SMALLEST_TILE, -64)
        tile = next((side for side in sides if self.needed(side) <= room), _SMALLEST_TILE)
        if setting == "auto":  # the half that is asked for decides on the tiles, and all of it on the picture
            room = memory.most(self.device)
            if self.needed(tile) <= room:
                return tile, _MOST_SAMPLES
        of_sample = SAMPLE**2 * _FAST_PIXEL[self.dtype]
        least = max(self.needed(_SMALLEST_TILE), self.standing() + _FEWEST_SAMPLES * of_sample)
        if room < least:
            raise _too_little(room, least, self.size)
        return tile, min((room - self.standing()) // of_sample, _MOST_SAMPLES)


def _too_little(room: float, least: float, size: Size, another: str = "") -> SettingsError:
    return SettingsError(
        f"{room / 1e6:.0f} MB of memory are too little for {size[1]}×{size[0]} pixels: it takes at least "
        f"`memory` {math.ceil(least / 1e6)}MB, or a smaller `size`{another}."
    )


def _places_bytes(settings: Effective, dtype: torch.dtype = torch.bfloat16) -> float:
    """What places look like, in bytes for each pixel; those of one zone that are found (`places.replaced`)
    are in bfloat16. 0 where places do not count.
    """
    return _map_bytes(settings.places_layers if settings.places_weight > 0 else (), dtype.itemsize)


def _gallery_bytes(problem: Problem, dtype: torch.dtype) -> int:
    """What is seen in all views of the paintings at all scales, as far as it is worth to be kept."""
    length = max(problem.frame.size)
    styles = [style for zone in problem.zones for style in zone.styles if style.share > 0]
    seen = sum(math.prod(long_side(style.picture.size, round(length * style.scale))) for style in styles)
    return min(_MOST_KEPT, round(_SCALES * VIEWS * seen * _places_bytes(problem.settings, dtype)))


def _map_bytes(layers: Iterable[str], width: int) -> float:
    """What maps of layers hold for each pixel, with so many bytes a number."""
    architecture = ARCHITECTURES[BACKBONE]
    architecture.check(layers := list(layers))
    held: float = sum(architecture.channels(layer) * width / 4 ** architecture.depth(layer) for layer in layers)
    return held


def _choices(history: int, tileable: bool) -> Iterator[tuple[int | None, int]]:
    """Best first. Small tiles are mostly margin, and cost more than a short memory does."""
    shorter = [count for count in (3, 1) if count < history]
    yield None, history
    if not tileable:
        yield from ((None, count) for count in shorter)
        return
    for count in (history, *shorter):
        yield from ((tile, count) for tile in _TILES if tile >= 512)
    for count in (history, *shorter):
        yield from ((tile, count) for tile in _TILES if tile < 512)


def _fit(problem: Problem, size: Size, precision: str, tile: int | None, history: int) -> Fit:
    settings = problem.settings
    area = size[0] * size[1]
    dtype = DTYPES[precision]
    state = _beside(problem) + (history if settings.optimizer == "lbfgs" else 2) * _PAIR
    if tile is None:
        return Fit(None, history, round(_BASE + area * (_STEP[dtype] + state)))
    architecture = ARCHITECTURES[BACKBONE]
    content = settings.content_layers if settings.content_weight > 0 else {}
    places = settings.places_layers if settings.places_weight > 0 else {}
    protected = LAYERS if problem.protected is not None else {}
    layers = [*content, *places, *protected, *(settings.style_layers if settings.style_weight > 0 else {})]
    architecture.check(layers)
    targets = _map_bytes([*content, *protected], dtype.itemsize) + _places_bytes(settings)
    step = 2 ** max(map(architecture.depth, layers))
    seen = [math.prod(each.seen_size) for each in tiles.cut(size, tile, step, architecture.reach(layers))]
    needed = _BASE + area * (_HELD + targets + state) + max(seen) * _STEP[dtype] * _GAPS
    return Fit(tile, history, round(needed), _SECOND_PASS * sum(seen) / area)


def _beside(problem: Problem) -> float:
    """What masks, and the places of all zones but the one that `_fit` counts, take in bytes for each
    pixel.
    """
    regions = sum(zone.share is not None for zone in problem.zones)
    places = _places_bytes(problem.settings) * max(0, len(problem.zones) - 1)
    fixed, protected = problem.fixed is not None, problem.protected is not None
    return regions * _REGION + places + fixed * _FIXED + protected * _REGION
