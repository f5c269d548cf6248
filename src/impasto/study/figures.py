"""The figures of a report, by matplotlib: loss curves, total variation, style against content."""

import functools
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from impasto.pictures.fonts import readable

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


_LEGEND_COLUMNS = 4
_FONTS = 4
"""At most so many for the letters of all names together."""


@dataclass(frozen=True)
class Curves:
    """One variant's losses by term. Only losses of one ``family`` can be compared; ``label`` says which
    losses they are.
    """

    name: str
    family: str
    label: str
    iterations: Sequence[int]
    losses: Mapping[str, Sequence[float]]


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
    """Make the figure in the house's look and give it in all its forms: ``svg`` and ``png``."""

    @functools.wraps(make)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> dict[str, bytes]:
        # Whatever names there are in what is to be drawn: a font for each letter, besides the usual one.
        families = [each.name for each in readable(repr((arguments, named)), _FONTS)[1]]
        with matplotlib.rc_context(_STYLE | {"font.family": [*matplotlib.rcParams["font.family"], *families]}):
            figure = make(*arguments, **named)
            forms = {}
            for form, undated in (("svg", "Date"), ("png", "Software")):
                file = io.BytesIO()
                figure.savefig(file, format=form, dpi=200, metadata={undated: None})
                forms[form] = file.getvalue()
        return forms

    return wrapped


@_drawn
def loss_curves(curves: Sequence[Curves], colours: Mapping[str, str]) -> Figure:
    """A row for every family of losses, a column for every term; logarithmic."""
    families = list(dict.fromkeys(each.family for each in curves))
    legend = _legend_height(len(curves))
    terms = list(dict.fromkeys(term for each in curves for term in each.losses))
    figure = Figure(figsize=(3.1 * len(terms), legend + 2.5 * len(families)), layout="constrained")
    grid = figure.subplots(len(families), len(terms), squeeze=False)
    for row, family in zip(grid, families, strict=True):
        members = [each for each in curves if each.family == family]
        for axes, term in zip(row, terms, strict=True):
            shown = [each for each in members if term in each.losses]
            if not shown:
                axes.set_axis_off()
                continue
            for each in shown:
                positive = [value if value > 0 else float("nan") for value in each.losses[term]]
                axes.plot(each.iterations, positive, color=colours[each.name], linewidth=1.2)
            axes.set_yscale("log")
            axes.set_title(term)
            axes.set_xlabel("iteration")
        row[0].set_ylabel(members[0].label)
    _legend(figure, {each.name: colours[each.name] for each in curves})
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
    axes.bar_label(bars, fmt="%.4f", padding=3)
    axes.set_xlabel("total variation per pixel (mean absolute difference of neighbours)")
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    return figure


@_drawn
def pareto(points: Sequence[Point], colours: Mapping[str, str], distance: str) -> Figure:
    """A distance from the style against that from the content, both better when smaller, with the front of
    those that none surpasses in both.
    """
    figure = Figure(figsize=(7.5, 3.9 + _legend_height(len(points))), layout="constrained")
    axes: Axes = figure.subplots()
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
    for number, each in enumerate(points, 1):
        axes.scatter(each.content, each.style, s=130, color=colours.get(each.name, "0.6"), zorder=2)
        axes.annotate(str(number), (each.content, each.style), ha="center", va="center", color="white", fontsize=8)
    axes.set_xlabel("content distance (less keeps more of the photograph)")
    axes.set_ylabel(f"{distance} (layers that nobody optimised)")
    numbered = {f"{number}  {each.name}": colours.get(each.name, "0.6") for number, each in enumerate(points, 1)}
    _legend(figure, numbered)
    return figure


def plain(name: str) -> str:
    """A name as matplotlib is to write it: in letters that there are, and without mathematics between
    dollars.
    """
    return readable(name, _FONTS)[0].replace("$", r"\$")


def _legend_height(entries: int) -> float:
    """In inches."""
    return 0.4 + 0.2 * math.ceil(entries / _LEGEND_COLUMNS)


def _legend(figure: Figure, entries: Mapping[str, str]) -> None:
    handles = [matplotlib.lines.Line2D([], [], color=colour, marker="o", linestyle="") for colour in entries.values()]
    figure.legend(handles, map(plain, entries), loc="outside lower left", ncols=_LEGEND_COLUMNS)


def _surpasses(one: Point, other: Point) -> bool:
    return (
        one.content <= other.content
        and one.style <= other.style
        and (one.content, one.style) != (other.content, other.style)
    )
