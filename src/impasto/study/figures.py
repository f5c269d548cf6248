"""The figures of a report, by matplotlib: loss curves, total variation, style against content."""

import functools
import io
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, ParamSpec

from impasto.extras import needed
from impasto.pictures.fonts import readable
from impasto.study.forms import number
from impasto.study.outcome import Curves

with needed("study"):
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

P = ParamSpec("P")

_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "impasto",  # the same figure is the same bytes
}


_Line = Literal["-", "--", "-.", ":"]
_LINES: tuple[_Line, ...] = ("-", "--", "-.", ":")
"""By turns, so that curves can be told apart also where one lies on another, or without colours."""
_LEGEND_COLUMNS = 4
_LONGEST_NAME = 30
_LEAST = 1e-4
"""What a distance of nothing is drawn as, where only one of something has a place."""
_FONTS = 4
"""At most so many for the letters of all names together."""


@dataclass(frozen=True)
class Point:
    """One variant's distances from both pictures."""

    name: str
    content: float
    style: float


def colour_of(index: int) -> str:
    """The colour of a variant, the same in every figure."""
    palette = matplotlib.colormaps["tab10" if index < 10 else "tab20b"]
    return matplotlib.colors.to_hex(palette(index % palette.N))


def _drawn(make: Callable[P, Figure]) -> Callable[P, dict[str, bytes]]:
    """Make the figure in the house's look and give it in all its forms: ``svg``, ``png`` and ``pdf``."""

    @functools.wraps(make)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> dict[str, bytes]:
        # Whatever names there are in what is to be drawn: a font for each letter, besides the usual one.
        families = [each.name for each in readable(repr((arguments, named)), _FONTS)[1]]
        with matplotlib.rc_context(_STYLE | {"font.family": [*matplotlib.rcParams["font.family"], *families]}):
            figure = make(*arguments, **named)
            forms = {}
            for form, undated in (("svg", "Date"), ("png", "Software"), ("pdf", "CreationDate")):
                file = io.BytesIO()
                figure.savefig(file, format=form, dpi=200, metadata={undated: None})
                forms[form] = file.getvalue()
        return forms

    return wrapped


@_drawn
def loss_curves(curves: Sequence[Curves], colours: Mapping[str, str]) -> Figure:
    """A row for every family of losses, a column for every term; logarithmic."""
    families = list(dict.fromkeys(each.family for each in curves))
    terms = list(dict.fromkeys(term for each in curves for term in each.losses))
    names = [each.name for each in curves]
    lines = dict(zip(dict.fromkeys(names), itertools.cycle(_LINES), strict=False))
    width = max(3.1 * len(terms), _entry(names))
    height = _legend_height(names, width) + 2.5 * len(families)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(len(families), len(terms), squeeze=False)
    for row, family in zip(grid, families, strict=True):
        members = [each for each in curves if each.family == family]
        for axes, term in zip(row, terms, strict=True):
            shown = [each for each in members if term in each.losses]
            if not shown:
                axes.set_axis_off()
                continue
            for each in shown:
                line = lines[each.name]
                positive = [value if value and value > 0 else float("nan") for value in each.losses[term]]
                axes.plot(each.iterations, positive, color=colours[each.name], linestyle=line, linewidth=1.2)
            axes.set_yscale("log")
            axes.set_title(term)
            axes.set_xlabel("iteration")
        row[0].set_ylabel(members[0].label)
    _legend(figure, {name: (colours[name], line) for name, line in lines.items()})
    return figure


@_drawn
def variation(values: Mapping[str, float], colours: Mapping[str, str]) -> Figure:
    """Total variation per pixel as bars; what has no colour of its own is grey."""
    figure = Figure(figsize=(7.5, 0.9 + 0.3 * len(values)), layout="constrained")
    axes: Axes = figure.subplots()
    names = list(values)[::-1]
    lengths = [values[name] for name in names]
    bars = axes.barh(range(len(names)), lengths, color=[colours.get(name, "0.6") for name in names])
    axes.set_yticks(range(len(names)), map(plain, names))
    axes.bar_label(bars, labels=[number(length) for length in lengths], padding=3)
    axes.set_xlabel("total variation per pixel (mean of |∂x| + |∂y|)")
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    return figure


