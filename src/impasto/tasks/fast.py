"""Fast style transfer: one pass of a network over a picture of any size, in the memory it is given.

A picture that fits is painted whole. One that does not is painted over in place, tile by tile, by statistics
that are taken once, from samples spread over all of it.
"""

import functools
import logging
import math
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from impasto import weights
from impasto.colour import grey, transfer
from impasto.colour.kept import palette
from impasto.errors import NotReadyError, SettingsError
from impasto.machine import checkpoint, memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision, convolving
from impasto.machine.files import sha256_of
from impasto.networks import codes
from impasto.networks.codes import StyleCode
from impasto.networks.painter import Painter
from impasto.networks.zoo import FILES, network
from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.large import LargePicture, load_own, resized
from impasto.pictures.picture import LARGE, MAX_PIXELS, STRIP, Picture, Size, long_side, resize, scaled_to
from impasto.progress import Progress
from impasto.settings.fields import Settings
from impasto.settings.paths import is_network
from impasto.tasks.inputs import MIN_SIDE, StyleLike, check_side, style_code, told_of, wanted_size
from impasto.tasks.result import Prepared, Result
from impasto.tasks.sweep import around, paint_tiles, samples
from impasto.tasks.sweep_budget import CANVAS, LARGE_CANVAS, Sweep

log = logging.getLogger("impasto")

_LONGEST_CODE = 256
WHOLE = 0.5
"""The strength at which the style is that of the painting, and nothing of the photograph's own."""


