"""Letters that can be read: in a font that has them, or else as what they are called in source code. Never as
boxes.
"""

import functools
import logging
import string
from typing import TYPE_CHECKING

from impasto.errors import NotInstalledError
from impasto.extras import needed

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

log = logging.getLogger("impasto")


def readable(text: str, most: int) -> tuple[str, list["FontEntry"]]:
    r"""The text as it can be drawn, and at most so many installed fonts that have its letters together.

    What no font has is escaped, as are line breaks and all that is not printable; without matplotlib, which
    finds the fonts, all but ASCII is.

    >>> readable("a\n", 1)[0]
    'a\\n'
    """
    left = {letter for letter in text if letter.isprintable() and letter != " "}
    shown = {" "}
    picked: list[FontEntry] = []
    while left and len(picked) < most and (fonts := _installed()):
        best = max(fonts, key=lambda font: len(left & _letters(font.fname)))
        if not left & _letters(best.fname):
            break
        picked.append(best)
        shown |= left & _letters(best.fname)
        left -= shown
    if not picked:  # Pillow's own has these
        shown |= set(string.printable.strip())
    return "".join(letter if letter in shown else _escaped(letter) for letter in text), picked


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


@functools.cache
def _installed() -> list["FontEntry"]:
    """All upright fonts of a usual weight, that of matplotlib first: it comes with it. None without it, which
    is told once.
    """
    try:
        with needed("study", "Lettering in other scripts"):
            from matplotlib import font_manager  # which sheets with plain names do without
    except NotInstalledError as error:
        log.warning("%s", error)
        return []

    own = font_manager.findfont("DejaVu Sans")
    found = [each for each in font_manager.fontManager.ttflist if each.style == "normal"]
    usual = [each for each in found if str(each.weight) in ("400", "500", "normal", "regular", "book")]
    return sorted(usual, key=lambda each: each.fname != own)


@functools.cache
def _letters(path: str) -> frozenset[str]:
    """What a font can draw at any size; nothing where it is no more, or made of pixels."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
        font.set_size(12, 72)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, font.get_charmap()))
