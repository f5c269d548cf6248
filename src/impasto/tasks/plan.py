"""How an optimisation fits into the memory there is: seen whole or in tiles, and how much L-BFGS may remember."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch

from impasto.backbones.features import ARCHITECTURES
from impasto.errors import SettingsError
from impasto.machine import memory
from impasto.machine.devices import DTYPES
from impasto.pictures import tiles
from impasto.pictures.picture import Size
from impasto.settings.fields import Settings
from impasto.tasks.protect import LAYERS

_BASE = 600e6
"""Measured on a CPU: the program and the network, and what the smaller scales leave behind."""
_STEP = {torch.float32: 3000, torch.bfloat16: 1650}
"""The same: what a step holds for each pixel it sees at once."""
_GAPS = 1.35
"""What tiles of several shapes take more than one of the largest, for one's freed memory does not fit the next."""
_HELD = 75
"""For each pixel of the picture all the time: photograph, two pictures and two gradients of the optimiser in float32, and gaps."""
_PAIR = 24
"""For each pixel and step that L-BFGS remembers: a pair of pictures."""
_TILES = (2048, 1536, 1024, 768, 704, 640, 512, 384, 256)
_SECOND_PASS = 1.17
"""What a step in tiles takes more than its margins, for its tiles are computed twice: docs/performance.md."""


@dataclass(frozen=True)
class Plan:
    """``tile`` is the side of the tiles, None for none; ``history`` what L-BFGS remembers; ``bytes`` what it comes to.

    ``slower`` is roughly how many times longer a step takes than one that sees the picture whole.
    """

    tile: int | None
    history: int
    bytes: int
    slower: float = 1.0


def fit(
    size: Size, settings: Settings, precision: str, device: torch.device, *, tileable: bool, beside: float = 0
) -> Plan:
    """The plan for a picture of a size: whole if it fits, else the largest tiles with as much history as there is room for.

    ``beside`` is what the run itself holds, in bytes for each pixel. With ``memory="auto"`` the least there can be is taken where nothing fits. Raises SettingsError, with the least, otherwise.
    """
    room = memory.budget(settings.memory, device)
    plans = [
        _planned(size, settings, precision, tile, history, beside=beside)
        for tile, history in _choices(settings.history, tileable)
    ]
    for plan in plans:
        if plan.bytes <= room:
            return plan
    least = min(plans, key=lambda plan: plan.bytes)
    if settings.memory == "auto":
        return least
    another = "" if tileable else ", or another --style-loss, for this one has no tiles"
    raise SettingsError(
        f"{room / 1e6:.0f} MB of memory are too little for {size[1]}×{size[0]} pixels: it takes at least "
        f"--memory {math.ceil(least.bytes / 1e6)}MB, or a smaller --size{another}."
    )


def tile_at(size: Size, settings: Settings, precision: str, plan: Plan, *, beside: float = 0) -> int | None:
    """The tiles of a scale of the same run: none, or the largest, that fit into what the plan takes for the largest scale."""
    if plan.tile is None:
        return None
    options = (_planned(size, settings, precision, tile, plan.history, beside=beside) for tile in (None, *_TILES))
    return next((option.tile for option in options if option.bytes <= plan.bytes), plan.tile)


def places_bytes(settings: Settings) -> float:
    """What one zone's places are to look like (`places.replaced`, in bfloat16), in bytes for each pixel; 0 where places do not count."""
    return _map_bytes(settings.places_layers if settings.places_weight > 0 else (), torch.bfloat16.itemsize)


def _map_bytes(layers: Iterable[str], width: int) -> float:
    """What maps of layers hold for each pixel, with so many bytes a number."""
    architecture = ARCHITECTURES["vgg19"]
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


def _planned(size: Size, settings: Settings, precision: str, tile: int | None, history: int, *, beside: float) -> Plan:
    area = size[0] * size[1]
    dtype = DTYPES[precision]
    state = beside + (history if settings.optimizer == "lbfgs" else 2) * _PAIR
    if tile is None:
        return Plan(None, history, round(_BASE + area * (_STEP[dtype] + state)))
    architecture = ARCHITECTURES["vgg19"]
    content = settings.content_layers if settings.content_weight > 0 else {}
    places = settings.places_layers if settings.places_weight > 0 else {}
    protected = LAYERS if any(settings.protect.values()) else {}
    layers = [*content, *places, *protected, *(settings.style_layers if settings.style_weight > 0 else {})]
    architecture.check(layers)
    kept = _map_bytes([*content, *protected], dtype.itemsize) + places_bytes(settings)
    step = 2 ** max(map(architecture.depth, layers))
    seen = [math.prod(each.seen_size) for each in tiles.cut(size, tile, step, architecture.reach(layers))]
    needed = _BASE + area * (_HELD + kept + state) + max(seen) * _STEP[dtype] * _GAPS
    return Plan(tile, history, round(needed), _SECOND_PASS * sum(seen) / area)
