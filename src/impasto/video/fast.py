"""Films painted by a network of the fast method."""

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
from impasto.networks.codes import learnt_style
from impasto.networks.zoo import FILES, is_file, network
from impasto.pictures import codecs
from impasto.pictures.picture import long_side
from impasto.settings.fields import LEARNT, Settings
from impasto.tasks.budget import Sweep
from impasto.tasks.inputs import style_code
from impasto.video.colour import Floats
from impasto.video.geometry import Size
from impasto.video.job import VideoJob
from impasto.video.shotpainter import ShotPainter
from impasto.video.styles import Numbers, Styles


class Fast:
    """How the fast method paints a film: shot by shot, with statistics of the shot's own."""

    LENGTH = 240
    """Frames of a part."""

    def __init__(
        self, job: VideoJob, settings: Settings, size: Size, opening: Callable[[], Floats],
        *, device: torch.device, precision: str,
    ) -> None:  # fmt: skip
        """``opening`` gives the first frame. Raises StyleCodeError, ImageError and SettingsError."""
        self._settings, self._device, self._precision, self._opening = settings, device, precision, opening
        self.painted_at = long_side(size, settings.stroke_size or max(size))
        self.steadies = settings.steady == "light"
        self._styles = self._chosen(job)
        self._check_memory()

    def painter(self, state: dict[str, Any] | None = None) -> ShotPainter:
        """What paints its frames, from the first, or from a state on."""
        return ShotPainter(
            self._styles, self.painted_at, frozen=self._settings.steady != "off",
            device=self._device, precision=self._precision, state=state,
        )  # fmt: skip

    def known_by(self) -> list[Any]:
        """By what its styles are known again."""
        looks = [code.values for _, code in self._styles.keys]
        return [checkpoint.digest(looks), *(start for start, _ in self._styles.keys)]

    def network(self) -> tuple[str, str]:
        """The name of the network, and the SHA-256 of its weights."""
        name = self._styles.keys[0][1].network
        return name, sha256_of(Path(name)) if is_file(name) else weights.entry(FILES[name]).sha256

    def estimate(self, frames: int, shots: Callable[[], int]) -> float:
        """Roughly the seconds that so many frames take, by painting the first; of however many shots."""
        painter, opening = self.painter(), self._opening()
        painter.paint(opening, 0.0, begins=True)
        began = time.perf_counter()
        painter.paint(opening, 0.0, begins=True)
        return (time.perf_counter() - began) * frames

    def _check_memory(self) -> None:
        stylizer = network(self._styles.keys[0][1].network).stylizer
        needed = Sweep(self.painted_at, 12, stylizer.reach, DTYPES[self._precision], self._device).needed(None)
        room = memory.budget("auto", self._device)
        if needed > room:
            raise SettingsError(
                f"A frame of {self.painted_at[1]}×{self.painted_at[0]} needs {needed / 1e9:.1f} GB to be painted, and there are "
                f"{room / 1e9:.1f} GB: give a smaller `stroke_size` or `size`."
            )

    def _chosen(self, job: VideoJob) -> Styles:
        """The styles with their times, and how much of the clip's own ``strength`` leaves in them. Raises
        SettingsError for styles of several networks.
        """
        chosen = self._settings.network
        if job.style_index:
            name = LEARNT if chosen == "auto" else chosen
            keys = [(0.0, learnt_style(job.style_index, name))]
        elif job.styles:
            keys = [(0.0, style_code(list(job.styles), chosen))]
        else:
            keys = [(start, style_code(path, chosen)) for start, path in job.style_at]
        codes.mixed([(code, 1 / len(keys)) for _, code in keys])  # or it raises
        strengths = job.strength_at or ((0.0, self._settings.strength),)
        shares = Numbers([(start, min(1.0, 2 * strength)) for start, strength in strengths])
        if all(share == 1 for _, share in shares.keys):
            return Styles(keys)
        opening = codecs.load((self._opening() * 255).round().astype("uint8"))
        return Styles(keys, shares, codes.plain(opening, keys[0][1].network))
