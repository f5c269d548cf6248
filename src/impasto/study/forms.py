"""How a report writes things down: pictures within the page, numbers and changes as text, tables as CSV."""

import base64
import csv
import io
import math
import re
from collections.abc import Iterable
from typing import Any

from PIL import Image

from impasto.pictures.picture import Picture

_SHOWN = 1024
"""The longest side of a picture in the page; the files beside it have all their pixels."""


def at_most(picture: Picture, length: int) -> Picture:
    """The picture at a long side of ``length``, if it is longer."""
    return picture.fitted(min(length, max(picture.size)))


def shown(picture: Picture) -> str:
    """A picture as the page shows it."""
    return webp(at_most(picture, _SHOWN).image())


def webp(image: Image.Image) -> str:
    """An image as an address that holds it whole."""
    file = io.BytesIO()
    image.save(file, "WEBP", quality=90)
    return embedded("webp", file.getvalue())


def embedded(form: str, data: bytes) -> str:
    """An image's file as such an address; ``form`` is what its media type calls it."""
    return f"data:image/{form};base64,{base64.b64encode(data).decode()}"


def number(value: float) -> str:
    """Three significant digits."""
    if not math.isfinite(value):
        return str(value)
    digits = 2 - math.floor(math.log10(abs(value))) if value else 2
    return f"{value:.{min(max(digits, 0), 5)}f}"


def readable(text: str) -> str:
    """A setting's value for people: powers of ten, and fractions over a million, as they are said.

    >>> readable("5.89824e+08"), readable("1769472.0"), readable("1e-08"), readable("1769472")
    ('5.9e8', '1.8e6', '1e-8', '1769472')
    """

    def short(found: re.Match[str]) -> str:
        digits, _, power = f"{float(found[0]):.1e}".partition("e")
        return f"{float(digits):g}e{int(power)}"

    return re.sub(r"(?<![\w.])([0-9.]+e[+-][0-9]+|[0-9]{7,}\.[0-9]+)(?![\w.])", short, text)


def change(pair: tuple[float, float]) -> str:
    """``(0.5, 0.3)`` -> "falls from 0.500 to 0.300"."""
    before, after = map(number, pair)
    verb = "stays at" if before == after else "rises from" if pair[1] > pair[0] else "falls from"
    return f"{verb} {before}" if before == after else f"{verb} {before} to {after}"


def table(rows: Iterable[list[Any]]) -> bytes:
    """Rows as CSV."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return encoded(file.getvalue())


def encoded(text: str) -> bytes:
    """Text as the content of a file; parts of names that are no text are written as \\udcff."""
    return text.encode(errors="backslashreplace")