@_drawn
def pareto(points: Sequence[Point], colours: Mapping[str, str], distance: str) -> Figure:
    """A distance from the style against that from the content, both better when smaller, with the front of
    those that none surpasses in both.

    Both are logarithmic, or all variants would lie in a corner, far from the untouched photograph; that has
    no distance from itself, and stands at the left edge.
    """
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes: Axes = figure.subplots()
    some = [each.content for each in points if each.content > 0] or [1.0]
    left = min(some) / 1.5
    points = [replace(each, content=max(each.content, left), style=max(each.style, _LEAST)) for each in points]
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlim(left / 1.1, max(some) * 1.1 * (max(some) / left) ** 0.4)  # with room for names
    front = sorted(
        (each for each in points if not any(_surpasses(other, each) for other in points)),
        key=lambda each: (each.content, -each.style),
    )
    axes.step(
        [each.content for each in front],
        [each.style for each in front],
        where="post",
        color="0.7",
        linewidth=1,
        zorder=1,
    )
    for each in points:
        axes.scatter(each.content, each.style, s=50, color=colours.get(each.name, "0.6"), zorder=2)
    axes.margins(y=0.15)
    axes.autoscale_view(scalex=False)
    _name(axes, points)
    axes.set_xlabel("content distance (less keeps more of the photograph)")
    axes.set_ylabel(f"{distance} (layers that nobody optimised)")
    return figure


def _name(axes: Axes, points: Sequence[Point]) -> None:
    """Write the names beside their points; where they would lie on one another, higher, by a line."""
    inch = axes.figure.dpi
    line, letter = 12 / 72 * inch, 5 / 72 * inch
    taken: list[tuple[float, float, float]] = []  # left, right and height of names, in pixels
    for each in sorted(points, key=lambda point: point.style):
        name = short(each.name)
        left, at = axes.transData.transform((each.content, each.style))
        right, high = left + letter * len(name) + line, at
        while any(abs(high - y) < line and left < far and near < right for near, far, y in taken):
            high += line / 4
        taken.append((left, right, high))
        axes.annotate(
            plain(name),
            (each.content, each.style),
            (9, (high - at) * 72 / inch),
            textcoords="offset points",
            va="center",
            fontsize=8,
            bbox={"boxstyle": "square,pad=0.1", "color": "white"},  # the line of the front goes behind names
            arrowprops={"arrowstyle": "-", "color": "0.7", "linewidth": 0.5} if high > at else None,
        )


def short(name: str) -> str:
    """A name of `_LONGEST_NAME` letters at most: the names of settings are cut first, for their values
    are what differs, and then the middle.

    >>> short("style_weight=0.003, tv_weight=0.5"), short("init=" + "a" * 30 + "b" * 30)
    ('style_…=0.003, tv_wei…=0.5', 'i…=aaaaaaaaaaaa…bbbbbbbbbbbbbb')
    """
    for kept in (6, 3, 1):
        if len(name) > _LONGEST_NAME:
            name = re.sub(rf"\b(\w{{{kept}}})\w+…?=", r"\1…=", name)
    half = _LONGEST_NAME // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[:half]}…{name[half + 1 - _LONGEST_NAME :]}"


def plain(name: str) -> str:
    """A name as matplotlib is to write it: in letters that there are, and without mathematics between
    dollars.
    """
    return readable(name, _FONTS)[0].replace("$", r"\$")


def _entry(names: Iterable[str]) -> float:
    """How wide an entry of the legend is with the longest of these names, in inches."""
    return 0.8 + 0.078 * max(map(len, names))


def _legend_columns(names: Iterable[str], width: float) -> int:
    """How many names of the longest there find place side by side in so many inches."""
    return max(1, min(_LEGEND_COLUMNS, int(width / _entry(names))))


def _legend_height(names: Sequence[str], width: float) -> float:
    """In inches."""
    return 0.4 + 0.2 * math.ceil(len(names) / _legend_columns(names, width))


def _legend(figure: Figure, entries: Mapping[str, tuple[str, _Line]]) -> None:
    handles = [matplotlib.lines.Line2D([], [], color=colour, linestyle=line) for colour, line in entries.values()]
    figure.legend(
        handles, map(plain, entries), loc="outside lower left", ncols=_legend_columns(entries, figure.get_figwidth())
    )


def _surpasses(one: Point, other: Point) -> bool:
    return (
        one.content <= other.content
        and one.style <= other.style
        and (one.content, one.style) != (other.content, other.style)
    )
