"""What a task is given: a content, styles with weights, and a size."""

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from impasto import codes, images
from impasto.codes import StyleCode
from impasto.errors import ImageError, SettingsError
from impasto.images import Picture, PictureLike, Size
from impasto.large import load_own

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


def style_pictures(source: StyleLike, length: int) -> list[tuple[Picture, float]]:
    """The style pictures, no larger than a long side of ``length``, with weights that sum to one."""
    styles = []
    for entry, share in _shares(source):
        if isinstance(entry, StyleCode) or _is_code(entry):
            raise SettingsError("A style code or --style-index is for a network, not the optimiser: use --method fast.")
        picture = usable(entry, "style")
        if max(picture.size) < length / 2:
            log.warning(
                "A style picture of %d pixels is enlarged to %d: its strokes will be soft.", max(picture.size), length
            )
        styles.append((at_length(picture, min(length, max(picture.size))), share))
    return styles


def style_code(source: StyleLike) -> StyleCode:
    """The style code of paintings, codes or files of codes, mixed by their weights. Raises ImageError and SettingsError."""
    return codes.mixed([(_code(entry), share) for entry, share in _shares(source)])


def at_length(style: Picture, length: int) -> Picture:
    """A style picture at a long side; more where a scroll or a strip would lose its short side before the deepest layer."""
    return style.fitted(max(length, math.ceil(MIN_SIDE * max(style.size) / min(style.size))))


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


def _shares(source: Any) -> list[tuple[Any, float]]:
    """The entries of a `StyleLike`, with weights that sum to one."""
    weighted = isinstance(source, tuple) and len(source) == 2 and isinstance(source[1], (int, float))
    listed = source if isinstance(source, (list, tuple)) and not weighted else [source]
    pairs = [entry if isinstance(entry, tuple) else (entry, 1.0) for entry in listed]
    shares = codes.normalised([share for _, share in pairs])
    return [(entry, share) for (entry, _), share in zip(pairs, shares, strict=True)]
