"""The report of a study: one HTML file that needs nothing else, with its tables as CSV and JSON and its
figures beside it.
"""

import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto._version import __version__
from impasto.errors import briefly
from impasto.extras import needed
from impasto.jobs.deliver import snapshot_file
from impasto.judge.gallery import edge_row
from impasto.judge.scores import LONGEST, score
from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import Picture
from impasto.settings.fields import Settings
from impasto.study import figures, forms
from impasto.study.cell import RESULT
from impasto.study.figures import Point
from impasto.study.outcome import COLUMNS, SUMMARY, Cell, columns, machine
from impasto.tasks import record

with needed("study"):
    import jinja2

log = logging.getLogger("impasto")

_EDGES = 512
PHOTO = "the photograph"


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
        drawings, failed = self._drawings()
        page = self._page({name: made["svg"] for name, made in drawings.items()}, failed)
        return {
            "report.html": forms.encoded(page),
            "scores.csv": forms.table(self._score_rows()),
            "losses.csv": forms.table(self._loss_rows()),
            **{f"figures/{name}.{form}": data for name, made in drawings.items() for form, data in made.items()},
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
        return forms.at_most(photo.fitted(size), LONGEST)

    @functools.cached_property
    def reference(self) -> dict[str, float]:
        """The scores of doing nothing."""
        return columns(score(self.photo, codecs.load(self.style, allow_truncated=True), self.photo))

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

    def _drawings(self) -> tuple[dict[str, dict[str, bytes]], dict[str, str]]:
        """The figures, and of those that could not be drawn, why: hours of pictures are not lost to one."""
        wanted: dict[str, Callable[[], dict[str, bytes]]] = {}
        if curves := [each.curves() for each in self.done if each.has_curves]:
            wanted["losses"] = lambda: figures.loss_curves(curves, self.colours)
        if self.done:
            rows = {PHOTO: self.reference, **{cell.name: cell.scores() for cell in self.done}}
            wanted["variation"] = lambda: figures.variation(
                {name: row["TV"] for name, row in rows.items()}, self.colours
            )
            for figure, column in (("pareto", "held-out style"), ("strokes", "strokes")):
                points = [Point(name, row["content"], row[column]) for name, row in rows.items()]
                wanted[figure] = functools.partial(figures.pareto, points, self.colours, column)
        found, failed = {}, {}
        for name, draw in wanted.items():
            try:
                found[name] = draw()
            except Exception as error:  # whatever a library stumbles over
                failed[name] = f"{type(error).__name__}: {briefly(error)}"
                log.warning("The figure %r could not be drawn (%s); the report says so.", name, failed[name])
        return found, failed

    def _page(self, drawings: Mapping[str, bytes], failed: Mapping[str, str]) -> str:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("impasto.study", "pages"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(number=forms.number, change=forms.change, readable=forms.readable)
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
            failed=failed,
            judged=LONGEST,
            machines=list(dict.fromkeys(machine(cell.record) for cell in self.done)),
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
        if not self.done:
            return rows, pictures
        sources: list[tuple[str, str, PictureLike, float]] = [("content", PHOTO, self.photo, self.reference["TV"])]
        sources += [
            (f"{number}-final", cell.name, cell.folder / RESULT, cell.scores()["TV"])
            for number, cell in enumerate(self.cells)
            if cell.outcome
        ]
        for key, name, source, variation in sources:
            picture = codecs.load(source)
            _, *planes = edge_row(name, forms.at_most(picture, _EDGES))
            named = [(what, f"{key}-edges-{index}") for index, (what, _) in enumerate(planes)]
            pictures |= {place: forms.webp(image) for (_, place), (_, image) in zip(named, planes, strict=True)}
            label = f"{name}: total variation {forms.number(variation)}"
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
                rows = zip(curves.iterations, values, strict=True)
                yield from ([curves.name, at, term, value] for at, value in rows if value is not None)
