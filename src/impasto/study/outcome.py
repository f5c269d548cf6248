"""What became of a variant: what its process left, as the report tells of it."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import ImageError
from impasto.jobs.deliver import snapshot_file
from impasto.pictures import codecs
from impasto.study.cell import RESULT
from impasto.study.variants import Variant

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
class Curves:
    """One variant's losses by term, None where a term has not begun. Only losses of one ``family`` can be
    compared; ``label`` says which losses they are.
    """

    name: str
    family: str
    label: str
    iterations: Sequence[int]
    losses: Mapping[str, Sequence[float | None]]


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

    @functools.cached_property
    def snapshots(self) -> list[int]:
        """The iterations whose pictures are there."""
        return [each for each in self.variant.snapshots if not unreadable(snapshot_file(self.folder / RESULT, each))]

    @property
    def has_curves(self) -> bool:
        return self.outcome is not None and bool(self.outcome["curve"])

    def curves(self) -> Curves:
        """The losses at every iteration, where there were iterations."""
        assert self.outcome
        settings, losses = self.variant.resolved(), dict(self.outcome["curve"])
        iterations = losses.pop("iteration")
        compared = (
            "style_loss", "normalization", "style_layers", "content_layers", "places_layers", "structure", "palette", "tv_norm",
            "pooling", "padding",
        )  # fmt: skip
        family = repr([getattr(settings, name) for name in compared])
        return Curves(self.name, family, f"{settings.style_loss}, {settings.normalization}", iterations, losses)

    def style_left(self, iteration: int) -> float | None:
        """The style loss at an iteration over that of the start, where there is one."""
        curves = self.curves()
        losses = zip(curves.iterations, curves.losses.get("style", ()), strict=False)
        values = [loss for at, loss in losses if at <= iteration and loss is not None]
        return values[-1] / values[0] if values and values[0] > 0 else None

    def scores(self) -> dict[str, float]:
        """The columns of the table, by their names."""
        if self.outcome is None:
            return {}
        found = columns(self.outcome["scores"])
        settings = self.variant.resolved()
        if settings.method == "fast" and settings.network == "arbitrary":
            del found["embedding"]  # the network was given the code that this compares
        return found


def is_whole(outcome: Mapping[str, Any]) -> bool:
    """Whether a variant's `cell.CELL` has all that a report tells of it, as this version writes it."""
    try:
        made, curve = outcome["record"], dict(outcome["curve"])
        numbers = [
            made["width"],
            made["height"],
            made["steps"],
            outcome["wall_s"],
            *columns(outcome["scores"]).values(),
        ]
        machine(made)
        lengths = {len(curve.pop("iteration")), *map(len, curve.values())} if curve else {0}
        return all(isinstance(each, (int, float)) for each in numbers) and len(lengths) == 1
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def unreadable(picture: Path) -> str:
    """Why a picture cannot be shown; nothing if it can."""
    try:
        codecs.load(picture)
    except ImageError as error:
        return str(error)
    return ""


def columns(scores: Mapping[str, Any]) -> dict[str, float]:
    """The scores in the table, by their names there. Raises KeyError and TypeError."""
    return {name: scores[group][key] for name, (group, key) in COLUMNS.items()}


def machine(made: dict[str, Any]) -> str:
    """What a record was made on, for people to read."""
    named = " · ".join(f"{name} {value}" for name, value in made["machine"].items())
    return f"{named} · {made['device']}, {made['precision']}"
