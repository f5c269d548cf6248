"""Contact sheets: labelled pictures in rows."""

import itertools
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from impasto.pictures.fonts import readable

Labelled = tuple[str, Image.Image]

_MARGIN, _TEXT = 8, 16


def contact_sheet(rows: Sequence[Sequence[Labelled]], cell: tuple[int, int] = (384, 256)) -> Image.Image:
    """Rows of (label, picture) on white, in columns: every picture fits a ``cell`` (width, height), its label
    above it. A column is as wide as its longest label, if that is wider.
    """
    height = cell[1] + _TEXT + 2 * _MARGIN
    lettered = [[_lettering(label) for label, _ in row] for row in rows]
    lefts = [_MARGIN]
    for column in itertools.zip_longest(*lettered):
        wide = max(math.ceil(font.getlength(text)) for text, font in filter(None, column))
        lefts.append(lefts[-1] + max(cell[0], wide) + _MARGIN)
    sheet = Image.new("RGB", (lefts[-1], len(rows) * height + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        for left, (_, image), (text, font) in zip(lefts, row, lettered[i], strict=False):
            top = i * height + _MARGIN
            fitted = ImageOps.contain(image, cell, Image.Resampling.LANCZOS)
            draw.text((left, top), text, fill="black", font=font)
            sheet.paste(fitted, (left, top + _TEXT + _MARGIN), fitted if fitted.mode == "RGBA" else None)
    return sheet


def _lettering(label: str) -> tuple[str, ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """A label as it can be drawn, and the font for it: Pillow's own has no letters but ASCII's for sure."""
    if label.isascii() and label.isprintable():
        return label, ImageFont.load_default(_TEXT)
    text, fonts = readable(label, 1)
    return text, ImageFont.truetype(fonts[0].fname, _TEXT) if fonts else ImageFont.load_default(_TEXT)
