"""The report of a study: one HTML file that needs nothing else, with its tables as CSV and JSON and its
figures beside it.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from impasto._version import __version__
from impasto.jobs.deliver import snapshot_file
from impasto.judge.gallery import edge_row
from impasto.judge.scores import score
from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture
from impasto.settings.fields import Settings
from impasto.study import figures, forms
from impasto.study.cell import JUDGED, RESULT
from impasto.study.figures import Curves, Point
from impasto.study.variants import Variant
from impasto.tasks import record

_EDGES = 512
PHOTO = "the photograph"
SUMMARY = "study.json"

COLUMNS = {
    "style": ("style", "mean"),
    "held-out style": ("style", "held_out"),
    "embedding": ("style", "embedding"),
    "strokes": ("style", "strokes"),
    "coverage": ("style", "coverage"),
    "content": ("content", "mean"),
    "edges": ("content", "edges"),
    "TV": ("surface", "tv"),
    "roughness": ("surface", "roughness"),
    "clipped": ("surface", "clipped"),
}
"""The scores in the table, by their place in what `scores.score` gives."""


@dataclass(frozen=True)
class Cell:
    """A variant with what became of it: ``outcome`` is what its process left, None when it failed with
    ``error``.
    """

    variant: Variant
    folder: Path
    outcome: dict[str, Any] | None
    error: str = ""

    @property
    def name(self) -> str:
        return self.variant.name

    @property
    def record(self) -> dict[str, Any]:
        return self.outcome["record"] if self.outcome else {}

    @property
    def snapshots(self) -> list[int]:
        """The iterations whose pictures are there."""
        return [each for each in self.variant.snapshots if snapshot_file(self.folder / RESULT, each).exists()]

    @property
    def has_curves(self) -> bool:
        return self.outcome is not None and bool(self.outcome["curve"])

    def curves(self) -> Curves:
        """The losses at every iteration, where there were iterations."""
        assert self.outcome
        settings, losses = self.variant.resolved(), dict(self.outcome["curve"])
        iterations = losses.pop("iteration")
        compared = ("style_loss", "normalization", "style_layers", "content_layers", "tv_norm", "pooling", "padding")
        family = repr([getattr(settings, name) for name in compared])
        return Curves(self.name, family, f"{settings.style_loss}, {settings.normalization}", iterations, losses)

    def style_left(self, iteration: int) -> float | None:
        """The style loss at an iteration over that of the start, where there is one."""
        curves = self.curves()
        losses = zip(curves.iterations, curves.losses.get("style", ()), strict=False)
        values = [loss for at, loss in losses if at <= iteration]
        return values[-1] / values[0] if values and values[0] > 0 else None

    def scores(self) -> dict[str, float]:
        """The columns of the table, by their names."""
        if self.outcome is None:
            return {}
        found = _columns(self.outcome["scores"])
        if self.variant.resolved().method == "fast":
            del found["embedding"]  # the network was given the code that this compares
        return found


@dataclass(frozen=True)
class Report:
    """What a report is made from: a pair of pictures, its cells, the base they differ from, and the preset
    they belong to.
    """

    content: Path
    style: Path
    cells: list[Cell]
    base: Settings
    preset: str | None
    pictures: dict[str, str]
    """The SHA-256 of both files."""

    def files(self) -> dict[str, bytes]:
        """Page, tables and figures by their names; the same study gives the same bytes."""
        drawings = self._drawings()
        page = self._page({name: forms["svg"] for name, forms in drawings.items()})
        return {
            "report.html": page.encode(),
            "scores.csv": forms.table(self._score_rows()),
            "losses.csv": forms.table(self._loss_rows()),
            **{f"figures/{name}.{form}": data for name, forms in drawings.items() for form, data in forms.items()},
            SUMMARY: record.encoded(self._summary()),
        }

    @property
    def done(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.outcome]

    @property
    def colours(self) -> dict[str, str]:
        """Of the variants, by name."""
        return {cell.name: figures.colour_of(index) for index, cell in enumerate(self.cells)}

    @functools.cached_property
    def photo(self) -> Picture:
        """The photograph at the size of the results."""
        photo = codecs.load(self.content, allow_truncated=True)  # or the study would not be there
        if not self.done:
            return photo
        made = self.done[0].record
        size = made["height"], made["width"]
        return forms.at_most(photo.fitted(size), JUDGED)

    @functools.cached_property
    def reference(self) -> dict[str, float]:
        """The scores of doing nothing."""
        return _columns(score(self.photo, self.style, self.photo))

    def _summary(self) -> dict[str, Any]:
        """All that is known of a study, without the curves, which are in losses.csv."""
        return {
            "impasto": "study",
            "complete": len(self.done) == len(self.cells),
            "version": __version__,
            "content": str(self.content),
            "style": str(self.style),
            "pictures": self.pictures,
            "base": self.base.dictionary(),
            "variants": [
                {
                    "name": cell.name,
                    "differences": cell.variant.differences(self.base),
                    "command": self._command(cell),
                    "error": cell.error,
                    "picture": f"runs/{cell.variant.folder}/{RESULT}" if cell.outcome else None,
                    "wall_s": cell.outcome["wall_s"] if cell.outcome else None,
                    "scores": cell.outcome["scores"] if cell.outcome else None,
                    "record": cell.record or None,
                }
                for cell in self.cells
            ],
        }

    def _command(self, cell: Cell) -> str:
        return cell.variant.command(str(self.content), str(self.style))

    def _drawings(self) -> dict[str, dict[str, bytes]]:
        found = {}
        if curves := [each.curves() for each in self.done if each.has_curves]:
            found["losses"] = figures.loss_curves(curves, self.colours)
        if self.done:
            rows = {PHOTO: self.reference, **{cell.name: cell.scores() for cell in self.done}}
            found["variation"] = figures.variation({name: row["TV"] for name, row in rows.items()}, self.colours)
            for figure, column in (("pareto", "held-out style"), ("strokes", "strokes")):
                points = [Point(name, row["content"], row[column]) for name, row in rows.items()]
                found[figure] = figures.pareto(points, self.colours, column)
        return found

    def _page(self, drawings: Mapping[str, bytes]) -> str:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("impasto.study", "pages"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(number=forms.number, change=forms.change)
        edges, planes = self._edges()
        return environment.get_template(f"{self.preset or 'study'}.html.j2").render(
            content=self.content,
            style=self.style,
            cells=self.cells,
            by_name={cell.name: cell for cell in self.done},
            numbers={cell.name: number for number, cell in enumerate(self.cells)},
            commands={cell.name: self._command(cell) for cell in self.cells},
            moments=sorted({each for cell in self.done for each in cell.snapshots}),
            base=self.base,
            colours=self.colours,
            columns=list(COLUMNS),
            reference=self.reference if self.done else {},
            photo=PHOTO,
            edges=edges,
            pictures=self._pictures() | planes,
            figures={name: forms.embedded("svg+xml", drawing) for name, drawing in drawings.items()},
            judged=JUDGED,
            machines=list(dict.fromkeys(_machine(cell.record) for cell in self.done)),
            version=__version__,
        )

    def _pictures(self) -> dict[str, str]:
        """What the page shows, by the names it has there."""
        files = {"style": self.style}
        for number, cell in enumerate(self.cells):
            if cell.outcome:
                files[f"{number}-final"] = cell.folder / RESULT
                files |= {f"{number}-{each}": snapshot_file(cell.folder / RESULT, each) for each in cell.snapshots}
        return {"content": forms.shown(self.photo)} | {
            name: forms.shown(codecs.load(path, allow_truncated=True)) for name, path in files.items()
        }

    def _edges(self) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """The rows of the table of edges, and the pictures in it by their names."""
        rows: list[dict[str, Any]] = []
        pictures: dict[str, str] = {}
        sources: list[tuple[str, str, PictureLike]] = [("content", PHOTO, self.photo)]
        sources += [
            (f"{number}-final", cell.name, cell.folder / RESULT)
            for number, cell in enumerate(self.cells)
            if cell.outcome
        ]
        for key, name, source in sources:
            picture = codecs.load(source)
            (label, _), *planes = edge_row(name, forms.at_most(picture, _EDGES))
            named = [(what, f"{key}-edges-{index}") for index, (what, _) in enumerate(planes)]
            pictures |= {place: forms.webp(image) for (_, place), (_, image) in zip(named, planes, strict=True)}
            rows.append({"label": label, "whole": key, "planes": named})
        return rows, pictures

    def _score_rows(self) -> Iterator[list[Any]]:
        yield ["variant", "recipe", "differences", *COLUMNS, "seconds", "peak_bytes", "error"]
        if self.done:
            yield [PHOTO, "", "", *self.reference.values(), "", "", ""]
        for cell in self.cells:
            scores, differences = cell.scores(), cell.variant.differences(self.base)
            yield [
                cell.name,
                cell.variant.recipe,
                "; ".join(f"{name}={value}" for name, value in differences.items()),
                *(scores.get(name, "") for name in COLUMNS),
                cell.outcome["wall_s"] if cell.outcome else "",
                cell.record.get("peak_rss_bytes", ""),
                cell.error,
            ]

    def _loss_rows(self) -> Iterator[list[Any]]:
        yield ["variant", "iteration", "term", "value"]
        for curves in (cell.curves() for cell in self.done if cell.has_curves):
            for term, values in curves.losses.items():
                yield from ([curves.name, at, term, value] for at, value in zip(curves.iterations, values, strict=True))


def _columns(scores: Mapping[str, Any]) -> dict[str, float]:
    return {name: scores[group][key] for name, (group, key) in COLUMNS.items()}


def _machine(made: dict[str, Any]) -> str:
    named = " · ".join(f"{name} {value}" for name, value in made["machine"].items())
    return f"{named} · {made['device']}, {made['precision']}"