class FastRun(Prepared):
    """A pass of a styliser made ready."""

    def __init__(
        self,
        canvas: Picture | LargePicture,
        code: StyleCode,
        settings: Settings,
        size: Size,
        *,
        alpha: Tensor | Image.Image | None = None,
        greyness: float = 0.0,
    ) -> None:
        """``canvas`` is painted over and then scaled to ``size``, the result's, and given ``alpha`` if that
        is not its own. ``greyness`` is how much of the style is of paintings without colour.

        Raises SettingsError for too small a budget.
        """
        super().__init__("stylize", "default", settings, size)
        self._canvas, self._code, self._alpha, self._keep = canvas, code, alpha, settings.keep_colour
        if self._keep != "none":
            greyness = float(_is_grey(canvas))
        elif grey.are_grey(code.colours):  # the photograph's own among it
            greyness = 1.0
        self._greyness = greyness
        self._dtype = DTYPES[self.precision]
        chosen = network(code.network)
        stylizer, self._palette = chosen.stylizer, chosen.design.palette
        self._reach = stylizer.reach
        self._painter = Painter(stylizer, code.style(), dtype=self._dtype, device=self.device)
        held = CANVAS if isinstance(canvas, Picture) else LARGE_CANVAS
        self._sweep = Sweep(canvas.size, held, self._reach, self._dtype, self.device)
        self.tile, self._samples = self._sweep.fit(settings.memory, tileless=isinstance(canvas, Picture))
        self._started = self._complete = False
        self._tiles, self._elapsed = 0, 0.0

    def steps(self) -> Generator[Progress, None, None]:
        """Compute, telling how far it is after every tile. Close the generator to stop. Once only: the canvas
        is painted over.

        Raises NotReadyError the second time.
        """
        if self._started:
            raise NotReadyError("The picture has been painted over once: prepare it anew.")
        self._started = True
        began = time.perf_counter()
        with memory.reused(), convolving(self.precision):
            if self.tile is None:
                height, width = self._canvas.size
                whole = (0, height, 0, width)
                photo = self._canvas.read(whole)
                painted = self._painter.whole(photo).cpu()
                self._canvas.paint(whole, self._coloured(painted, photo)(painted, photo))
                progress = iter([(1, 1)])
            else:
                photo = samples(self._canvas, self._samples)
                painted, moments = self._painter.measured(photo)
                paint, coloured = self._painter.frozen(moments), self._coloured(painted.cpu(), photo)
                progress = paint_tiles(
                    self._canvas, lambda pixels: coloured(paint(pixels).cpu(), pixels), self.tile, self._reach
                )
            for done, total in progress:
                self._tiles, self._elapsed = done, time.perf_counter() - began
                self._complete = done == total
                yield self._told(done / total, self._elapsed, f"tile {done}/{total}", iteration=done)

    @property
    def has_picture(self) -> bool:
        return self._complete

    def picture(self) -> Picture:
        """The picture. Raises NotReadyError until it is whole."""
        return self.result().picture

    def result(self) -> Result:
        """The picture and its record. Raises NotReadyError until it is whole."""
        if not self._complete:
            raise NotReadyError("There is no picture yet: take all steps of steps() first.")
        painted = self._canvas if self._canvas.size == self.size else resized(self._canvas, self.size)
        if isinstance(painted, LargePicture):
            if self._alpha is not None:
                painted.pillow.putalpha(_in_greys(self._alpha))
        elif isinstance(self._alpha, Tensor):
            painted = replace(painted, alpha=self._alpha)
        name, values = self._code.network, self._code.values[0]
        digest = sha256_of(Path(name)) if is_network(name) else weights.entry(FILES[name]).sha256
        # γ and β would be thousands of numbers.
        code = values.tolist() if len(values) <= _LONGEST_CODE else checkpoint.digest([values])
        own = {"code": code, "steps": self._tiles, "elapsed_s": self._elapsed}
        return Result(painted, self._described(name, digest) | self.plan() | own)

    def plan(self) -> dict[str, Any]:
        """What `steps` will do, for people to read."""
        height, width = self._canvas.size
        tiles = f"{self.tile}x{self.tile}" if self.tile else "none, the picture is seen whole"
        return {"painted_at": f"{width}x{height}", "tiles": tiles}

    def estimate(self) -> tuple[float, float]:
        """Roughly the seconds and the bytes that the run will take, by timing the network on a small part."""
        part = self._canvas.read(around(self._canvas.size, 0.5, 0.5, side=384))  # less is mostly fixed cost
        with memory.reused(), convolving(self.precision):
            self._painter.whole(part)
            began = time.perf_counter()
            self._painter.whole(part).cpu()
        per_pixel = (time.perf_counter() - began) / part[0, 0].numel()
        height, width = self._canvas.size
        seen = (1 + 2 * self._reach / self.tile) ** 2 if self.tile else 1
        return per_pixel * seen * height * width, self._sweep.needed(self.tile)

    def _coloured(self, painted: Tensor, photo: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """What moves the colours of the whole picture towards the style's, or keeps the photograph's, known
        from parts of both (N, 3, H, W): of a part as it is painted, and of the same part of the photograph.
        """
        moved = self._moved(painted, photo)
        if not self._greyness:
            return moved
        return lambda pixels, there: grey.faded(moved(pixels, there), self._greyness)

    def _moved(self, painted: Tensor, photo: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        share = self._palette
        if self._keep in ("linear", "histogram"):
            shared = palette(self._keep, _joined(painted), _joined(photo))
            return lambda pixels, _: shared(pixels)
        mapped = None
        if share and self._code.colours is not None:
            mapped = transfer.mapping(_joined(painted), self._code.colours)

        def coloured(pixels: Tensor, there: Tensor) -> Tensor:
            moved = pixels if mapped is None else transfer.moved(pixels, mapped, share)
            return transfer.tinted(moved, there) if self._keep == "luminance" else moved

        return coloured


def _is_grey(canvas: Picture | LargePicture) -> bool:
    """Whether it has no colour at all."""
    height, width = canvas.size
    tops = range(0, height, STRIP)
    return all(grey.is_grey(canvas.read((top, min(top + STRIP, height), 0, width))) for top in tops)


def _joined(parts: Tensor) -> Tensor:
    """Parts (N, 3, H, W) as one picture, (1, 3, N·H, W)."""
    return parts.transpose(0, 1).flatten(1, 2)[None]


def plan_fast(content: PictureLike, style: StyleLike, settings: Settings) -> FastRun:
    """Prepare the fast method. Raises as `stylize`."""
    with codecs.truncation(settings.allow_truncated):
        return _planned(content, style, settings)


def _planned(content: PictureLike, style: StyleLike, settings: Settings) -> FastRun:
    code = style_code(style, settings.network)

    def fitted(own: Size) -> int | Size:
        """The larger of both sizes, which is made only if there is memory for painting at all."""
        _, painted_at = _sizes(own, settings)
        size = scaled_to(own, painted_at)
        device = choose_device(settings.device)
        dtype = DTYPES[choose_precision(settings.precision, device)]
        held = LARGE_CANVAS if math.prod(size) > LARGE else CANVAS
        Sweep(size, held, network(code.network).stylizer.reach, dtype, device).fit(settings.memory, tileless=True)
        return max(_sizes(own, settings))

    with told_of("content"):
        own, canvas = load_own(content, fitted)
    size, painted_at = (scaled_to(own, at) for at in _sizes(own, settings))
    # Strokes may be coarser than the picture; its outline is not.
    alpha: Tensor | Image.Image | None = None
    if isinstance(canvas, LargePicture):
        alpha = canvas.outline() if canvas.size == size != painted_at else None
    elif canvas.alpha is not None:
        alpha = resize(canvas.alpha, size)
    canvas = canvas if canvas.size == painted_at else resized(canvas, painted_at)
    share = share_of(settings.strength)
    greyness = share * grey.are_grey(code.colours)
    if share < 1:
        code = codes.mixed([(codes.plain(canvas, code.network), 1 - share), (code, share)])
    return FastRun(canvas, code, settings, size, alpha=alpha, greyness=greyness)


def _in_greys(alpha: Tensor | Image.Image) -> Image.Image:
    return alpha if isinstance(alpha, Image.Image) else Image.fromarray(Picture(alpha).array(8)[..., 0])


def share_of(strength: float) -> float:
    """The share of the painting's style at a strength, beside what is the photograph's own. Above 0.5 it is
    whole, which is told: codes beyond a painting's soon give one colour alone.
    """
    if strength > WHOLE:
        _tell_of_strength()
    return min(1.0, strength / WHOLE)


@functools.cache
def _tell_of_strength() -> None:
    """Once, for there may be many photographs."""
    log.warning("A `strength` above %s is no more than that with `method` fast: the style is whole there.", WHOLE)


def _sizes(own: Size, settings: Settings) -> tuple[int, int] | tuple[Size, Size]:
    """The result's long side, or (height, width), and that at which the strokes are painted, for a content of
    a size.

    Raises ImageError and SettingsError for what is too small or too large.
    """
    check_side(own, "content")
    wanted = wanted_size(settings.size, "fast", own)
    size = scaled_to(own, wanted)
    if math.prod(size) > MAX_PIXELS:
        raise SettingsError(f"`size` asks for {size[1]}×{size[0]}: {MAX_PIXELS} pixels are the most.")
    length = settings.stroke_size or max(size)
    height, width = long_side(size, length)
    if min(height, width) < MIN_SIDE:
        raise SettingsError(
            f"The content would be painted at {width}×{height} pixels, and {MIN_SIDE} a side are the least: "
            "give a larger `size` or `stroke_size`."
        )
    return (wanted, length) if isinstance(wanted, int) else (wanted, (height, width))
