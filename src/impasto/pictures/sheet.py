"""Contact sheets: labelled pictures in rows."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

Labelled = tuple[str, Image.Image]

_MARGIN, _TEXT = 8, 16


def contact_sheet(rows: Sequence[Sequence[Labelled]], cell: tuple[int, int] = (384, 256)) -> Image.Image:
    """Rows of (label, picture) on white, in columns: every picture fits a ``cell`` (width, height), its label
    above it.
    """
    font = ImageFont.load_default(_TEXT)
    width, height = cell[0] + _MARGIN, cell[1] + _TEXT + 2 * _MARGIN
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (columns * width + _MARGIN, len(rows) * height + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        for j, (label, image) in enumerate(row):
            left, top = j * width + _MARGIN, i * height + _MARGIN
            fitted = ImageOps.contain(image, cell, Image.Resampling.LANCZOS)
            draw.text((left, top), label, fill="black", font=font)
            sheet.paste(fitted, (left, top + _TEXT + _MARGIN), fitted if fitted.mode == "RGBA" else None)
    return sheet
