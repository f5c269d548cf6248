"""How what a network paints fits into the memory that it may take: the one model of what that holds. Pictures
are seen whole or in tiles; the statistics are of more samples or fewer.
"""

import math
from dataclasses import dataclass

import torch

from impasto.machine import memory
from impasto.pictures.picture import Size
from impasto.tasks.budget import too_little

_BASE = 400 * 10**6
"""What the process takes before a network paints any picture."""
CANVAS, LARGE_CANVAS = 12, 4
"""What a picture to be painted over takes for each pixel: in float32, and in the 8 bits of a large one."""
_PIXEL = {torch.float32: 320, torch.bfloat16: 170}
"""What the wider of the networks holds for each pixel that it sees, measured."""
SAMPLE, _FEWEST_SAMPLES, _MOST_SAMPLES = 128, 64, 192
"""Side of the samples that statistics are taken from, and how many: measured, docs/fast.md, "Any size"."""
_SMALLEST_TILE, _LARGEST_TILE = 128, 768


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
        return _BASE + self.size[0] * self.size[1] * self.held

    def needed(self, tile: int | None) -> int:
        """Bytes at the most, with tiles of that side or without tiles."""
        height, width = self.size
        pixel = _PIXEL[self.dtype] + 24  # what goes in and what comes out, in float32
        if tile is None:
            return self.standing() + height * width * pixel
        return self.standing() + (tile + 2 * self.reach) ** 2 * pixel + (tile + self.reach) * width * 12

    def fit(self, setting: str, tileless: bool) -> tuple[int | None, int]:
        """The side of the tiles, None for a picture that is seen whole, which only a ``tileless`` one can be,
        and the number of samples for the statistics. Raises SettingsError.
        """
        room = memory.budget(setting, self.device)
        whole = self.needed(None) if tileless else math.inf
        if whole <= room:
            return None, 0
        sides = range(_LARGEST_TILE, _SMALLEST_TILE, -64)
        tile = next((side for side in sides if self.needed(side) <= room), _SMALLEST_TILE)
        if setting == "auto":  # the half that is asked for decides on the tiles, and all of it on the picture
            room = memory.most(self.device)
        of_sample = SAMPLE**2 * _PIXEL[self.dtype]
        least = max(self.needed(_SMALLEST_TILE), self.standing() + _FEWEST_SAMPLES * of_sample)
        if room < least:
            if whole <= room:  # a small one needs less so than the samples for tiles
                return None, 0
            raise too_little(room, min(least, whole), self.size)
        return tile, min((room - self.standing()) // of_sample, _MOST_SAMPLES)
