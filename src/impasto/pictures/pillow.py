"""Pillow, asked for a format that is known, and without its own limit on pixels."""

import threading
from typing import BinaryIO

from PIL import Image

BY_PILLOW = ("WEBP", "GIF", "BMP", "PPM", "JPEG2000", "TGA", "ICO")
"""The formats that Pillow alone knows, by its names. None of them is handed on to another program, as
PostScript would be.
"""

_lock = threading.Lock()


def by_pillow(file: BinaryIO, kind: str) -> Image.Image:
    """Opened by Pillow, not yet decoded, without its own limit on pixels: that is lower than ours, global,
    and comes before the size is known.
    """
    with _lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=(kind,) if kind else BY_PILLOW)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
