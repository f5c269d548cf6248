"""Fast style transfer: one pass of a network over a picture of any size, in the memory it is given.

A picture that fits is painted whole. One that does not is painted over in place, tile by tile, by statistics that are taken
once, from samples spread over all of it.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto import weights
from impasto.colour import transfer
from impasto.errors import SettingsError
from impasto.machine import checkpoint, memory
from impasto.machine.devices import DTYPES, convolving
from impasto.machine.files import sha256_of
from impasto.networks.codes import StyleCode
from impasto.networks.painter import Painter
from impasto.networks.zoo import FILES, is_file, network
from impasto.pictures.large import LargePicture, resized
from impasto.pictures.picture import Picture, Size
from impasto.pictures.tiles import Window
from impasto.settings.fields import Settings
from impasto.tasks.result import Prepared, Result

_BASE_BYTES = 400 * 10**6
"""What the process takes before any picture."""
_PIXEL_BYTES = {torch.float32: 320, torch.bfloat16: 170}
"""What the wider of the networks holds for each pixel that it sees, measured."""
_SAMPLE, _FEWEST_SAMPLES, _MOST_SAMPLES = 128, 64, 192
"""Side of the samples that statistics are taken from, and how many: measured, docs/fast.md, "Any size"."""
_SMALLEST_TILE, _LARGEST_TILE = 128, 768
_LONGEST_CODE = 256


@dataclass(frozen=True)
class Tile:
    """The state after ``done`` of ``total`` tiles."""

    done: int
    total: int
    elapsed: float
    event: str = ""


class FastRun(Prepared):
    """A pass of a styliser made ready."""

    def __init__(
        self,
        canvas: Picture | LargePicture,
        code: StyleCode,
        settings: Settings,
        size: Size,
        alpha: Tensor | None = None,
    ) -> None:
        """``canvas`` is painted over and then scaled to ``size``, the result's, and given ``alpha`` if that is not its own.

        Raises SettingsError for too small a budget.
        """
        super().__init__("stylize", "default", settings, size)
        self._canvas, self._code, self._alpha = canvas, code, alpha
        self._dtype = DTYPES[self.precision]
        chosen = network(code.network)
        stylizer, self._palette = chosen.stylizer, chosen.design.palette
        self._reach = stylizer.reach
        self._painter = Painter(stylizer, code.style(), dtype=self._dtype, device=self.device)
        self.tile, self._samples = self._plan()
        self._last = Tile(0, 1, 0.0)
        self._started = False

    def steps(self) -> Iterator[Tile]:
        """Compute, yielding after every tile. Close the generator to stop. Once only: the canvas is painted over."""
        assert not self._started, "steps() has been started before"
        self._started = True
        began = time.perf_counter()
        with memory.kept(), convolving(self.precision):
            if self.tile is None:
                height, width = self._canvas.size
                whole = (0, height, 0, width)
                painted = self._painter.whole(self._canvas.read(whole)).cpu()
                self._canvas.paint(whole, self._coloured(painted)(painted))
                progress = iter([(1, 1)])
            else:
                painted, moments = self._painter.measured(samples(self._canvas, self._samples))
                paint, coloured = self._painter.frozen(moments), self._coloured(painted.cpu())
                progress = paint_tiles(
                    self._canvas, lambda pixels: coloured(paint(pixels).cpu()), self.tile, self._reach
                )
            for done, total in progress:
                self._last = Tile(done, total, time.perf_counter() - began)
                yield self._last

    def progress(self, step: Tile) -> tuple[float, str]:
        """The share of the work that is done after a step, and what to say of it."""
        return step.done / step.total, f"tile {step.done}/{step.total}"

    def result(self) -> Result:
        """The picture and its record, once `steps` has come to its end."""
        assert self._last.done == self._last.total, "steps() has not come to its end"
        painted = self._canvas if self._canvas.size == self.size else resized(self._canvas, self.size)
        if self._alpha is not None and isinstance(painted, Picture):
            painted = replace(painted, alpha=self._alpha)
        name, values = self._code.network, self._code.values[0]
        digest = sha256_of(Path(name)) if is_file(name) else weights.entry(FILES[name]).sha256
        # γ and β would be thousands of numbers.
        code = values.tolist() if len(values) <= _LONGEST_CODE else checkpoint.digest([values])
        own = {"code": code, "steps": self._last.total, "elapsed_s": self._last.elapsed}
        return Result(painted, self._described(name, digest) | self.plan() | own)

    def plan(self) -> dict[str, Any]:
        """What `steps` will do, for people to read."""
        height, width = self._canvas.size
        tiles = f"{self.tile}x{self.tile}" if self.tile else "none, the picture is seen whole"
        return {"painted_at": f"{width}x{height}", "tiles": tiles}

    def estimate(self) -> tuple[float, float]:
        """Roughly the seconds and the bytes that the run will take, by timing the network on a small part."""
        part = self._canvas.read(_around(self._canvas.size, 0.5, 0.5, side=384))  # less is mostly fixed cost
        with memory.kept(), convolving(self.precision):
            self._painter.whole(part)
            began = time.perf_counter()
            self._painter.whole(part).cpu()
        per_pixel = (time.perf_counter() - began) / part[0, 0].numel()
        height, width = self._canvas.size
        seen = (1 + 2 * self._reach / self.tile) ** 2 if self.tile else 1
        return per_pixel * seen * height * width, self._needed(self.tile)

    def _coloured(self, painted: Tensor) -> Callable[[Tensor], Tensor]:
        """What moves the colours of the whole picture towards the style's, known from parts of it as they are painted."""
        colours, share = self._code.colours, self._palette
        if colours is None or not share:
            return lambda pixels: pixels
        mapped = transfer.mapping(painted.transpose(0, 1).flatten(1, 2)[None], colours)
        return lambda pixels: transfer.moved(pixels, mapped, share)

    def _plan(self) -> tuple[int | None, int]:
        """The side of the tiles, None for a picture that is seen whole, and the number of samples for the statistics."""
        room = memory.budget(self.settings.memory, self.device)
        if isinstance(self._canvas, Picture) and self._needed(None) <= room:
            return None, 0
        sides = range(_LARGEST_TILE, _SMALLEST_TILE, -64)
        tile = next((side for side in sides if self._needed(side) <= room), _SMALLEST_TILE)
        if self.settings.memory == "auto":  # what is free decides on the tiles, and not on the picture
            return tile, _MOST_SAMPLES
        of_sample = _SAMPLE**2 * _PIXEL_BYTES[self._dtype]
        least = max(self._needed(_SMALLEST_TILE), self._held() + _FEWEST_SAMPLES * of_sample)
        if room < least:
            raise SettingsError(
                f"{room / 1e6:.0f} MB of memory are too little for this picture: it takes at least "
                f"--memory {math.ceil(least / 1e6)}MB, or a smaller --size."
            )
        return tile, min((room - self._held()) // of_sample, _MOST_SAMPLES)

    def _held(self) -> int:
        """Bytes that are there all the time."""
        if self.device.type != "cpu":  # the canvas stays with the processor
            return 0
        height, width = self._canvas.size
        return _BASE_BYTES + height * width * (12 if isinstance(self._canvas, Picture) else 4)

    def _needed(self, tile: int | None) -> int:
        """Bytes at the most, with tiles of that side or without tiles."""
        height, width = self._canvas.size
        pixel = _PIXEL_BYTES[self._dtype] + 24  # what goes in and what comes out, in float32
        if tile is None:
            return self._held() + height * width * pixel
        return self._held() + (tile + 2 * self._reach) ** 2 * pixel + (tile + self._reach) * width * 12


def samples(canvas: Picture | LargePicture, count: int) -> Tensor:
    """About ``count`` parts of a picture, spread evenly over it, (N, 3, h, w).

    Their statistics come much nearer to those of the whole picture than a thumbnail's do, for they show its detail at its real
    size: docs/fast.md, "Any size".
    """
    height, width = canvas.size
    columns = max(1, min(width // _SAMPLE, round((count * width / height) ** 0.5)))
    rows = max(1, min(height // _SAMPLE, count // columns))
    places = [((row + 0.5) / rows, (column + 0.5) / columns) for row in range(rows) for column in range(columns)]
    return torch.cat([canvas.read(_around(canvas.size, *place)) for place in places])


def _around(size: Size, down: float, across: float, side: int = _SAMPLE) -> Window:
    """A sample's window around a place, given as shares of the height and the width."""
    height, width = size
    sides = min(side, height), min(side, width)
    top, left = (
        round(share * whole - part / 2) for share, whole, part in zip((down, across), size, sides, strict=True)
    )
    return top, top + sides[0], left, left + sides[1]


def paint_tiles(
    canvas: Picture | LargePicture, paint: Callable[[Tensor], Tensor], side: int, reach: int
) -> Iterator[tuple[int, int]]:
    """Paint a picture over in place, in tiles of ``side`` pixels, yielding how many of how many are done.

    Every tile is painted with ``reach`` pixels around it and cut out again, so that it is what it were in the whole picture,
    given that ``paint`` does the same everywhere. ``side`` and ``reach`` are multiples of 4, the grid of the network.
    """
    height, width = canvas.size
    tops, lefts = range(0, height, side), range(0, width, side)
    above = canvas.read((0, 0, 0, width))  # of the rows that are painted already: what they were
    for row, top in enumerate(tops):
        bottom = min(top + side, height)
        painted: list[tuple[Window, Tensor]] = []
        for column, left in enumerate(lefts):
            right = min(left + side, width)
            first, last = max(0, left - reach), min(right + reach, width)
            below = canvas.read((top, min(bottom + reach, height), first, last))
            result = paint(torch.cat([above[:, :, :, first:last], below], 2))
            rows, columns = slice(above.shape[2], above.shape[2] + bottom - top), slice(left - first, right - first)
            painted.append(((top, bottom, left, right), result[:, :, rows, columns].to("cpu", copy=True)))
            if right == width:
                above = canvas.read((bottom - min(reach, bottom), bottom, 0, width)).clone()
                for window, tile in painted:
                    canvas.paint(window, tile)
            yield row * len(lefts) + column + 1, len(tops) * len(lefts)
        memory.release()
