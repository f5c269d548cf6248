"""Texture synthesis: style + smoothness, from noise (Gatys, Ecker and Bethge 2015, NIPS)."""

from dataclasses import replace
from typing import Unpack

from impasto.pictures import codecs
from impasto.pictures.codecs import PictureLike
from impasto.pictures.picture import scaled_to
from impasto.settings import whole
from impasto.settings.applies import chosen_settings
from impasto.settings.keywords import Keywords
from impasto.tasks import budget
from impasto.tasks.inputs import (
    StyleLike,
    kinds,
    refuse_two_starts,
    scales_of,
    start_of,
    style_pictures,
    usable,
    wanted_size,
    weighted,
)
from impasto.tasks.problem import Problem
from impasto.tasks.result import Result
from impasto.tasks.run import Run
from impasto.tasks.schedule import schedule
from impasto.tasks.zones import Zone


def plan_texture(
    style: StyleLike, recipe: str = "texture", *, start: PictureLike | None = None, **settings: Unpack[Keywords]
) -> Run:
    """Prepare `texture`; see there."""
    chosen = chosen_settings(recipe, {**settings}, "texture")
    refuse_two_starts(start, settings)
    whole.check(chosen, "texture", **kinds(style), start=start is not None)
    effective = chosen.effective()
    wanted = wanted_size(chosen.size, chosen.method, (0, 0))
    length = wanted if isinstance(wanted, int) else max(wanted)
    with codecs.truncation(chosen.allow_truncated):
        (first, share), *others = weighted(style)
        first = usable(first, "style")  # whose aspect is less exact once it is smaller
        styles = style_pictures([(first, share), *others], length, scales_of(chosen, 1 + len(others)))
        budget.check("texture", effective, first.size, wanted, lambda: {"zones": [Zone(styles)]})
        frame = replace(styles[0].picture.fitted(scaled_to(first.size, wanted)), alpha=None)
        problem = Problem("texture", effective, frame, schedule(frame.size, effective), zones=[Zone(styles)])
        return Run(problem, recipe, chosen, start_of(chosen, start, {"style": lambda: styles[0].picture}))


def texture(
    style: StyleLike, recipe: str = "texture", *, start: PictureLike | None = None, **settings: Unpack[Keywords]
) -> Result:
    """A new texture with the style's statistics and nothing else (Gatys, Ecker and Bethge 2015, NIPS).

    ``size`` is the long side in the style's own aspect, or any (width, height). Other arguments and errors as
    `stylize`.
    """
    return plan_texture(style, recipe, start=start, **settings).finish()
