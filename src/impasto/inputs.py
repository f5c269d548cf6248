"""What a task is given: a content, styles with weights, and a size."""

import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from impasto import codes, images
from impasto.codes import StyleCode
from impasto.errors import ImageError, SettingsError
from impasto.images import Picture, PictureLike, Size
from impasto.large import load_own
from impasto.settings import Settings

log = logging.getLogger("impasto")

StyleEntry: TypeAlias = PictureLike | StyleCode
StyleLike: TypeAlias = StyleEntry | tuple[StyleEntry, float] | Sequence[StyleEntry | tuple[StyleEntry, float]]

MIN_SIDE = 16
"""Pictures with a side shorter than this hold neither a content nor a style: nothing of them reaches relu5_1."""

AUTO_SIZE = {"iterative": 512, "refine": 512, "fast": 1024}
"""The long side that ``--size auto`` stands for: what takes some seconds on an ordinary machine."""


def usable(source: PictureLike, role: str) -> Picture:
    """The picture, or an ImageError if it is too small to be one."""
    picture = images.load(source)
    check_side(picture.size, role)
    return picture


def check_side(size: Size, role: str) -> None:
    """Raises ImageError for a picture that is too small."""
    if min(size) < MIN_SIDE:
        raise ImageError(
            f"The {role} picture is {size[1]}×{size[0]} pixels: it needs at least {MIN_SIDE} on each side."
        )


def wanted_size(setting: int | str | tuple[int, int], method: str, own: Size) -> int | Size:
    """A long side or (height, width) from the setting ``size``, which names (width, height) as people do."""
    if setting == "native":
        return max(own)
    if isinstance(setting, tuple):
        return setting[1], setting[0]
    return AUTO_SIZE[method] if isinstance(setting, str) else setting


@dataclass(frozen=True)
class Style:
    """A style picture, its share of the style, and its long side over the content's."""

    picture: Picture
    share: float = 1.0
    scale: float = 1.0

    def at(self, length: int) -> Picture:
        """The picture for a content of a long side."""
        return at_length(self.picture, round(length * self.scale))


def style_pictures(source: StyleLike, length: int, scales: Iterator[float]) -> list[Style]:
    """The style pictures for a content of a long side, no larger than they will be looked at, with shares that sum to one.

    A scale is taken of ``scales`` for each.
    """
    styles = []
    for entry, share in weighted(source):
        if isinstance(entry, StyleCode) or _is_code(entry):
            raise SettingsError("A style code or --style-index is for a network, not the optimiser: use --method fast.")
        picture = usable(entry, "style")
        scale = next(scales)
        wanted = round(length * scale)
        if max(picture.size) < wanted / 2:
            log.warning(
                "A style picture of %d pixels is enlarged to %d: its strokes will be soft; a --style-scale below %.2g keeps them sharp.",
                max(picture.size),
                wanted,
                2 * scale * max(picture.size) / wanted,
            )
        styles.append(Style(at_length(picture, min(wanted, max(picture.size))), share, scale))
    return styles


def style_code(source: StyleLike) -> StyleCode:
    """The style code of paintings, codes or files of codes, mixed by their weights. Raises ImageError and SettingsError."""
    return codes.mixed([(_code(entry), share) for entry, share in weighted(source)])


def at_length(style: Picture, length: int) -> Picture:
    """A style picture at a long side; more where a scroll or a strip would lose its short side before the deepest layer."""
    return style.fitted(max(length, math.ceil(MIN_SIDE * max(style.size) / min(style.size))))


def scales_of(settings: Settings, count: int) -> Iterator[float]:
    """The scale of each of ``count`` style pictures: the one there is, or theirs. Raises SettingsError for another number."""
    scales = settings.style_scale
    if len(scales) not in (1, count):
        raise SettingsError(
            f"--style-scale has {len(scales)} numbers for {count} style pictures: give one, or one for each, those of STYLE first."
        )
    return iter(scales * count if len(scales) == 1 else scales)


def _code(entry: StyleEntry) -> StyleCode:
    if isinstance(entry, StyleCode):
        return entry
    if _is_code(entry):
        return StyleCode.load(Path(entry))
    painting = load_own(entry, max)
    check_side(painting.size, "style")
    return codes.predicted(painting)


def _is_code(entry: Any) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(entry, (str, os.PathLike)) and str(entry).endswith(".safetensors")


def weighted(source: Any) -> list[tuple[Any, float]]:
    """The entries of a `StyleLike`, with weights that sum to one."""
    weighted = isinstance(source, tuple) and len(source) == 2 and isinstance(source[1], (int, float))
    listed = source if isinstance(source, (list, tuple)) and not weighted else [source]
    pairs = [entry if isinstance(entry, tuple) else (entry, 1.0) for entry in listed]
    shares = codes.normalised([share for _, share in pairs])
    return [(entry, share) for (entry, _), share in zip(pairs, shares, strict=True)]
