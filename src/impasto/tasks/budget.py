"""How an optimisation fits into the memory that it may take: the one model of what it holds, and what follows
from it. Pictures are seen whole or in tiles; L-BFGS remembers more steps or fewer.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from impasto.architecture import ARCHITECTURES, BACKBONE
from impasto.errors import SettingsError
from impasto.losses.sections import CUTS, multiplications, sections
from impasto.losses.style import STYLE_LOSSES
from impasto.machine import memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision
from impasto.pictures.picture import Size, long_side, outline, scaled_to
from impasto.places.gallery import VIEWS
from impasto.places.search import MOST
from impasto.places.spaces import axes_of
from impasto.settings.fields import Effective
from impasto.tasks.problem import Problem
from impasto.tasks.schedule import schedule

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
_GRADIENT = 12
"""That of the pixels, among these."""
_PAINTING = 12
"""For each pixel of a painting, in float32: of the first it is among what is held for the picture."""
_PAIR = 24
"""For each pixel and step that L-BFGS remembers: a pair of pictures."""
_SHORTER = 3, 1
"""What else L-BFGS may remember."""
_USUAL, _FORGETFUL, _FORGETFUL_MORE = 7, 0.1, 0.3
"""What is reckoned for that, as more evaluations for the same: with so few steps as our own recipes want,
which lose nothing by it that can be measured, a tenth for remembering one; where more are wanted, the power
of what is wanted over what there is (10 for 20: 234 for 189, docs/performance.md)."""
_SORTED = 16
"""For each number of the style's maps, where they are sorted: what they are and in what order."""
_REGION = 12
"""For each pixel and region: its share, and what it counts in every layer."""
_FIXED = 36
"""For each pixel, where some stay the photograph's: how much of each, the photograph at this scale, the two
mixed."""
_SMALLER, _MOST_KEPT = 1 / 3, 2**29
"""What all smaller scales have pixels for each of the finest; and so many bytes are kept at most of what was
seen of paintings."""
_LEAST_SIDE = 256
"""Of tiles."""
_BEHIND = {"pixels": 1.0, "pool2": 0.87, "pool3": 0.15}
"""What a step takes from a layer on, of what it takes from the pixels on, for each of these: measured behind
pool2 with the default recipe, behind pool3 with `statistics`, at 4096 pixels."""


@dataclass(frozen=True)
class Fit:
    """``tile`` is the side of the tiles, None for none, and ``cut`` where the network is cut for them
    (`losses.sections`); ``history`` what L-BFGS remembers; ``bytes`` what it comes to.

    ``slower`` is roughly how many times longer a step takes than one that sees the picture whole; ``kept`` is
    how many of the bytes are for what was seen of paintings.
    """

    tile: int | None
    history: int
    bytes: int
    slower: float = 1.0
    kept: int = 0
    cut: str = ""


def fit(problem: Problem, precision: str, device: torch.device) -> Fit:
    """How an optimisation fits: whole if it does, else in the tiles that are the least work, with as much
    history as there is room for beside tiles that are not much more.

    With ``memory="auto"``, half of what is free, the least there can be is taken where nothing fits, up to
    all that is free. Raises SettingsError, with the least, where that is too little.
    """
    settings, size = problem.settings, problem.frame.size
    tileable = settings.style_weight == 0 or STYLE_LOSSES[settings.style_loss](True).additive
    room = memory.budget(settings.memory, device)
    whole = _whole(problem, size, precision, settings.history)
    if whole.bytes <= room:
        kept = min(room - whole.bytes, _gallery_bytes(problem, DTYPES[precision]))
        return replace(whole, bytes=whole.bytes + kept, kept=kept)
    counts = [settings.history, *(count for count in _SHORTER if count < settings.history)]
    options = [_whole(problem, size, precision, count) for count in counts]
    if tileable:
        # In tiles there is no room to spare, and where pictures are large a search is mostly comparing.
        options += [option for count in counts for option in _tiled(problem, size, precision, count)]
    if fitting := [option for option in options if option.bytes <= room]:
        return min(fitting, key=lambda option: option.slower * _more(option.history, settings.history))
    least = min(options, key=lambda option: option.bytes)
    if settings.memory == "auto":
        room = memory.most(device)
        if least.bytes <= room:
            return least
    raise too_little(
        room, least.bytes, size, "" if tileable else ", or another `style_loss`, for this one has no tiles"
    )


