"""Pictures painted at once by the fast method. Photographs, what networks make of paintings, the networks and
the memory to paint in stay, so that only the painting itself is left to do.
"""

from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from impasto import weights
from impasto.machine import memory
from impasto.networks import codes
from impasto.networks.codes import StyleCode, learnt_style
from impasto.networks.zoo import FILES, network
from impasto.pictures.codecs import load
from impasto.pictures.picture import Picture
from impasto.settings.fields import PREDICTING, Settings
from impasto.settings.names import normalised
from impasto.tasks.fast import plan_fast
from impasto.tasks.inputs import style_code
from impasto.web.desk.showing import encoded

_PHOTOS, _CODES = 8, 256
_KEPT = 1024
"""The long side that photographs are kept at."""
_USUAL = 512
"""Long side: what a larger picture has taken is given back."""
_life = ExitStack()


def ready() -> tuple[dict[str, Any], bytes]:
    """Load both networks that serve where none is named, and tell of all that are installed."""
    _life.enter_context(memory.reused())  # a quarter of the time of a small picture
    told = []
    there = weights.installed()
    for name in (name for name, file in FILES.items() if file in there):
        styles = network(name).design.styles
        told.append({"name": name, "styles": list(styles), "any": not styles})
    return {"networks": told}, b""


def paint(
    photo: str,
    *,
    size: int,
    styles: list[tuple[str, float]] | None = None,
    style_index: str = "",
    name: str | None = None,
    strength: float = 0.5,
    stroke_size: int | None = None,
    keep_colour: Literal["none", "luminance", "linear", "histogram"] = "none",
) -> tuple[dict[str, Any], bytes]:
    """The photograph in paintings' styles, or in learnt ones, its long side ``size`` at the most.

    Raises SettingsError and ImageError.
    """
    size = min(size, max(_photo(photo).size))
    painted_at = min(stroke_size or size, 2 * size)
    canvas = _fitted(photo, max(size, painted_at))
    if style_index:
        code = learnt_style(style_index, name or "auto")
    else:
        code = codes.mixed([(_code(file, name or PREDICTING), weight) for file, weight in _shares(styles or [])])
    share = min(1.0, 2 * strength)
    if share < 1:  # as the fast method itself does, by what is known of the photograph already
        code = codes.mixed([(_plain(photo, code.network), 1 - share), (code, share)])
    settings = Settings(method="fast", size=size, stroke_size=painted_at, keep_colour=keep_colour)
    painted = encoded(plan_fast(canvas, code, settings).finish().picture)
    if painted_at > _USUAL:
        memory.release()
    return painted


def _shares(styles: list[tuple[str, float]]) -> list[tuple[str, float]]:
    weights = normalised([weight for _, weight in styles])
    return [(file, weight) for (file, _), weight in zip(styles, weights, strict=True)]


@lru_cache(_PHOTOS)
def _photo(file: str) -> Picture:
    picture = load(Path(file))
    return picture.fitted(_KEPT) if max(picture.size) > _KEPT else picture


@lru_cache(_PHOTOS)
def _fitted(file: str, side: int) -> Picture:
    """The photograph at that long side, or at the one that it has here."""
    picture = _photo(file)
    return picture.fitted(min(side, max(picture.size)))


@lru_cache(_CODES)
def _code(file: str, name: str) -> StyleCode:
    return style_code(file, name)


@lru_cache(_PHOTOS)
def _plain(photo: str, name: str) -> StyleCode:
    return codes.plain(_fitted(photo, 512), name)
