"""Pictures in and out: with `opened` and what it opens, the only place that knows formats and colour spaces.

Inside Impasto a picture is float32 sRGB in [0, 1], (1, 3, H, W), with its alpha beside it. `reading` makes it
so, and `writing` tags and writes it.
"""

from impasto.pictures.origin import NOWHERE, Origin, origin_of
from impasto.pictures.reading import (
    PictureLike,
    decoded,
    load,
    of_array,
    read_description,
    size_of,
    truncation,
    truncation_allowed,
)
from impasto.pictures.writing import FORMATS, Format, Saveable, check_format, encoded, save, so_far

__all__ = [
    "FORMATS",
    "NOWHERE",
    "Format",
    "Origin",
    "PictureLike",
    "Saveable",
    "check_format",
    "decoded",
    "encoded",
    "load",
    "of_array",
    "origin_of",
    "read_description",
    "save",
    "size_of",
    "so_far",
    "truncation",
    "truncation_allowed",
]