def check(
    task: str, settings: Effective, own: Size, wanted: int | Size, beside: Callable[[], Mapping[str, Any]] = dict
) -> None:
    """Raises SettingsError, as `fit` does, where the memory is too little for a picture of its ``own`` size
    at the one that is ``wanted``, whatever comes with it: before that picture is made, which can be larger
    than the memory. The least that it tells is enough for what is ``beside`` it, too: fields of the
    `Problem`, as large as they will be.
    """
    size = scaled_to(own, wanted)
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device)
    problem = Problem(task, settings, outline(size), schedule(size, settings))
    try:
        fit(problem, precision, device)
    except SettingsError:
        fit(replace(problem, **beside()), precision, device)
        raise


def fit_at(problem: Problem, size: Size, precision: str, fitted: Fit) -> Fit:
    """How a scale of the same run fits into what is taken for the largest: whole, or in the tiles that are
    the least work.
    """
    room = fitted.bytes - fitted.kept
    whole = _whole(problem, size, precision, fitted.history)
    if fitted.tile is None or whole.bytes <= room:
        return whole
    options = [option for option in _tiled(problem, size, precision, fitted.history) if option.bytes <= room]
    return min(options, key=lambda option: option.slower, default=fitted)


def too_little(room: float, least: float, size: Size, another: str = "") -> SettingsError:
    """That ``room`` is not enough, what is, and what else could be done."""
    return SettingsError(
        f"{room / 1e6:.0f} MB of memory are too little for {size[1]}×{size[0]} pixels: it takes at least "
        f"`memory` {memory.setting_for(least)}, or a smaller `size`{another}."
    )


def _places_bytes(settings: Effective, dtype: torch.dtype = torch.bfloat16) -> float:
    """What places look like, in bytes for each pixel; those of one zone that are found (`places.replaced`)
    are in bfloat16. 0 where places do not count.
    """
    return _map_bytes(settings.places_layers if settings.places_weight > 0 else (), dtype.itemsize)


def _gallery_bytes(problem: Problem, dtype: torch.dtype) -> int:
    """What is seen in all views of the paintings at all scales, as far as it is worth to be kept."""
    finest, others = (
        _places_bytes(each, dtype) for each in (problem.settings_at(problem.frame.size), problem.settings)
    )
    return min(_MOST_KEPT, round(VIEWS * sum(_paintings(problem)) * (finest + _SMALLER * others)))


def _paintings(problem: Problem) -> list[int]:
    """How many pixels each painting has that is looked at."""
    length = max(problem.frame.size)
    styles = [style for zone in problem.zones for style in zone.styles if style.share > 0]
    return [math.prod(long_side(style.picture.size, round(length * style.scale))) for style in styles]


def _map_bytes(layers: Iterable[str], width: int) -> float:
    """What maps of layers hold for each pixel, with so many bytes a number."""
    architecture = ARCHITECTURES[BACKBONE]
    architecture.check(layers := list(layers))
    held: float = sum(architecture.channels(layer) * width / 4 ** architecture.depth(layer) for layer in layers)
    return held


def _whole(problem: Problem, size: Size, precision: str, history: int) -> Fit:
    each = _STEP[DTYPES[precision]] + _state(problem, size, history)
    if problem.settings.style_weight > 0 and problem.settings.style_loss == "sliced-wasserstein":
        each += _map_bytes(problem.settings.style_layers, _SORTED)
    return Fit(None, history, round(_BASE + _beyond(problem) + math.prod(size) * each))


