"""The figures of a study: what is in them can be read, however much it is and however close it lies."""

import itertools
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from impasto.study import figures
from impasto.study.figures import Point
from impasto.study.outcome import Curves

NAMES = [
    "the photograph",
    "tutorial",
    "tutorial-strong-style",
    "tutorial-high-tv",
    "tuned",
    "fast",
    "x" * 80,
    "default",
]


def drawn(make: Any, *arguments: Any) -> Figure:
    """A figure, laid out, in place of its files."""
    figure: Figure = make.__wrapped__(*arguments)
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("apart", [0.0, 1e-3, 1.0])
def test_names_of_points_lie_apart_and_within(apart: float) -> None:
    points = [
        Point(name, number * 0.01 * apart + 0.02 * (number > 0), 0.2 + number * apart)
        for number, name in enumerate(NAMES)
    ]
    figure = drawn(figures.pareto, points, {}, "style")
    (axes,) = figure.axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    boxes = [Text.get_window_extent(text).shrunk(1, 0.8) for text in axes.texts]  # without their lines
    assert {text.get_text()[:9] for text in axes.texts} == {name[:9] for name in NAMES}
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
    left, right = axes.get_xlim()
    spread = [axes.transData.transform((point.content, 1))[0] for point in points if point.content]
    assert all(left <= point.content <= right for point in points if point.content)
    if apart == 1:
        assert max(spread) - min(spread) > figure.bbox.width / 4, "the variants take the room"


@pytest.mark.parametrize("swept", [2, 3])
def test_names_are_cut_where_they_are_alike(swept: int) -> None:
    names = ("style_weight", "tv_weight", "content_weight")[:swept]
    grid = [
        ", ".join(map("{}={}".format, names, values)) for values in itertools.product(("0.003", "0.01"), repeat=swept)
    ]
    told = {figures.short(name) for name in grid}
    assert len(told) == len(grid) and all(len(each) <= 30 for each in told)
    assert figures.short("tv_weight=5") == "tv_weight=5" and figures.short("a" * 20 + "b" * 20)[::29] == "ab"


@pytest.mark.parametrize("name", ["a", "x" * 40])
@pytest.mark.parametrize("terms", [1, 4])
def test_a_legend_is_never_cut(name: str, terms: int) -> None:
    losses = {f"term {number}": [1.0, 0.5] for number in range(terms)}
    curves = [Curves(f"{name}{number}", "a", "relative", [0, 1], losses) for number in range(9)]
    figure = drawn(figures.loss_curves, curves, dict.fromkeys((each.name for each in curves), "0.5"))
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1
    assert box.y1 <= min(axes.get_tightbbox().y0 for axes in figure.axes) + 1  # type: ignore[union-attr]
