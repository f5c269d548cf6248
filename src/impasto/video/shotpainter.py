"""Painting the frames of a shot by statistics that are the shot's, not each frame's own.

A network of the fast method normalises by the mean and the variance of every channel over the picture, and so
whatever comes into a picture changes all of it: frame by frame, that flickers. Here they are averaged over
the first frames of a shot and then stay, as those of a large picture do over its tiles (`networks.painter`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.colour import grey, transfer
from impasto.machine.devices import DTYPES
from impasto.networks.cin import EPSILON
from impasto.networks.codes import StyleCode
from impasto.networks.painter import Moments, Painter
from impasto.networks.zoo import network
from impasto.video.colour import Floats
from impasto.video.framing import scaled
from impasto.video.geometry import Size
from impasto.video.styles import Styles

SETTLING = 8
"""Frames of a shot over which its statistics are averaged. While the style changes, they go on following the
frames as slowly."""
_SAMPLE = 64
"""The longest side of what is kept of a frame to know the shot's colours by."""


class ShotPainter:
    """Paints frame after frame. ``frozen`` is False where each is to be painted by its own statistics."""

    def __init__(
        self, styles: Styles, size: Size, *, frozen: bool, device: torch.device, precision: str,
        state: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """``size`` is that at which they are painted; ``state`` one of `state`'s to go on from."""
        self._styles, self._size, self._frozen = styles, size, frozen
        self._device, self._dtype = device, DTYPES[precision]
        self._count: int = state["count"] if state else 0
        self._moments: list[Moments] = _paired(state["moments"]) if state else []
        self._samples: list[Tensor] = list(state["samples"]) if state else []
        self._key: tuple[float, ...] | None = tuple(state["key"]) if state else None
        self._grey: bool = state["grey"] if state else True
        """Whether all frames of the shot so far have been: once one is not, the others are no more, or what
        fades would change its colours.
        """
        self._paint: Callable[[Tensor], Tensor] | None = None

    def paint(self, pixels: Floats, time: float, *, begins: bool) -> Floats:
        """A frame (H, W, 3) at a time of the film, painted at the size for painting. ``begins``: it is the
        first of a shot.
        """
        code, key = self._styles.at(time)
        x = torch.from_numpy(scaled(pixels, self._size)).permute(2, 0, 1)[None]
        self._grey = grey.is_grey(x) and (self._grey or begins)
        if not self._frozen:
            painted = self._painter(code).whole(x).cpu()
            return self._shown(_coloured([painted], code)(painted), code, time)
        if begins:
            self._count, self._moments, self._samples = 0, [], []
        settled = self._count >= SETTLING and key == self._key
        if settled and self._paint is None:  # taken up from a state
            self._paint = self._combined(code)
        if not settled:
            own, moments = self._painter(code).measured(x)
            self._count += 1
            self._moments = _averaged(self._moments, moments, 1 / min(self._count, SETTLING))
            step = max(1, max(self._size) // _SAMPLE)
            self._samples = [*self._samples, own.cpu()[:, :, ::step, ::step]][-SETTLING:]
            self._paint, self._key = self._combined(code), key
        assert self._paint is not None
        return self._shown(self._paint(x), code, time)

    def state(self) -> dict[str, Any]:
        """What to go on from."""
        moments = [None if each is None else list(each) for each in self._moments]
        key = list(self._key or ())
        return {
            "count": self._count,
            "moments": moments,
            "samples": list(self._samples),
            "key": key,
            "grey": self._grey,
        }

    def _painter(self, code: StyleCode) -> Painter:
        return Painter(network(code.network).stylizer, code.style(), dtype=self._dtype, device=self._device)

    def _combined(self, code: StyleCode) -> Callable[[Tensor], Tensor]:
        """The network by the shot's statistics, and then the colours by the shot's."""
        paint, coloured = self._painter(code).frozen(self._moments), _coloured(self._samples, code)
        return lambda x: coloured(paint(x).cpu())

    def _shown(self, painted: Tensor, code: StyleCode, time: float) -> Floats:
        """Without colour as far as the style has none; without any where the shot has none either, nor the
        clip's own style that is mixed in.
        """
        plain = 1.0 if self._grey and grey.are_grey(code.colours) else self._styles.greyness(time)
        return _array(grey.faded(painted, plain) if plain else painted)


def _coloured(samples: list[Tensor], code: StyleCode) -> Callable[[Tensor], Tensor]:
    """What moves the colours of a shot, known by samples of it as it is painted, towards the style's."""
    share = network(code.network).design.palette
    if code.colours is None or not share:
        return lambda painted: painted
    mapped = transfer.mapping(torch.cat(samples, 3), code.colours)
    return lambda painted: transfer.moved(painted, mapped, share)


def _averaged(running: list[Moments], own: list[Moments], weight: float) -> list[Moments]:
    """The moments of all frames together: the means of means and of second moments."""
    if not running:
        return own
    found: list[Moments] = []
    for before, now in zip(running, own, strict=True):
        if before is None or now is None:
            found.append(None)
            continue
        mean = torch.lerp(before[0], now[0], weight)
        second = torch.lerp(_second(*before), _second(*now), weight)
        found.append((mean, ((second - mean**2).clamp_min(0) + EPSILON).rsqrt()))
    return found


def _second(mean: Tensor, inverse: Tensor) -> Tensor:
    return inverse**-2 - EPSILON + mean**2


def _paired(moments: list[Any]) -> list[Moments]:
    return [None if each is None else (each[0], each[1]) for each in moments]


def _array(painted: Tensor) -> Floats:
    return np.ascontiguousarray(painted[0].float().permute(1, 2, 0).numpy())