def _tiled(problem: Problem, size: Size, precision: str, history: int) -> Iterator[Fit]:
    """In tiles of every side that makes a difference, with the network cut in every way."""
    settings, area, dtype = problem.settings_at(size), math.prod(size), DTYPES[precision]
    architecture = ARCHITECTURES[BACKBONE]
    style = settings.style_layers if settings.style_weight > 0 else {}
    architecture.check(layers := problem.layers(size))
    whole = 2 * area * multiplications(architecture, layers)  # 0 where nothing but pixels is looked at
    targets = _map_bytes(problem.kept(size), dtype.itemsize) + _places_bytes(settings)
    held = _BASE + _beyond(problem) + area * (_HELD + targets + _state(problem, size, history))
    searched = _searched_bytes(problem, size, dtype) - area * history * _PAIR  # of which nothing is there yet then
    parted = {math.ceil(length / count) for length in size for count in range(1, 1 + length // _LEAST_SIDE)}
    for side, cut in itertools.product(sorted({_LEAST_SIDE, *parted}, reverse=True), CUTS):
        parts = sections(architecture, layers, style, cut)
        if cut and len(parts) == 1:
            continue
        ends = _map_bytes([part.end for part in parts if part.end], dtype.itemsize)
        # With its gradient, while there is no gradient of the pixels yet; or either beside that.
        maps = max(ends, 2 * ends - _GRADIENT)
        step = max(part.seen(size, side)[1] * _BEHIND[part.start] for part in parts) * _STEP[dtype] * _GAPS
        work = sum(part.work(size, side) for part in parts)
        most = max(area * maps + step, searched + step / 2)  # a search only looks, and has no gradients
        yield Fit(side, history, round(held + most), work / whole if whole else 1.0, cut=cut)


def _searched_bytes(problem: Problem, size: Size, dtype: torch.dtype) -> float:
    """What the places look like that are the nearest of any of a picture's, of every painting of a zone, and
    by what the picture's own are compared in the last pass, layer by layer.
    """
    settings, architecture = problem.settings_at(size), ARCHITECTURES[BACKBONE]
    layers = settings.places_layers if settings.places_weight > 0 else {}
    paintings = max((len(zone.styles) for zone in problem.zones), default=1)
    channels = {layer: architecture.channels(layer) for layer in layers}
    positions = {layer: math.prod(size) >> 2 * architecture.depth(layer) for layer in layers}
    axes = axes_of(sum(positions.values()))
    compared = sum(positions[layer] * min(axes, channels[layer]) for layer in layers) * torch.float32.itemsize
    return min(paintings * math.prod(size) / 16, MOST) * sum(channels.values()) * dtype.itemsize + compared


def _beyond(problem: Problem) -> int:
    """What paintings take beyond one that has no more pixels than the picture: all of every other, and those
    that each has more, as it is, and turned.
    """
    own, pixels = math.prod(problem.frame.size), _paintings(problem)
    return _PAINTING * (sum(2 * max(0, each - own) for each in pixels) + sum(pixels[1:]))


def _more(history: int, wanted: int) -> float:
    """How many times as many evaluations are reckoned for a shorter memory of L-BFGS than is ``wanted``."""
    return 1 + _FORGETFUL / history if wanted <= _USUAL else (wanted / history) ** _FORGETFUL_MORE


def _state(problem: Problem, size: Size, history: int) -> float:
    """What the optimiser, and what is counted `_beside` it, take at a scale in bytes for each pixel."""
    return _beside(problem, size) + (history if problem.settings.optimizer == "lbfgs" else 2) * _PAIR


def _beside(problem: Problem, size: Size) -> float:
    """What masks, and the places of all zones but the one that `_tiled` counts, take at a scale in bytes for
    each pixel.
    """
    regions = sum(zone.share is not None for zone in problem.zones)
    places = _places_bytes(problem.settings_at(size)) * max(0, len(problem.zones) - 1)
    fixed, protected = problem.fixed is not None, problem.protected is not None
    return regions * _REGION + places + fixed * _FIXED + protected * _REGION
