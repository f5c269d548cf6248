"""How large a picture may be: what is asked before a decoder takes the memory for it."""

import psutil
import torch

from impasto.errors import OR_TRUNCATED, ImageError
from impasto.machine import memory
from impasto.pictures.picture import MAX_PIXELS, Size

_HELD = {"WEBP": 16, "AVIF": 16, "HEIC": 16, "JPEG2000": 20}
"""Bytes a pixel while a file of a format is decoded, measured; any other has no more than 8 of them."""


_MOST_MISSING = 0.95
"""Of a picture that is cut off so much may be missing: with less of it there is hardly anything to see."""


def check(size: Size, kind: str = "", held: int | None = None) -> None:
    """Whether a picture of a size can be decoded: in pixels, and in the memory that a run may take.

    ``held`` are the bytes a pixel that it takes, by default what its format does. Raises ImageError.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ImageError(f"it declares {width}×{height} pixels: there is nothing to see in it.")
    if height * width > MAX_PIXELS:
        raise ImageError(f"it declares {width}×{height} pixels, more than the {MAX_PIXELS // 10**6} million allowed.")
    needed = height * width * (held or _HELD.get(kind, 8))
    if needed > 2**28:  # to ask the machine is not free, and so much there always is
        free = memory.budget("auto", torch.device("cpu")) - int(psutil.Process().memory_info().rss)
        if needed > free:
            raise ImageError(
                f"it declares {width}×{height} pixels: to decode them takes {needed / 1e9:.1f} GB, and "
                f"{max(0, free) / 1e9:.1f} GB may be taken; make it smaller, or close other programs."
            )


def check_missing(share: float, allowed: bool) -> None:
    """Raises ImageError for a file that is cut off, of which a share is missing (0 if that is not known),
    unless it is ``allowed`` and worth it.
    """
    if share > _MOST_MISSING:
        raise ImageError(f"it is cut off, {share:.0%} of it are missing: get the whole file.")
    if not allowed:
        known = f", {share:.0%} of it are missing" if share else ""
        raise ImageError(f"it is cut off{known}: get the whole file{OR_TRUNCATED}.")
