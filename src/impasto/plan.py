"""How an optimisation fits into the memory there is: seen whole or in tiles, and how much L-BFGS may remember."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from impasto import memory
from impasto.devices import DTYPES
from impasto.errors import SettingsError
from impasto.features import ARCHITECTURES
from impasto.images import Size
from impasto.settings import Settings

_BASE = 450e6
"""Measured on a CPU: the program and the network."""
_STEP = {torch.float32: 3000, torch.bfloat16: 1650}
"""The same: what a step holds for each pixel it sees at once."""
_HELD = 170
"""For each pixel of the picture all the time: photograph, painting, pictures and gradients of the optimiser, in float32."""
_PAIR = 24
"""For each pixel and step that L-BFGS remembers: a pair of pictures."""
_TILES = (2048, 1536, 1024, 768, 704, 640, 512, 384, 256)
_MARGIN = 80


_SECOND_PASS = 1.17
"""What a step in tiles takes more than its margins, for its tiles are computed twice: docs/performance.md."""


@dataclass(frozen=True)
class Plan:
    """``tile`` is the side of the tiles, None for none; ``history`` what L-BFGS remembers; ``bytes`` what it comes to."""

    tile: int | None
    history: int
    bytes: int

    @property
    def slower(self) -> float:
        """Roughly how many times longer a step takes than one that sees the picture whole."""
        return 1.0 if self.tile is None else _SECOND_PASS * (1 + 2 * _MARGIN / self.tile) ** 2


def fit(size: Size, settings: Settings, precision: str, device: torch.device, *, tileable: bool) -> Plan:
    """The plan for a picture of a size: whole if it fits, else the largest tiles with as much history as there is room for.

    With ``memory="auto"`` the least there can be is taken where nothing fits. Raises SettingsError, with the least, otherwise.
    """
    room = memory.budget(settings.memory, device)
    plans = [
        Plan(tile, history, round(_needed(size, settings, precision, tile, history)))
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


def tile_at(size: Size, settings: Settings, precision: str, plan: Plan) -> int | None:
    """The tiles of a scale of the same run: none, or the largest, that fit into what the plan takes for the largest scale."""
    if plan.tile is None:
        return None
    fitting = (tile for tile in (None, *_TILES) if _needed(size, settings, precision, tile, plan.history) <= plan.bytes)
    return next(fitting, plan.tile)


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


def _needed(size: Size, settings: Settings, precision: str, tile: int | None, history: int) -> float:
    area = size[0] * size[1]
    dtype = DTYPES[precision]
    state = history * _PAIR if settings.optimizer == "lbfgs" else 2 * _PAIR
    if tile is None:
        return _BASE + area * (_STEP[dtype] + state)
    architecture = ARCHITECTURES["vgg19"]
    architecture.check(settings.content_layers)
    kept: float = sum(
        architecture.channels(layer) * dtype.itemsize / 4 ** architecture.depth(layer)
        for layer in settings.content_layers
        if settings.content_weight > 0
    )
    seen = math.prod(min(side, tile + 2 * _MARGIN) for side in size)
    needed: float = _BASE + area * (_HELD + kept + state) + seen * _STEP[dtype]
    return needed
