"""Names in any script on sheets and figures: never boxes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from PIL import Image

from impasto.pictures import fonts
from impasto.pictures.fonts import readable
from impasto.pictures.sheet import contact_sheet
from impasto.study import figures
from impasto.study.outcome import Curves

NAMES = ["照片", "café", "Ω → ж", "😀", "a\nb", "한글", "\udcff", "ab\u200dc", "$x_1$ & <b>"]


@pytest.fixture
def seals(tmp_path: Path) -> Iterator[Path]:
    """An installed font with two letters, 照 and 片, both of them full squares."""
    made = FontBuilder(1000, isTTF=True)
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(point)
    pen.closePath()
    square, names = pen.glyph(), [".notdef", "one", "two"]
    made.setupGlyphOrder(names)
    made.setupCharacterMap({ord("照"): "one", ord("片"): "two"})
    made.setupGlyf(dict.fromkeys(names, square))
    made.setupHorizontalMetrics(dict.fromkeys(names, (800, 0)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "Seals", "styleName": "Regular"})
    made.setupOS2(sTypoAscender=800, usWeightClass=400)
    made.setupPost()
    made.save(tmp_path / "seals.ttf")
    known = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "seals.ttf")
    forget = fonts._installed.cache_clear  # whatever a test puts in its place
    forget()
    yield tmp_path / "seals.ttf"
    font_manager.fontManager.ttflist = known
    forget()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed but what comes with matplotlib, and one font that is no more."""
    own = [each for each in font_manager.fontManager.ttflist if each.fname == font_manager.findfont("DejaVu Sans")]
    gone = font_manager.FontEntry("/gone.ttf", name="Gone", style="normal", weight=400)
    monkeypatch.setattr(fonts, "_installed", lambda: [gone, *own])


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("café Ω → ж", "café Ω → ж"),
        ("照a", "\\u7167a"),
        ("𠀋", "\\U0002000b"),
        ("a\nb\t", "a\\nb\\t"),
        ("\udcff\x1b", "\\udcff\\x1b"),
        ("", ""),
    ],
)
def test_what_no_font_has_is_escaped(text: str, shown: str) -> None:
    assert readable(text, 1)[0] == shown


def test_a_font_that_has_the_letters_is_found(seals: Path) -> None:
    text, found = readable("照片 a", 4)
    assert text == "照片 a"  # of that font, or another that is installed here
    assert all(any(ord(letter) in FT2Font(each.fname).get_charmap() for each in found) for letter in "照片a")


def test_sheets_show_the_letters(seals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two squares of that font's are on the sheet, and no box of another."""
    entry = font_manager.FontEntry(str(seals), name="Seals", style="normal", weight=400)
    monkeypatch.setattr(fonts, "_installed", lambda: [entry])
    blank = Image.new("RGB", (40, 40), "white")
    label = np.asarray(contact_sheet([[("照片", blank)]], (64, 40)))[:24, :, 0]
    assert 2 * 10 * 10 < (label < 128).sum() < 2 * 13 * 13
    plain = np.asarray(contact_sheet([[("\\u7167", blank)]], (64, 40)))
    gone = font_manager.FontEntry("/gone.ttf", name="Gone", style="normal", weight=400)
    monkeypatch.setattr(fonts, "_installed", lambda: [gone])
    assert np.array_equal(np.asarray(contact_sheet([[("照", blank)]], (64, 40))), plain)


def test_any_name_can_be_on_a_sheet_and_in_a_figure() -> None:
    """Matplotlib warns of letters that it draws as boxes, and warnings are errors here."""
    contact_sheet([[(name, Image.new("RGB", (40, 40))) for name in NAMES]], (64, 40))
    curves = [Curves(name, "f", "moments", [0, 1], {"style": [2.0, 1.0]}) for name in NAMES]
    colours = dict.fromkeys(NAMES, "#123456")
    for drawn in (
        figures.loss_curves(curves, colours),
        figures.variation(dict.fromkeys(NAMES, 0.5), colours),
        figures.pareto([figures.Point(name, 0.5 + at, 0.5 + at) for at, name in enumerate(NAMES)], colours, "style"),
    ):
        assert drawn["svg"] and drawn["png"]
