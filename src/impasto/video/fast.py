"""Films painted by a network of the fast method."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from impasto import weights
from impasto.errors import SettingsError
from impasto.machine import checkpoint, memory
from impasto.machine.devices import DTYPES
from impasto.machine.files import sha256_of
from impasto.networks import codes
from impasto.networks.codes import StyleCode, learnt_style
from impasto.networks.zoo import FILES, network
from impasto.pictures import codecs
from impasto.pictures.picture import long_side
from impasto.settings.fields import Settings
from impasto.settings.paths import is_network
from impasto.tasks.fast import share_of
from impasto.tasks.inputs import style_code
from impasto.tasks.sweep_budget import CANVAS, Sweep
from impasto.video.colour import Floats
from impasto.video.framing import scaled
from impasto.video.geometry import Size
from impasto.video.job import VideoJob
from impasto.video.masks import style_of
from impasto.video.parted import PartedPainter
from impasto.video.shotpainter import SETTLING, ShotPainter
from impasto.video.source import Frame
from impasto.video.steady import Steadied
from impasto.video.styles import Numbers, Styles
from impasto.video.unfinished import Unfinished

_TRIED = 512
"""The long side of what is painted to tell how long a film will take."""


class Fast:
    """How the fast method paints a film: shot by shot, with statistics of the shot's own."""

    LENGTH = 240
    """Frames of a part."""
    together = 1
    """Frames that are painted together at most."""

    def __init__(
        self, job: VideoJob, settings: Settings, size: Size, opening: Callable[[], Frame],
        *, device: torch.device, precision: str,
    ) -> None:  # fmt: skip
        """``opening`` gives the first frame. Raises StyleCodeError, ImageError and SettingsError."""
        self._settings, self._device, self._precision, self._opening = settings, device, precision, opening
        self.painted_at = long_side(size, settings.stroke_size or max(size))
        self.steadies = settings.steady == "light"
        self._regions = len(job.regions)
        self._styles = self._chosen(job)
        self._check_memory()

    def painter(self, state: dict[str, Any] | None = None, unfinished: Unfinished | None = None) -> PartedPainter:
        """What paints its frames, from the first, or from a state on. Nothing is ``unfinished``: a network
        paints a frame at one go.
        """
        return self._painter(self.painted_at, state)

    def _painter(self, size: Size, state: dict[str, Any] | None = None) -> PartedPainter:
        painters = [
            ShotPainter(
                styles, size, frozen=self._settings.steady != "off",
                device=self._device, precision=self._precision, state=state["painters"][number] if state else None,
            )
            for number, styles in enumerate(self._styles)
        ]  # fmt: skip
        return PartedPainter(painters[: self._regions], next(iter(painters[self._regions :]), None))

    def known_by(self) -> list[Any]:
        """By what its styles are known again."""
        looks = [code.values for styles in self._styles for _, code in styles.keys]
        return [checkpoint.digest(looks), *(start for styles in self._styles for start, _ in styles.keys)]

    def network(self) -> tuple[str, str]:
        """The name of the network, and the SHA-256 of its weights."""
        name = self._styles[-1].keys[0][1].network
        return name, sha256_of(Path(name)) if is_network(name) else weights.entry(FILES[name]).sha256

    def estimate(self, frames: int, shots: Callable[[], int]) -> tuple[float, float]:
        """Roughly the seconds that so many frames in so many shots take, and the bytes of memory: by painting
        the first, small where it is large, as one that a shot begins with and as one whose statistics have
        settled, and by steadying it. That goes on beside the painting, but on the same processors. While the
        style changes, statistics never settle; without any, shots are not counted, for which frames are
        decoded.
        """
        small = long_side(self.painted_at, min(_TRIED, max(self.painted_at)))
        painter, opening = self._painter(small), self._opening()
        list(painter.steps([opening], begins=True))
        begins = _seconds(painter, opening, begins=True)
        settled = self._painter(small, _settled(painter.state()))
        list(settled.steps([opening], begins=False))
        settles = self._settings.steady != "off" and all(each.stays for each in self._styles)
        first = min(frames, shots() * SETTLING) if settles else frames
        seconds = begins * first + _seconds(settled, opening, begins=False) * (frames - first)
        seconds *= math.prod(self.painted_at) / math.prod(small)
        if self.steadies:
            seconds += self._steadying(opening, settled.shown[0]) * frames
        return seconds, self._needed()

    def _steadying(self, opening: Frame, painted: Floats) -> float:
        """Roughly what it takes to steady a frame. Flow is sought at one size however large the frame is, and
        so what a large one takes is told by two small ones.
        """
        largest = max(self.painted_at)
        sides = (_TRIED, 2 * _TRIED) if largest > 2 * _TRIED else (largest,)
        sizes = [long_side(self.painted_at, side) for side in sides]
        *less, taken = [_steadied(opening, scaled(painted, size)) for size in sizes]
        areas = [math.prod(size) for size in (*sizes, self.painted_at)]
        for before in less:
            taken += max(0.0, taken - before) / (areas[1] - areas[0]) * (areas[2] - areas[1])
        return taken

    def _needed(self) -> float:
        """The bytes of memory that a frame takes."""
        reach = max(network(styles.keys[0][1].network).stylizer.reach for styles in self._styles)
        return Sweep(self.painted_at, CANVAS, reach, DTYPES[self._precision], self._device).needed(None)

    def _check_memory(self) -> None:
        needed, room = self._needed(), memory.budget(self._settings.memory, self._device)
        if needed > room:
            raise SettingsError(
                f"A frame of {self.painted_at[1]}×{self.painted_at[0]} needs more than the {room / 1e6:.0f} MB that it may take: "
                f"it takes `memory` {memory.setting_for(needed)}, or a smaller `stroke_size` or `size`."
            )

    def _chosen(self, job: VideoJob) -> list[Styles]:
        """The styles of the regions, and of what they leave, if that has any. Raises SettingsError for styles
        of several networks.
        """
        chosen = self._settings.network
        if job.style_index:
            keys = [(0.0, learnt_style(job.style_index, chosen))]
        elif job.styles:
            keys = [(0.0, style_code(list(job.styles), chosen))]
        else:
            keys = [(start, style_code(path, chosen)) for start, path in job.style_at]
        own = [[(0.0, style_code(style_of(region), chosen))] for region in job.regions]
        return [self._timed(job, each) for each in (*own, keys) if each]

    def _timed(self, job: VideoJob, keys: list[tuple[float, StyleCode]]) -> Styles:
        """Styles with their times, and how much of the clip's own ``strength`` leaves in them."""
        codes.mixed([(code, 1 / len(keys)) for _, code in keys])  # or it raises
        strengths = job.strength_at or ((0.0, self._settings.strength),)
        shares = Numbers([(start, share_of(strength)) for start, strength in strengths])
        if all(share == 1 for _, share in shares.keys):
            return Styles(keys)
        opening = codecs.load((self._opening().pixels * 255).round().astype("uint8"))
        return Styles(keys, shares, codes.plain(opening, keys[0][1].network))


def _seconds(painter: PartedPainter, frame: Frame, *, begins: bool) -> float:
    """What painting a frame takes."""
    began = time.perf_counter()
    list(painter.steps([frame], begins=begins))
    return time.perf_counter() - began


def _steadied(frame: Frame, painted: Floats) -> float:
    """What steadying a frame takes that was ``painted`` so, (H, W, 3)."""
    steadied = Steadied()
    for starts in (True, False, False):  # the last has one before it and an anchor
        began = time.perf_counter()
        steadied.frame(frame.pixels, painted, frame.shares, begins=starts)
    return time.perf_counter() - began


def _settled(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a `PartedPainter` as if its shot had gone on for long."""
    return {"painters": [each | {"count": SETTLING} for each in state["painters"]]}
