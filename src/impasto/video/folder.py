"""Moving pictures in a folder: one picture for each frame, in the order of the numbers in their names."""

import logging
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from impasto.errors import VideoError
from impasto.machine import files, folders
from impasto.pictures import codecs
from impasto.pictures.codecs import FORMATS
from impasto.video.source import Facts, Frame

log = logging.getLogger("impasto")

USUAL_RATE = Fraction(25)
"""Frames a second where nothing says how many."""


class Folder:
    """A folder of pictures, all of one size."""

    def __init__(self, path: str | Path, rate: Fraction = USUAL_RATE, *, allow_truncated: bool = False) -> None:
        """Find the pictures, and tell what is passed over and what numbers are missing. Raises VideoError and
        ImageError.
        """
        self.path, self._rate, self._allow_truncated = Path(path), rate, allow_truncated
        found = [each for each in folders.walk(path).files if each.parent == self.path and _known(each)]
        if not found:
            raise VideoError(f"{path} holds no pictures: give a folder of numbered ones, like frame_0001.png.")
        self.files = sorted(found, key=lambda each: _natural(each.name))
        if missing := _gaps(self.files):
            log.warning("%s has gaps: after %s what should follow is missing.", path, ", ".join(missing))
        first = codecs.load(self.files[0], allow_truncated)
        self._size = first.size
        lasts = 1 / rate
        moments = tuple(number * lasts for number in range(len(self.files)))
        depth = 10 if first.depth > 8 else 8
        self.facts = Facts(first.size, depth, first.alpha is not None, moments, (lasts,) * len(moments), lasts)

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """See `source.Source`."""
        for number in range(first, len(self.files)):
            picture = codecs.load(self.files[number], self._allow_truncated)
            if picture.size != self._size:
                height, width = self._size
                raise VideoError(
                    f"{self.files[number]} has {picture.size[1]}×{picture.size[0]} pixels, and the pictures before it "
                    f"{width}×{height}: make them all of one size."
                )
            if picture.alpha is not None and not self.facts.alpha and bool((picture.alpha < 1).any()):
                raise VideoError(
                    f"{self.files[number]} is transparent, and {self.files[0]}, the first picture, is not: save all of them "
                    "with transparency, or all without."
                )
            pixels = picture.pixels[0].permute(1, 2, 0).contiguous().numpy()
            alpha = None
            if self.facts.alpha:
                alpha = np.ones(self._size, np.float32) if picture.alpha is None else picture.alpha[0, 0].numpy()
            yield Frame(number, pixels, alpha, self.facts.times[number], self.facts.durations[number])

    def known_by(self) -> list[tuple[str, str]]:
        """The names of the files, and the SHA-256 of each."""
        return self._digests

    @cached_property
    def _digests(self) -> list[tuple[str, str]]:
        return [(each.name, files.sha256_of(each)) for each in self.files]


def _known(path: Path) -> bool:
    return path.suffix.lower() in FORMATS


def _natural(name: str) -> list[tuple[int, str]]:
    """By what names are sorted, so that 2 comes before 10.

    >>> sorted(["a10.png", "a2.png", "a1.png"], key=_natural)
    ['a1.png', 'a2.png', 'a10.png']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]


def _number(path: Path) -> int | None:
    """The last number in a name."""
    numbers = re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else None


def _gaps(files: list[Path]) -> list[str]:
    """The names of files after which a number is missing, the first few."""
    numbers = [_number(each) for each in files]
    pairs = zip(files, numbers, numbers[1:], strict=False)
    found = [each.name for each, own, after in pairs if own is not None and after is not None and after > own + 1]
    return [*found[:3], "…"] if len(found) > 3 else found
