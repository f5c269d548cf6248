"""Regions of a film: which part of every frame follows which style, by masks that move with it.

A mask is a film, or a folder of numbered pictures, that goes along with the clip, or one picture for all of
it.
"""

import bisect
import contextlib
import itertools
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from impasto.errors import ImageError, VideoError
from impasto.jobs.job import RegionFiles
from impasto.machine import checkpoint
from impasto.machine.files import at_home
from impasto.masks import reading, regions
from impasto.pictures import codecs, edges
from impasto.pictures.kinds import SUFFIXES
from impasto.pictures.picture import Picture
from impasto.video import framing
from impasto.video.clip import Clip
from impasto.video.colour import Floats
from impasto.video.folder import Folder
from impasto.video.geometry import Size
from impasto.video.source import Facts

_FAINT = 0.25
"""A mask that is nowhere whiter is not meant so; one that is hardly above black may show nothing yet."""
_BLACK = 0.05
_SHAPE = 0.02
"""How much wider or narrower a mask may be than its clip."""


class Masks:
    """The masks of the regions of a clip."""

    def __init__(
        self, given: Sequence[RegionFiles], clip: Facts, size: Size, feather: float, *, allow_truncated: bool
    ) -> None:
        """``size`` is that of the film; ``feather`` the deviation of a blur over the long side. Raises
        VideoError and ImageError for masks that cannot be read or do not go with the clip, and SettingsError.
        """
        self._own, self._size, self._feather = clip.size, size, feather
        self._masks = [_opened(each.mask, clip, allow_truncated) for each in given]
        still = [each for each, mask in zip(given, self._masks, strict=True) if isinstance(mask, _Still)]
        regions.refuse_swapped([regions.Region(each.mask, each.style) for each in still])

    def frames(self, first: int) -> Iterator[tuple[Floats, ...]]:
        """For every frame of the clip from that number on, every region's share of its pixels, (H, W). Where
        masks overlap by more than all, they share.
        """
        with contextlib.ExitStack() as closing:
            following = [closing.enter_context(contextlib.closing(each.planes(first))) for each in self._masks]
            for planes in zip(*following, strict=False):
                fitted = [framing.fitted(framing.scaled(each, self._own), self._size) for each in planes]
                weights = [torch.from_numpy(np.ascontiguousarray(each))[None, None] for each in fitted]
                shares, _ = regions.parted([edges.blurred(each, self._feather) for each in weights])
                yield tuple(each[0, 0].numpy() for each in shares)

    def known_by(self) -> list[Any]:
        """By what they are known again."""
        return [each.known_by() for each in self._masks]


class _Still:
    """One picture for the whole clip."""

    def __init__(self, path: str, clip: Facts) -> None:
        mask = reading.mask(path, f"mask {path}")
        alpha = None if mask.alpha is None else mask.alpha[0, 0].numpy()
        self._plane = _white(mask.pixels[0].permute(1, 2, 0).numpy(), alpha)
        _check_shape(path, mask.size, clip)

    def planes(self, first: int) -> Generator[Floats, None, None]:
        yield from itertools.repeat(self._plane)

    def known_by(self) -> Any:
        return checkpoint.digest([torch.from_numpy(self._plane)])


class _Moving:
    """A film or a folder of pictures: as many as the clip has frames, one after the other; or else what is
    shown at the time that is nearest.
    """

    def __init__(self, path: str, clip: Facts, allow_truncated: bool) -> None:
        there, self._path = at_home(path), path
        kind = Folder if there.is_dir() else Clip
        self._source = kind(there, allow_truncated=allow_truncated)
        own, count = self._source.facts, len(clip.times)
        _check_shape(path, own.size, clip)
        if len(own.times) == count:
            self._numbers = [*range(count)]
        elif isinstance(self._source, Folder):
            raise VideoError(
                f"The mask {path} has {len(own.times)} pictures and the clip {count} frames: give one for each."
            )
        else:
            near = max(*own.durations, *clip.durations)
            if max(abs(own.times[0] - clip.times[0]), abs(own.end - clip.end)) > near:
                raise VideoError(
                    f"The mask {path} lasts from {float(own.times[0]):.2f} to {float(own.end):.2f} s and the clip from "
                    f"{float(clip.times[0]):.2f} to {float(clip.end):.2f} s: give one of all of it."
                )
            between = [(before + after) / 2 for before, after in itertools.pairwise(own.times)]
            self._numbers = [bisect.bisect_left(between, time) for time in clip.times]
        opening = next(iter(self._source.frames()))
        brightest = float(_white(opening.pixels, opening.alpha).max())
        if _BLACK < brightest < _FAINT:
            raise ImageError(
                f"The mask {path} is nowhere whiter than {100 * brightest:.0f} % in its first frame: give one in which what "
                "belongs to the region is white, and all else black."
            )

    def planes(self, first: int) -> Generator[Floats, None, None]:
        shown, plane = -1, None
        frames: Any = self._source.frames(self._numbers[first])
        with contextlib.closing(frames):
            for number in self._numbers[first:]:
                while shown < number and (frame := next(frames, None)):
                    shown, plane = frame.number, _white(frame.pixels, frame.alpha)
                if plane is None:
                    raise VideoError(f"The mask {self._path} cannot be decoded after its frame {number}: get it anew.")
                yield plane

    def known_by(self) -> Any:
        return self._source.known_by()


def style_of(region: RegionFiles) -> str | Picture:
    """The painting of a region, or what of it counts. Raises ImageError."""
    return region.style if region.style_mask is None else regions.masked(codecs.load(region.style), region.style_mask)


def _opened(path: str, clip: Facts, allow_truncated: bool) -> _Still | _Moving:
    if at_home(path).suffix.lower() in {*SUFFIXES} - {".gif"}:
        return _Still(path, clip)
    return _Moving(path, clip, allow_truncated)


def _white(pixels: Floats, alpha: Floats | None) -> Floats:
    white = edges.luminance(torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None])[0, 0].numpy()
    plane: Floats = white if alpha is None else white * alpha
    return plane


def _check_shape(path: str, own: Size, clip: Facts) -> None:
    """Raises ImageError."""
    (height, width), (tall, wide) = own, clip.size
    if abs(width * tall / (height * wide) - 1) > _SHAPE:
        raise ImageError(
            f"The mask {path} is {width}×{height} pixels and the clip {wide}×{tall}: it must have the clip's shape."
        )
